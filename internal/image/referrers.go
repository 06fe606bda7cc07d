package image

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"kiln"
	"kiln/internal/oci"
)

// Referrer is an artifact that stands beside an image: the record of its build, an
// SBOM, a signed statement. Contents were checked against their digests; what they
// say was not looked at.
type Referrer struct {
	oci.Descriptor // of its manifest, with artifactType and annotations
	Artifact       oci.Artifact
	Contents       [][]byte // of Artifact.Blobs, in order; nil of the record of the build, and of what was not asked for
}

// beside reads what stands beside the image that the entry of index.json names, as
// far as the options ask for it.
func (r *reader) beside(s source, entry descriptor) error {
	name := entry.Annotations[oci.AnnotationReferrers]
	if name == "" || !r.o.Record && r.o.Referrers == nil {
		return nil
	}
	list, err := referrersOf(s, name)
	if err != nil {
		return err
	}
	r.img.List = kiln.Digest(name)
	for _, d := range list {
		if d.ArtifactType != oci.TypeBuild && r.o.Referrers == nil {
			continue
		}
		ref, err := readReferrer(s, d)
		if err == nil && d.ArtifactType == oci.TypeBuild {
			err = r.record(s, entry, ref)
		} else if err == nil && r.o.Referrers(d.ArtifactType) {
			err = readContents(s, &ref)
		} else if err == nil && r.o.Intact {
			err = checkContents(s, ref)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", besideName(d.ArtifactType), err)
		}
		if r.o.Referrers != nil {
			r.img.Referrers = append(r.img.Referrers, ref)
		}
	}
	return nil
}

func besideName(artifactType string) string {
	if artifactType == oci.TypeBuild {
		return "the record of the build"
	}
	return "the " + artifactType + " beside it"
}

// referrersOf reads the list of the referrers, whose digest is name.
func referrersOf(s source, name string) ([]oci.Descriptor, error) {
	file, digest, err := blobOf(descriptor{Digest: name})
	if err != nil {
		return nil, err
	}
	text, err := document(s, file, digest, maxDocument)
	if err != nil {
		return nil, fmt.Errorf("the list of the referrers: %w", err)
	}
	list, err := oci.ParseReferrers(text)
	if err != nil {
		return nil, refused("%v", err)
	}
	return list, nil
}

// readReferrer reads the manifest of a referrer.
func readReferrer(s source, d oci.Descriptor) (Referrer, error) {
	file, digest, err := blobOf(descriptor{Digest: string(d.Digest), Size: d.Size})
	if err != nil {
		return Referrer{}, err
	}
	text, err := document(s, file, digest, maxDocument)
	if err != nil {
		return Referrer{}, err
	}
	var a oci.Artifact
	if d.MediaType == mediaIndex {
		var n oci.Named
		n, err = oci.ParseNamed(d, text)
		a = oci.Artifact{Type: n.Type, Subject: n.Subject}
	} else {
		a, err = oci.ParseArtifact(text, d.ArtifactType)
	}
	if err != nil {
		return Referrer{}, refused("%v", err)
	}
	if a.Subject == nil {
		return Referrer{}, refused("it is not of the image which it stands beside: it has no subject")
	}
	return Referrer{Descriptor: d, Artifact: a}, nil
}

// readContents reads the blobs of a referrer that is a manifest; an index has none.
func readContents(s source, r *Referrer) error {
	if r.MediaType == mediaIndex {
		return nil
	}
	for i, d := range append([]oci.Descriptor{r.Artifact.Config}, r.Artifact.Blobs...) {
		file, digest, err := blobOf(descriptor{Digest: string(d.Digest), Size: d.Size})
		if err != nil {
			return err
		}
		b, err := document(s, file, digest, maxRecordFile)
		if err != nil {
			return err
		}
		if i > 0 {
			r.Contents = append(r.Contents, b)
		}
	}
	return nil
}

// checkContents checks blobs that are not read, however large they are.
func checkContents(s source, ref Referrer) error {
	read := func(d oci.Descriptor) ([]byte, error) {
		file, digest, err := blobOf(descriptor{Digest: string(d.Digest), Size: d.Size})
		if err != nil {
			return nil, err
		}
		return document(s, file, digest, maxDocument)
	}
	return oci.Walk(ref.Descriptor, read, func(d oci.Descriptor) error {
		file, digest, err := blobOf(descriptor{Digest: string(d.Digest), Size: d.Size})
		if err != nil {
			return err
		}
		r, size, err := s.open(file)
		if errors.Is(err, fs.ErrNotExist) {
			return missing(file)
		}
		if err != nil {
			return err
		}
		h := sha256.New()
		n, err := io.Copy(h, io.LimitReader(r, d.Size+1))
		r.Close()
		switch {
		case err != nil:
			return fmt.Errorf("cannot read %q: %w", file, err)
		case size != d.Size || n != d.Size:
			return refused("%q has %d bytes, not %d", file, max(size, n), d.Size)
		case hex.EncodeToString(h.Sum(nil)) != digest.Hex():
			return refused("%q is damaged: its digest is sha256:%x, not %s", file, h.Sum(nil), digest)
		}
		return nil
	})
}

// record reads the record of the build, which is of the entry as a whole.
func (r *reader) record(s source, entry descriptor, ref Referrer) (err error) {
	if string(ref.Artifact.Subject.Digest) != entry.Digest || ref.MediaType == mediaIndex {
		return refused("it is not of %s, which it stands beside", entry.Digest)
	}
	if r.img.Record != nil {
		return refused("there are two of it: %s and %s", r.img.Record.Digest, ref.Digest)
	}
	if r.o.Record {
		r.img.Record, err = readRecord(s, ref.Artifact, ref.Digest)
	}
	return err
}
