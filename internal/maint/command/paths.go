package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"kiln"
)

// Path returns p as an absolute path. Unlike Absolute, it leaves ".." and slashes
// at the end to the file system, for which they can mean something else than
// they seem to.
func (c *Call) Path(p string) string {
	if p == "" || strings.HasPrefix(p, "/") {
		return p
	}
	return strings.TrimSuffix(c.Dir, "/") + "/" + p
}

// Open opens a file for reading; "-" and /dev/stdin are the call's own.
func (c *Call) Open(name string) (io.ReadCloser, error) {
	if name == "-" || name == "/dev/stdin" || name == "/proc/self/fd/0" || name == "/dev/fd/0" {
		return io.NopCloser(c.Stdin), nil
	}
	f, err := c.FS.OpenFile(c.Path(name), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Create opens a file for writing, anew or to append to it.
func (c *Call) Create(name string, appending bool) (io.WriteCloser, error) {
	switch name {
	case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return nopCloser{c.Stdout}, nil
	case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2":
		return nopCloser{c.Stderr}, nil
	}
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if appending {
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	return c.FS.OpenFile(c.Path(name), flag, 0o666&^c.Umask)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// ReadAll returns the content of a file, "-" being standard input.
func (c *Call) ReadAll(name string) ([]byte, error) {
	r, err := c.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Inputs calls each for every file named, or for standard input if there is none.
// A file that cannot be read is complained about; the status is then 1.
func (c *Call) Inputs(names []string, each func(name string, r io.Reader) error) (int, error) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := 0
	for _, name := range names {
		r, err := c.Open(name)
		if err == nil {
			err = each(name, r)
			r.Close()
		}
		if err != nil {
			var fatal *kiln.Error
			if errors.As(err, &fatal) {
				return status, err
			}
			if IsBroken(err) {
				return status, nil
			}
			status, _ = c.Failed(1, name, err)
		}
	}
	return status, nil
}

// IsBroken reports whether err is of writing to a pipe that nobody reads.
func IsBroken(err error) bool { return errors.Is(err, syscall.EPIPE) }

// Failed complains about an operation on a file, as the C library words it.
func (c *Call) Failed(status int, name string, err error) (int, error) {
	return c.Complain(status, "%s: %s", name, ErrorText(err))
}

// ErrorText is strerror(3) for the errors of a vfs.FS.
func ErrorText(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "No such file or directory"
	case errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY):
		return "File exists"
	}
	var n syscall.Errno
	if errors.As(err, &n) {
		switch n {
		case syscall.ENOTDIR:
			return "Not a directory"
		case syscall.EISDIR:
			return "Is a directory"
		case syscall.ENOTEMPTY:
			return "Directory not empty"
		case syscall.ELOOP:
			return "Too many levels of symbolic links"
		case syscall.EINVAL:
			return "Invalid argument"
		}
	}
	return fmt.Sprint(err)
}

// IsMissing reports whether err is of a path that is not there.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// IsDirectory reports whether p leads to a directory.
func (c *Call) IsDirectory(p string) bool {
	return c.FS.IsDir(c.Path(p))
}

// Joined puts a name behind a directory as find(1) and its like show it.
func Joined(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

// BaseName is basename(3).
func BaseName(p string) string {
	trimmed := strings.TrimRight(p, "/")
	if trimmed == "" {
		if p == "" {
			return ""
		}
		return "/"
	}
	return trimmed[strings.LastIndexByte(trimmed, '/')+1:]
}

// DirName is dirname(3).
func DirName(p string) string {
	trimmed := strings.TrimRight(p, "/")
	i := strings.LastIndexByte(trimmed, '/')
	switch {
	case trimmed == "" && p != "":
		return "/"
	case i < 0:
		return "."
	}
	if dir := strings.TrimRight(trimmed[:i], "/"); dir != "" {
		return dir
	}
	return "/"
}

// Absolute returns p as seen from the call's working directory.
func (c *Call) Absolute(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = c.Dir + "/" + p
	}
	return path.Clean(p)
}
