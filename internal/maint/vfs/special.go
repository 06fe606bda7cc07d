package vfs

import (
	"bytes"
	"io"
	"os"
	"path"
	"strings"
	"syscall"

	"kiln"
	"kiln/internal/tree"
)

// special is a file that a script sees and that is no part of the tree: a device
// of every system, or what Synthetic added. One of the tree goes before it.
type special struct {
	fs   *FS
	path string
	data []byte // of a synthetic file
	mode uint32
}

// synthetic is what Synthetic and Program add.
type synthetic struct {
	data []byte
	mode uint32
}

// Synthetic makes a file that is seen at path, a clean absolute one, and cannot be
// changed or listed. With nil data, it is a directory.
func (f *FS) Synthetic(path string, data []byte) {
	f.synthetic[path] = synthetic{data, 0o444}
}

// Program makes an executable file that is seen at path, as Synthetic does: a
// command that is there while scripts run, and is no part of the tree.
func (f *FS) Program(path string) { f.synthetic[path] = synthetic{[]byte{}, 0o555} }

const (
	devNull = "/dev/null"
	devFull = "/dev/full"
	devZero = "/dev/zero"
)

// special returns the special file at p, if there is one and the tree has none.
func (f *FS) special(p string) (*special, bool) {
	if !strings.HasPrefix(p, "/") {
		return nil, false
	}
	s := &special{fs: f, path: path.Clean(p)}
	switch s.path {
	case devNull, devFull, devZero, "/dev/random", "/dev/urandom":
		return s, true
	}
	made, ok := f.synthetic[s.path]
	s.data, s.mode = made.data, made.mode
	return s, ok
}

func (s *special) info() Info {
	e := tree.Entry{Path: s.path[1:], Type: tree.CharDev, Mode: 0o666, Major: 1, ModTime: s.fs.now}
	switch s.path {
	case devNull:
		e.Minor = 3
	case devZero:
		e.Minor = 5
	case devFull:
		e.Minor = 7
	case "/dev/random":
		e.Minor = 8
	case "/dev/urandom":
		e.Minor = 9
	default:
		e.Type, e.Mode, e.Major, e.Size = tree.File, s.mode, 0, int64(len(s.data))
		if s.data == nil {
			e.Type, e.Mode = tree.Dir, 0o555
		}
	}
	return Info{Entry: e, Names: 1}
}

func (s *special) open(flag int) (io.ReadWriteCloser, error) {
	switch {
	case s.path == devNull:
		return null{}, nil
	case s.info().Kind() == tree.Dir:
		return nil, pathError("open", s.path, syscall.EISDIR)
	case s.info().Kind() == tree.CharDev && s.info().Minor >= 8 && !writable(flag):
		return nil, pathError("open", s.path, s.fs.fail(kiln.User, "a script reads %s, but what is random cannot be part of a reproducible image", s.path))
	case s.info().Kind() == tree.CharDev || writable(flag) || flag&os.O_CREATE != 0:
		return nil, pathError("open", s.path, syscall.EACCES)
	}
	return &seen{Reader: bytes.NewReader(s.data), path: s.path}, nil
}

// null is /dev/null.
type null struct{}

func (null) Read([]byte) (int, error)    { return 0, io.EOF }
func (null) Write(b []byte) (int, error) { return len(b), nil }
func (null) Close() error                { return nil }

// seen is an open synthetic file.
type seen struct {
	*bytes.Reader
	path string
}

func (s *seen) Write([]byte) (int, error) { return 0, pathError("write", s.path, syscall.EBADF) }
func (s *seen) Close() error              { return nil }
