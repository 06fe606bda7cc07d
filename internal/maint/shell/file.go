package shell

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// file is an open file description: what a descriptor stands for.
type file struct {
	r io.Reader
	w io.Writer
}

// empty is a standard input that has ended.
type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, io.EOF }

// Read implements io.Reader.
func (f *file) Read(b []byte) (int, error) {
	if f == nil || f.r == nil {
		return 0, &fs.PathError{Op: "read", Path: "descriptor", Err: syscall.EBADF}
	}
	return f.r.Read(b)
}

// stream is a descriptor as a command writes to it.
type stream struct {
	p *process
	f *file
}

// Write implements io.Writer. A pipe that nobody reads any more marks the process,
// which a signal would end.
func (s stream) Write(b []byte) (int, error) {
	if s.f == nil || s.f.w == nil {
		return 0, &fs.PathError{Op: "write", Path: "descriptor", Err: syscall.EBADF}
	}
	n, err := s.f.w.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		s.p.broken = true
	}
	return n, err
}

func (p *process) stdin() io.Reader  { return p.files[0] }
func (p *process) stdout() io.Writer { return stream{p, p.files[1]} }
func (p *process) stderr() io.Writer { return stream{p, p.files[2]} }

// open opens what a redirection names.
func (p *process) open(name string, flag int) (*file, error) {
	if name == "" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	full := p.abs(name)
	if n, ok := descriptor(path.Clean(full)); ok {
		if f := p.files[n]; f != nil {
			return f, nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if path.Clean(full) == "/dev/tty" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENXIO}
	}
	h, err := p.job.runner.FS.OpenFile(full, flag, 0o666&^p.umask)
	if err != nil {
		return nil, err
	}
	return &file{r: h, w: h}, nil
}

// descriptor returns the number that a path such as /dev/stderr stands for.
func descriptor(name string) (int, bool) {
	switch name {
	case "/dev/stdin":
		return 0, true
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		if digits, ok := strings.CutPrefix(name, dir); ok {
			n, err := strconv.Atoi(digits)
			return n, err == nil
		}
	}
	return 0, false
}
