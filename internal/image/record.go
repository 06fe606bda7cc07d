package image

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// maxRecordFile bounds a file of a record, as it is stored and as it is read, in bytes.
const maxRecordFile = 256 << 20

// Record is the record of a build that stands beside an image, verified.
type Record struct {
	oci.Record
	Digest kiln.Digest       // of its manifest
	Files  map[string][]byte // by title, uncompressed
}

// Tree returns the tree of a platform as the build recorded it, with its origins.
func (r *Record) Tree(p kiln.Platform) (*tree.Tree, error) {
	listing, ok := r.Files[oci.TitleTree(p)]
	if !ok {
		return nil, refused("the record of the build has no listing for %s", p)
	}
	t, err := tree.ParseListing(listing)
	if err == nil {
		err = t.SetOrigins(r.Files[oci.TitleOrigins(p)])
	}
	if err != nil {
		return nil, refused("the record of the build for %s: %v", p, err)
	}
	for _, recorded := range r.Platforms {
		if got := kiln.DigestOf(listing); recorded.Platform == p && recorded.Tree != got {
			return nil, refused("the record of the build for %s lists the tree %s and names %s", p, got, recorded.Tree)
		}
	}
	return t, nil
}

// readRecord reads the record of a build, the artifact m whose manifest has the digest.
func readRecord(s source, m oci.Artifact, digest kiln.Digest) (*Record, error) {
	r := &Record{Digest: digest, Files: map[string][]byte{}}
	text, err := recordFile(s, m.Config)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &r.Record); err != nil {
		return nil, refused("its configuration is no JSON: %v", err)
	}
	for _, d := range m.Blobs {
		title := d.Annotations[oci.AnnotationTitle]
		if r.Files[title], err = recordFile(s, d); err != nil {
			return nil, fmt.Errorf("its file %q: %w", title, err)
		}
	}
	return r, nil
}

func recordFile(s source, d oci.Descriptor) ([]byte, error) {
	file, digest, err := blobOf(descriptor{Digest: string(d.Digest)})
	if err != nil {
		return nil, err
	}
	b, err := document(s, file, digest, maxRecordFile)
	if err != nil || !strings.HasSuffix(d.MediaType, "+gzip") {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, refused("%v", err)
	}
	if b, err = io.ReadAll(io.LimitReader(z, maxRecordFile+1)); err != nil || len(b) > maxRecordFile {
		return nil, refused("it is damaged, or too large: %v", err)
	}
	return b, nil
}
