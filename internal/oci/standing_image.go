package oci

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"kiln"
)

// Standing is an image in a layout that stands in a folder or a tar, opened to be read
// blob by blob.
type Standing struct {
	place     string
	s         standing
	entry     Descriptor
	referrers []Descriptor
}

// Blob is a blob that can be read at any place.
type Blob interface {
	io.ReaderAt
	io.Closer
}

// OpenStanding opens the layout at place, and finds the image called name in it, or the
// only one where name is empty. The caller closes it.
func OpenStanding(place, name string) (_ *Standing, err error) {
	defer func() { err = standingProblem(place, err) }()
	s, err := openStanding(place)
	if err != nil {
		return nil, err
	}
	l := &Standing{place: place, s: s}
	if err := l.find(name); err != nil {
		s.Close()
		return nil, err
	}
	return l, nil
}

func (l *Standing) find(name string) error {
	top, _, err := readTop(l.s)
	if err != nil {
		return err
	}
	i, err := entryNamed(top, name)
	if err != nil {
		return err
	}
	l.entry = top.Manifests[i]
	_, l.referrers, err = readList(l.s, l.entry)
	return err
}

// Close implements io.Closer.
func (l *Standing) Close() error { return l.s.Close() }

// Entry is what index.json says of the image.
func (l *Standing) Entry() Descriptor { return l.entry }

// Name is what index.json calls the image; it may be empty.
func (l *Standing) Name() string { return l.entry.Annotations[annotationRef] }

// Referrers are what stands beside the image.
func (l *Standing) Referrers() []Descriptor { return l.referrers }

// Document returns a manifest or an index, verified.
func (l *Standing) Document(d kiln.Digest) ([]byte, error) {
	if err := (Descriptor{Digest: d}).check(); err != nil {
		return nil, standingProblem(l.place, err)
	}
	b, err := readBlob(l.s, d, maxListed)
	return b, standingProblem(l.place, err)
}

// Open opens a blob. Its size is as d says; its content is for the caller to verify.
func (l *Standing) Open(d Descriptor) (Blob, error) {
	b, err := l.open(d)
	return b, standingProblem(l.place, err)
}

func (l *Standing) open(d Descriptor) (Blob, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	r, err := l.s.open(blobName(d.Digest))
	if err != nil {
		return nil, err
	}
	var size int64
	switch f := r.(type) {
	case *os.File:
		info, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		size = info.Size()
	case sectionFile:
		size = f.Size()
	}
	b, ok := r.(Blob)
	if !ok || size != d.Size {
		r.Close()
		return nil, refusedf("%q has %d bytes, not %d", blobName(d.Digest), size, d.Size)
	}
	return b, nil
}

func standingProblem(place string, err error) error {
	var known *kiln.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known) && known.Code == kiln.Refused && len(known.Hints) == 0:
		return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("cannot read the image %q: %v", place, err), Err: err, Hints: []string{"do not use this image; build or fetch it again"}}
	case errors.As(err, &known):
		return &kiln.Error{Code: known.Code, Text: fmt.Sprintf("cannot read the image %q: %v", place, err), Err: err}
	}
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the image %q: %v", place, err), Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		e.Code = kiln.Refused
		e.Hints = []string{"name an image layout that is whole: kiln build -o oci:" + place}
		if _, there := os.Stat(place); there != nil {
			e.Code, e.Hints = kiln.User, []string{"build the image first: kiln build RECIPE -o oci:FOLDER"}
		}
	}
	return e
}
