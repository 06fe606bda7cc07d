package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"kiln"
)

// source is where the files of a layout or archive are.
type source interface {
	// open opens a file by its name inside; errors.Is(err, fs.ErrNotExist) where
	// there is none.
	open(name string) (io.ReadCloser, int64, error)
	// names lists the files, sorted.
	names() ([]string, error)
	close() error
}

// tracked notes which files of a source are opened.
type tracked struct {
	source
	used map[string]bool
}

func (t *tracked) open(name string) (io.ReadCloser, int64, error) {
	t.used[path.Clean("/" + name)[1:]] = true
	return t.source.open(name)
}

// folderSource is a folder. No link leads out of it.
type folderSource struct{ root *os.Root }

func openFolderSource(dir string) (*folderSource, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folderSource{root}, nil
}

func (s *folderSource) open(name string) (io.ReadCloser, int64, error) {
	f, err := s.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe would be waited for
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is not a regular file", name)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (s *folderSource) names() ([]string, error) {
	var all []string
	err := fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, name)
		}
		if len(all) > maxMembers {
			return errMany
		}
		return err
	})
	slices.Sort(all)
	return all, err
}

func (s *folderSource) close() error { return s.root.Close() }

// archiveSource is a tar file, of which the places of all files are known.
type archiveSource struct {
	file  *os.File
	files map[string]piece
	links map[string]string // symbolic links: docker save names a layer that it has already so
}

// maxMembers bounds the files of an archive: an image has a few for each layer.
// What has more is taken for a root file system.
const maxMembers = 1 << 16

// errMany says that an archive has more files than that.
var errMany = errors.New("it has too many files for the archive of an image")

// openArchiveSource looks through the headers of the tar in f, which it takes over.
func openArchiveSource(f *os.File) (*archiveSource, error) {
	s := &archiveSource{file: f, files: map[string]piece{}, links: map[string]string{}}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r := tar.NewReader(f) // which does not read ahead, and seeks over content
	for {
		h, err := r.Next()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read it as a tar: %w", err)
		}
		if len(s.files)+len(s.links) == maxMembers {
			return nil, errMany
		}
		name := path.Clean("/" + h.Name)[1:]
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			if _, twice := s.files[name]; twice && isDocument(name) {
				return nil, refused("the file %q stands in it twice", name)
			}
			s.files[name] = piece{at, h.Size}
		case tar.TypeSymlink:
			s.links[name] = h.Linkname
		}
	}
}

func isDocument(name string) bool {
	return name == layoutFile || name == indexFile || name == dockerFile
}

func (s *archiveSource) open(name string) (io.ReadCloser, int64, error) {
	name = path.Clean("/" + name)[1:]
	for range 8 {
		to, ok := s.links[name]
		if !ok {
			break
		}
		name = path.Join("/", path.Dir(name), to)[1:]
	}
	p, ok := s.files[name]
	if !ok {
		return nil, 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(io.NewSectionReader(s.file, p.offset, p.size)), p.size, nil
}

func (s *archiveSource) names() ([]string, error) {
	return slices.Sorted(maps.Keys(s.files)), nil
}

func (s *archiveSource) has(name string) bool {
	_, ok := s.files[name]
	return ok
}

func (s *archiveSource) close() error { return s.file.Close() }

// document reads a whole file of at most limit bytes and checks it, where a digest
// is known.
func document(s source, name string, want kiln.Digest, limit int64) ([]byte, error) {
	r, size, err := s.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(name)
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if size > limit {
		return nil, refused("%q has %d bytes, more than %d", name, size, limit)
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", name, err)
	}
	if got := kiln.DigestOf(b); want != "" && got != want {
		return nil, refused("%q is damaged: its digest is %s, not %s", name, got, want)
	}
	return b, nil
}

func missing(name string) error {
	return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("%q is missing in it", name), Err: fs.ErrNotExist}
}
