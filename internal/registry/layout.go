package registry

import (
	"context"

	"kiln"
	"kiln/internal/oci"
)

// layout is an image in a layout that stands in a folder or a tar.
type layout struct {
	*oci.Standing
	place  string
	beside map[kiln.Digest][]oci.Descriptor // referrers by subject
}

func openLayout(place, name string) (*layout, error) {
	s, err := oci.OpenStanding(place, name)
	if err != nil {
		return nil, err
	}
	l := &layout{s, place, map[kiln.Digest][]oci.Descriptor{}}
	for _, d := range s.Referrers() {
		text, err := s.Document(d.Digest)
		if err == nil {
			var doc document
			if doc, err = parseDocument(d, text); err == nil {
				l.beside[doc.subject] = append(l.beside[doc.subject], d)
			}
		}
		if err != nil {
			s.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *layout) String() string           { return l.place }
func (l *layout) repository(string) string { return "" }

func (l *layout) document(_ context.Context, d oci.Descriptor) ([]byte, error) {
	return l.Document(d.Digest)
}

func (l *layout) referrers(_ context.Context, d kiln.Digest) ([]oci.Descriptor, error) {
	return l.beside[d], nil
}

func (l *layout) blob(_ context.Context, d oci.Descriptor) (content, error) { return l.Open(d) }
