package deb

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Control is the control archive of a .deb.
type Control struct {
	Paragraph *Paragraph // the control file
	Package   *Package   // the same, parsed
	Files     []ControlFile
	Conffiles []Conffile
}

// ControlFile is a member of the control archive other than the control file
// itself: a maintainer script, triggers, conffiles, md5sums, shlibs...
type ControlFile struct {
	Name    string // without "./"
	Mode    uint32 // permission bits
	Content []byte
}

// Conffile is a line of the conffiles member (deb-conffiles(5)).
type Conffile struct {
	Path            string // absolute, as written
	RemoveOnUpgrade bool   // the file is not in the package and is to go
}

// File returns the named member, or nil where there is none.
func (c *Control) File(name string) *ControlFile {
	for i := range c.Files {
		if c.Files[i].Name == name {
			return &c.Files[i]
		}
	}
	return nil
}

const (
	maxControl      = 64 << 20 // bytes of the control archive, decompressed
	maxControlFiles = 1000
)

// Control reads the control archive, at most 64 MiB. Its members are files at
// the top; a directory, link or device in it, or one name twice, is an error.
// Files keep the archive's order.
func (a *Archive) Control() (*Control, error) {
	content, err := a.readControl()
	if err != nil {
		return nil, err
	}
	c := &Control{}
	if err := c.read(content); err != nil {
		return nil, fmt.Errorf("cannot read the control archive: %w", err)
	}
	return c, nil
}

// readControl decompresses all of it first, so that its checksum is judged
// before its content.
func (a *Archive) readControl() ([]byte, error) {
	r, err := a.open(a.control, "control.tar", Limits{Size: maxControl})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (c *Control) read(content []byte) error {
	r := tar.NewReader(bytes.NewReader(content))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return c.check()
		}
		if err == io.ErrUnexpectedEOF {
			return ErrTruncated
		}
		if err != nil {
			return err
		}
		if err := c.add(h, r); err != nil {
			return err
		}
	}
}

// add takes one tar entry. The top directory itself is passed over.
func (c *Control) add(h *tar.Header, r io.Reader) error {
	name := strings.TrimPrefix(h.Name, "./")
	if h.Typeflag == tar.TypeDir && (name == "" || name == ".") {
		return nil
	}
	switch {
	case h.Typeflag != tar.TypeReg:
		return fmt.Errorf("%q is not a regular file", excerpt(h.Name))
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\n"):
		return fmt.Errorf("%q is not a file name", excerpt(h.Name))
	case name == "control" && c.Paragraph != nil, c.File(name) != nil:
		return fmt.Errorf("%q stands there twice", name)
	case len(c.Files) == maxControlFiles:
		return fmt.Errorf("it has more than %d members", maxControlFiles)
	}
	content, err := io.ReadAll(r)
	if err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%q: %w", name, ErrTruncated)
	}
	if err != nil {
		return err
	}
	if name == "control" {
		return c.setParagraph(content)
	}
	c.Files = append(c.Files, ControlFile{name, uint32(h.Mode & 0o7777), content})
	return nil
}

func (c *Control) setParagraph(content []byte) error {
	r := NewTextReader(content)
	p, err := r.Next()
	if err == io.EOF {
		return errors.New("the control file is empty")
	}
	if err != nil {
		return err
	}
	if _, err := r.Next(); err != io.EOF {
		return errors.New("the control file has more than one paragraph")
	}
	c.Paragraph = p
	c.Package, err = ParsePackage(p)
	return err
}

func (c *Control) check() error {
	if c.Paragraph == nil {
		return errors.New("it has no control file")
	}
	f := c.File("conffiles")
	if f == nil {
		return nil
	}
	var err error
	if c.Conffiles, err = parseConffiles(string(f.Content)); err != nil {
		return fmt.Errorf("conffiles: %w", err)
	}
	return nil
}
