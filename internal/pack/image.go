package pack

import (
	"fmt"

	"kiln"
	"kiln/internal/oci"
)

// Image returns the descriptor of the one image that a layout holds, which a pack
// may name as its subject. path is that of a folder or tar.
func Image(path string) (oci.Descriptor, error) {
	fail := func(err error) (oci.Descriptor, error) {
		return oci.Descriptor{}, &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot use the image %q: %v", path, err),
			Hints: []string{"name an image layout that kiln build wrote: a folder (-o oci:FOLDER) or a tar (-o oci-archive:FILE)"},
			Err:   err,
		}
	}
	l, err := openLayout(path)
	if err != nil {
		return fail(err)
	}
	defer l.close()
	r := &reader{layout: l}
	index, err := r.head()
	if err != nil {
		return fail(err)
	}
	d, err := oci.ParseSole(index)
	if err != nil {
		return fail(err)
	}
	if _, err := r.document("its manifest, of which index.json tells,", d, mostManifest); err != nil {
		return fail(err)
	}
	return d, nil
}
