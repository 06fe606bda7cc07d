package lock

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"kiln"
	"kiln/internal/durable"
)

// Load reads the lock at path. errors.Is(err, fs.ErrNotExist) tells that there
// is none.
func Load(path string) (*Lock, error) {
	src, err := read(path)
	if err != nil {
		e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the lock: %v", err), Err: err}
		if errors.Is(err, fs.ErrNotExist) {
			e.Hints = []string{"kiln lock"}
		}
		return nil, e
	}
	return Parse(path, src)
}

// read reads a regular file: a pipe would wait for ever, and a device has no end.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1))
}

// Save writes the lock at path, whole or not at all. It refuses to write what
// Parse would not read.
func (l *Lock) Save(path string) error {
	b := l.Marshal()
	if _, err := decode(b); err != nil {
		return &kiln.Error{Code: kiln.Bug, Text: fmt.Sprintf("bug: cannot write the lock %q: %v", path, err), Err: err}
	}
	err := durable.WriteFile(path, 0o644, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err == nil {
		return nil
	}
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot save the lock: %v", err), Err: err}
	switch {
	case durable.IsFull(err):
		e.Text = fmt.Sprintf("cannot save the lock: disk full: %v", err)
		e.Hints = []string{"free some room on the disk of the recipe"}
	case errors.Is(err, fs.ErrPermission):
		e.Hints = []string{"make the recipe's folder writable, or copy the recipe to one that is"}
	}
	return e
}
