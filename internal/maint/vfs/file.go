package vfs

import (
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"kiln"
	"kiln/internal/tree"
)

// File is an open file. It keeps its content after its name is gone.
type File struct {
	fs   *FS
	node *node
	path string
	flag int
	pos  int64
	data []byte      // of a sealed node, once read
	seen kiln.Digest // what data is the content of
	dead bool        // closed
}

// OpenFile opens a file with the flags of package os. mode is that of a file
// that it makes, the umask already applied.
func (f *FS) OpenFile(path string, flag int, mode uint32) (io.ReadWriteCloser, error) {
	file, err := f.open(path, flag, mode)
	if err != nil {
		if s, ok := f.special(path); ok {
			return s.open(flag)
		}
		return nil, err
	}
	return file, nil
}

func (f *FS) open(path string, flag int, mode uint32) (*File, error) {
	follow := flag&(os.O_CREATE|os.O_EXCL) != os.O_CREATE|os.O_EXCL
	if flag&os.O_CREATE != 0 && strings.HasSuffix(path, "/") {
		if _, err := f.walkName("open", path); err != nil {
			return nil, err
		}
		return nil, pathError("open", path, syscall.EISDIR)
	}
	p, err := f.walk("open", path, follow)
	if err != nil {
		return nil, err
	}
	if p.node == nil {
		return f.openNew(p, path, flag, mode)
	}
	if err := mayOpen(p.node, flag, follow); err != nil {
		return nil, pathError("open", path, err)
	}
	if writable(flag) {
		f.note(p)
	}
	if flag&os.O_TRUNC != 0 && writable(flag) {
		if err := f.resize(p.node, 0); err != nil {
			return nil, pathError("open", path, err)
		}
	}
	return &File{fs: f, node: p.node, path: path, flag: flag}, nil
}

func (f *FS) openNew(p place, path string, flag int, mode uint32) (*File, error) {
	if flag&os.O_CREATE == 0 {
		return nil, pathError("open", path, fs.ErrNotExist)
	}
	if _, ok := f.special(path); ok {
		return nil, pathError("open", path, fs.ErrExist)
	}
	n, err := f.create(p, tree.Entry{Type: tree.File, Mode: mode & modeAll})
	if err != nil {
		return nil, pathError("open", path, err)
	}
	n.loose = true
	return &File{fs: f, node: n, path: path, flag: flag}, nil
}

func writable(flag int) bool { return flag&(os.O_WRONLY|os.O_RDWR) != 0 }

func mayOpen(n *node, flag int, follow bool) error {
	switch {
	case !follow:
		return fs.ErrExist
	case n.kind == tree.Dir && (writable(flag) || flag&os.O_CREATE != 0):
		return syscall.EISDIR
	case n.kind == tree.Dir || n.kind == tree.File:
		return nil
	}
	return syscall.ENXIO // a device or pipe that nobody serves
}

// Read implements io.Reader.
func (f *File) Read(b []byte) (int, error) {
	switch {
	case f.dead:
		return 0, pathError("read", f.path, fs.ErrClosed)
	case f.flag&os.O_WRONLY != 0:
		return 0, pathError("read", f.path, syscall.EBADF)
	case f.node.kind == tree.Dir:
		return 0, pathError("read", f.path, syscall.EISDIR)
	}
	data, err := f.content()
	if err != nil {
		return 0, pathError("read", f.path, err)
	}
	if f.pos >= int64(len(data)) {
		return 0, io.EOF
	}
	n := copy(b, data[f.pos:])
	f.pos += int64(n)
	return n, nil
}

// content is what the file holds now. That of a sealed file stays with the File,
// not with the node: what is only read should not stay in memory.
func (f *File) content() ([]byte, error) {
	if f.node.loose {
		f.data, f.seen = nil, ""
		return f.node.data, nil
	}
	if f.seen != f.node.content {
		data, err := f.fs.read(f.node)
		if err != nil {
			return nil, err
		}
		f.data, f.seen = data, f.node.content
	}
	return f.data, nil
}

// Write implements io.Writer.
func (f *File) Write(b []byte) (int, error) {
	switch {
	case f.dead:
		return 0, pathError("write", f.path, fs.ErrClosed)
	case !writable(f.flag):
		return 0, pathError("write", f.path, syscall.EBADF)
	case len(b) == 0:
		return 0, nil
	}
	if err := f.write(b); err != nil {
		return 0, pathError("write", f.path, err)
	}
	return len(b), nil
}

func (f *File) write(b []byte) error {
	if err := f.fs.loosen(f.node); err != nil {
		return err
	}
	if f.flag&os.O_APPEND != 0 {
		f.pos = int64(len(f.node.data))
	}
	end := f.pos + int64(len(b))
	if more := end - int64(len(f.node.data)); more > 0 {
		if err := f.fs.grow(more); err != nil {
			return err
		}
		f.node.data = append(f.node.data, make([]byte, more)...)
	}
	copy(f.node.data[f.pos:], b)
	f.pos = end
	f.fs.written(f.node)
	return nil
}

// Seek implements io.Seeker.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += f.node.length()
	}
	if offset < 0 || f.dead {
		return 0, pathError("seek", f.path, syscall.EINVAL)
	}
	f.pos = offset
	return offset, nil
}

// Close implements io.Closer.
func (f *File) Close() error {
	if f.dead {
		return pathError("close", f.path, fs.ErrClosed)
	}
	f.dead = true
	return nil
}

// ReadFile returns the content of a file. The caller may not change it.
func (f *FS) ReadFile(path string) ([]byte, error) {
	r, err := f.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if file, ok := r.(*File); ok && file.node.kind == tree.File {
		return f.content(file)
	}
	return io.ReadAll(r)
}

func (f *FS) content(file *File) ([]byte, error) {
	data, err := file.content()
	if err != nil {
		return nil, pathError("read", file.path, err)
	}
	if file.node.loose {
		return append([]byte(nil), data...), nil // it may change under the caller's hands
	}
	return data, nil
}

// WriteFile sets the content of a file. One that is there keeps its mode and
// owner; a new one gets mode.
func (f *FS) WriteFile(path string, data []byte, mode uint32) error {
	return f.put(path, data, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
}

// Append adds data to the end of a file, which is made if it is not there.
func (f *FS) Append(path string, data []byte, mode uint32) error {
	return f.put(path, data, os.O_WRONLY|os.O_CREATE|os.O_APPEND, mode)
}

func (f *FS) put(path string, data []byte, flag int, mode uint32) error {
	w, err := f.OpenFile(path, flag, mode)
	if err != nil {
		return err
	}
	defer w.Close()
	_, err = w.Write(data)
	return err
}
