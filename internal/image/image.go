// Package image reads images back: an OCI image layout in a folder or a tar, the
// archive of "docker save" and "podman save", a plain tar of a root file system, an
// unpacked folder. Whoever wrote them, what comes out is a tree.Tree with its
// content and the configuration, so that an image can be compared with another, or
// with what a recipe gives. Layers are applied as the OCI image specification 1.1
// says (layer.md), whiteouts included.
//
// Nothing is unpacked on the host. Every blob is checked against its digest before
// it is parsed, and each layer's tar against the configuration's diff_ids. It refuses
// paths that lead out of the tree, overlayfs's own marks, and what takes more room
// than Limits allow. It knows of no package family.
package image

import (
	"context"
	"fmt"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// Image is an image that was read, for one platform.
type Image struct {
	Kind        Kind
	Path        string            // where it was read from
	Digest      kiln.Digest       // of the manifest; empty where there is none, as in a plain tar
	Config      *oci.Config       // nil where there is none
	Annotations map[string]string // of the manifest
	Layers      []Layer           // lowest first; none of a folder
	Tree        *tree.Tree        // its origins are empty
	Documents   []Document        // oci-layout, index.json, image index, manifest and configuration, as far as there are any
	Files       []string          // of a layout or archive, sorted: all that there are
	Used        map[string]bool   // those of them that the image and its record are made of
	Record      *Record           // of its build; nil where there is none, or Options.Record is not set
	Referrers   []Referrer        // all that stands beside it, the record included; nil where Options.Referrers is
	List        kiln.Digest       // of the list of all that stands beside it; empty where there is none
	Unowned     bool              // a folder that an ordinary user unpacked: all in it is that user's, whoever owns it in the image

	contents *spool
}

// Layer is a layer of an image that was read.
type Layer struct {
	Digest       kiln.Digest // of the blob; empty where nothing names it
	DiffID       kiln.Digest // of the tar in it
	Size         int64       // of the blob, in bytes
	Uncompressed int64       // of the tar, in bytes
	Entries      int         // whiteouts included
	CreatedBy    string      // what the configuration's history says of it
}

// Document is a JSON document of an image.
type Document struct {
	Name   string      // "oci-layout", "index.json", "manifest.json" (docker's list), "image index", "manifest" or "configuration"
	Digest kiln.Digest // that it was checked against; empty where nothing names it
	Text   []byte
}

// Options say what is read of an image, and how much of it.
type Options struct {
	Platform  kiln.Platform                  // which one, where there are several; zero: Native
	Native    kiln.Platform                  // taken where Platform is zero and there is a choice
	Keep      func(tree.Entry) bool          // whose content is kept for Contents; nil: all. Size is known, Content is not
	Spool     string                         // folder for the temporary file with that content, which has no name there
	Limits    Limits                         // zero fields are the defaults
	Record    bool                           // read the record of the build as well
	Referrers func(artifactType string) bool // also list what stands beside the image, and read of these what is in it; nil: no list
	Intact    bool                           // check the blobs of what is listed and not read against their digests
	Entry     func(layer int, e tree.Entry)  // is told of each entry of a layer's tar, in its order; nil: nobody is
	Damage    func(Damage)                   // is told of layers that do not verify, of which is read what can be; nil: they are errors
	Sink      kiln.Sink                      // is told what is read
}

// Read reads the image that ref names. Errors of what does not verify have the
// code kiln.Refused. The caller closes the image.
func Read(ctx context.Context, ref Reference, o Options) (*Image, error) {
	o.Limits = o.Limits.withDefaults()
	img, err := read(ctx, ref, o)
	if err != nil {
		return nil, readProblem(ref, err)
	}
	return img, nil
}

// Contents opens the files of the tree that Options.Keep chose. It is usable until
// Close, by several goroutines.
func (img *Image) Contents() tree.Contents { return img.contents }

// Close drops what was kept.
func (img *Image) Close() error { return img.contents.close() }

// TreeDigest is the digest of a tree that was read: the one that "kiln build"
// reported for the image, whichever output it was read from.
func (img *Image) TreeDigest() kiln.Digest { return img.Tree.Digest() }

func readProblem(ref Reference, err error) error {
	e := &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot read the image %q: %v", ref, err), Err: err}
	if e.Code == kiln.Refused && len(kiln.HintsOf(err)) == 0 {
		e.Hints = []string{"do not use this image; build or fetch it again"}
	}
	return e
}

func refused(format string, args ...any) error {
	return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf(format, args...)}
}
