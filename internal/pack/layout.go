package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"kiln"
)

// The files of an image layout, as the specification's image-layout.md says.
const (
	layoutFile    = "oci-layout"
	indexFile     = "index.json"
	blobsFolder   = "blobs"
	blobFolder    = blobsFolder + "/sha256"
	layoutVersion = "1.0.0"
)

// isBlob tells whether name is where a layout has a blob.
var isBlob = regexp.MustCompile(`^blobs/sha256/[0-9a-f]{64}$`).MatchString

func blobName(d kiln.Digest) string { return blobFolder + "/" + d.Hex() }

// extent is a file of a layout: its place in the tar.
type extent struct{ offset, size int64 }

// layout is an image layout that is open: a folder, or a tar. It holds the files of
// a layout and no others; what is in them nobody has looked at yet.
type layout struct {
	root  *os.Root // of a folder
	file  *os.File // of a tar
	files map[string]extent
}

// openLayout opens the layout at path. One file in it, and at most one of each name,
// can be had by a name; none of another name is there.
func openLayout(path string) (*layout, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, cause(err)
	}
	l := &layout{files: map[string]extent{}}
	switch {
	case info.IsDir():
		if l.root, err = os.OpenRoot(path); err == nil {
			err = l.readFolder()
		}
	case info.Mode().IsRegular(): // a pipe would be waited for
		if l.file, err = os.Open(path); err == nil {
			err = l.readTar(info.Size())
		}
	default:
		err = errors.New("it is neither a file nor a folder")
	}
	if err == nil {
		err = l.whole()
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *layout) close() {
	if l.root != nil {
		l.root.Close()
	}
	if l.file != nil {
		l.file.Close()
	}
}

func (l *layout) whole() error {
	for _, name := range []string{layoutFile, indexFile} {
		if _, ok := l.files[name]; !ok {
			return fmt.Errorf("it has no %s", name)
		}
	}
	return nil
}

// add notes a file, which must be one of a layout.
func (l *layout) add(name string, e extent) error {
	if name != layoutFile && name != indexFile && !isBlob(name) {
		return fmt.Errorf("it holds %q, which is no part of a pack", shorten(name))
	}
	if _, twice := l.files[name]; twice {
		return fmt.Errorf("it holds %q twice", name)
	}
	l.files[name] = e
	return nil
}

// readFolder lists a folder.
func (l *layout) readFolder() error {
	return fs.WalkDir(l.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return cause(err)
		case d.IsDir() && (name == "." || name == blobsFolder || name == blobFolder):
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("it holds %q, which is no part of a pack", shorten(name))
		}
		info, err := d.Info()
		if err != nil {
			return cause(err)
		}
		return l.add(name, extent{size: info.Size()})
	})
}

// open opens a file of the layout, which may be missing.
func (l *layout) open(name string) (io.ReadCloser, int64, error) {
	e, ok := l.files[name]
	switch {
	case !ok:
		return nil, 0, fs.ErrNotExist
	case l.root == nil:
		return io.NopCloser(io.NewSectionReader(l.file, e.offset, e.size)), e.size, nil
	}
	f, err := l.root.Open(name)
	return f, e.size, err
}

// read reads a small file whole.
func (l *layout) read(name string, most int64) ([]byte, error) {
	r, size, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if size > most {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", size, most)
	}
	return io.ReadAll(io.LimitReader(r, most))
}

// shorten cuts a name that somebody else chose.
func shorten(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "?") + "..."
	}
	return s
}
