package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kiln"
)

// Kind is the form of an image, named as "kiln build --output" names it.
type Kind string

// The kinds.
const (
	Layout        Kind = "oci"            // OCI image layout in a folder
	LayoutArchive Kind = "oci-archive"    // the same as one tar
	DockerArchive Kind = "docker-archive" // of docker save and podman save
	Tar           Kind = "tar"            // a root file system
	Folder        Kind = "folder"         // a root file system, unpacked
)

// Kinds lists them in the order to show them.
func Kinds() []Kind { return []Kind{Layout, LayoutArchive, DockerArchive, Tar, Folder} }

// Reference names an image.
type Reference struct {
	Kind Kind // empty: what is found at Path decides
	Path string
	Name string // of one among several images of a layout or archive: a tag or a full name
	From string // what the user named, where that is no path: the image was fetched to Path
	Tag  string // that From has; may be empty
}

// String returns the form that ParseReference reads, or what the user named.
func (r Reference) String() string {
	if r.From != "" {
		return r.From
	}
	s := r.Path
	if r.Kind != "" {
		s = string(r.Kind) + ":" + s
	}
	if r.Name != "" {
		s += ":" + r.Name
	}
	return s
}

// ParseReference reads "KIND:PATH", "KIND:PATH:NAME", or a bare path, as the
// container tools write them. A colon belongs to the path where a file or folder of
// that name is there.
func ParseReference(s string) Reference {
	var r Reference
	kind, rest, ok := strings.Cut(s, ":")
	if ok && slices.Contains(Kinds(), Kind(kind)) {
		r.Kind, s = Kind(kind), rest
	}
	r.Path = s
	if exists(s) || r.Kind == Tar || r.Kind == Folder {
		return r
	}
	for i, c := range s {
		if c == ':' && exists(s[:i]) {
			r.Path, r.Name = s[:i], s[i+1:]
			return r
		}
	}
	return r
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return path != "" && err == nil
}

// kindOf looks at what is at the path. Of a file it gives "": its content decides.
func kindOf(path string) (Kind, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &kiln.Error{
			Code: kiln.User, Text: "nothing is there", Err: err,
			Hints: []string{"name a folder or a file that is there, such as oci:web.oci"},
		}
	case err != nil:
		return "", err
	case info.Mode().IsRegular():
		return "", nil
	case !info.IsDir():
		return "", fmt.Errorf("it is neither a file nor a folder")
	}
	if _, err := os.Stat(filepath.Join(path, layoutFile)); err == nil {
		return Layout, nil
	}
	return Folder, nil
}
