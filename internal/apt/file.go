package apt

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// openFile opens a file of a local archive: a regular one, which no link leads to
// from outside of the archive's root.
func openFile(at place, offset int64) (*body, error) {
	root, err := os.OpenRoot(at.base.Path)
	if err != nil {
		return nil, fileTrouble(err)
	}
	defer root.Close()
	// Without O_NONBLOCK a named pipe would hold kiln for ever.
	f, err := root.OpenFile(at.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileTrouble(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &trouble{text: "it is not a regular file"}
	}
	if err == nil && offset > 0 {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fileTrouble(err)
	}
	return &body{ReadCloser: f, from: offset, size: info.Size()}, nil
}

func fileTrouble(err error) error {
	var t *trouble
	if errors.As(err, &t) {
		return t
	}
	var pe *fs.PathError
	text := err.Error()
	if errors.As(err, &pe) {
		text = pe.Err.Error()
	}
	return &trouble{text: text, err: err, missing: errors.Is(err, fs.ErrNotExist)}
}
