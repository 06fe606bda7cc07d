package compare

import (
	"fmt"
	"io"
	"path"
	"strings"

	"kiln/internal/maint/account"
	"kiln/internal/tree"
)

// maxText bounds a file that is read whole, in bytes. A status file of dpkg with
// all packages of Debian would have about this size.
const maxText = 64 << 20

// Needs tells whether the content of a file of an image is looked at: what a reader
// of images has to keep.
func Needs(e tree.Entry) bool {
	dir, name := path.Split(e.Path)
	switch {
	case e.Size > maxText:
		return false
	case dir == "etc/":
		return name == "passwd" || name == "group" || name == "shadow"
	case dir == "var/lib/dpkg/":
		return name == "status"
	case dir == "var/lib/dpkg/status.d/":
		return true
	case dir == "var/lib/dpkg/info/":
		return strings.HasSuffix(name, ".list")
	case strings.HasPrefix(dir, "usr/share/doc/"):
		return strings.HasPrefix(name, "copyright") || strings.HasPrefix(name, "changelog")
	}
	return strings.HasSuffix(dir, "systemd/system/") && strings.HasSuffix(name, ".socket")
}

// content is what was read out of a side's tree.
type content struct {
	side    *Side
	owner   map[string]string // path -> package that ships it
	users   map[string]user
	groups  map[string]account.Group
	strange error // what is wrong with the files of accounts, if anything: then nothing is known of them
	units   map[string]*unit
}

func newContent(s *Side) (*content, error) {
	c := &content{side: s, owner: map[string]string{}, users: map[string]user{}, groups: map[string]account.Group{}, units: map[string]*unit{}}
	for _, read := range []func() error{c.readLists, c.readAccounts, c.readUnits} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// text returns the file at p, through links; "" where there is none.
func (s *Side) text(p string) (string, error) {
	at, err := s.Tree.ResolveInside(p)
	if err != nil {
		return "", nil // whatever is in the way, it is no file to read
	}
	e, _ := s.Tree.Lookup(at)
	if e.Type != tree.File || e.Size > maxText {
		return "", nil
	}
	r, err := s.Contents.OpenContent(e.Content)
	if err != nil {
		return "", fmt.Errorf("cannot read %q: %w", tree.Absolute(at), err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, e.Size+1))
	if err != nil {
		return "", fmt.Errorf("cannot read %q: %w", tree.Absolute(at), err)
	}
	return string(b), nil
}

// readLists learns from dpkg's lists which package ships which path.
func (c *content) readLists() error {
	for _, p := range c.side.Tree.Children("var/lib/dpkg/info") {
		name, ok := strings.CutSuffix(path.Base(p), ".list")
		if !ok {
			continue
		}
		text, err := c.side.text(p)
		if err != nil {
			return err
		}
		name, _, _ = strings.Cut(name, ":")
		for line := range strings.Lines(text) {
			at := strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "/")
			if at, err := c.side.Tree.Locate(at); err == nil {
				c.own(at, name)
			}
		}
	}
	return nil
}

// own notes that a package ships a path. A folder of several packages is nobody's.
func (c *content) own(at, name string) {
	e, ok := c.side.Tree.Lookup(at)
	other, taken := c.owner[at]
	switch {
	case !ok:
	case e.Type == tree.Dir && taken && other != name:
		c.owner[at] = ""
	default:
		c.owner[at] = name
	}
}

// packageOf is the package that ships a path, or that made it by a script.
func (c *content) packageOf(p string) string {
	if name := c.owner[p]; name != "" {
		return name
	}
	if dir, name := path.Split(p); dir == "var/lib/dpkg/info/" && strings.Contains(name, ".") {
		name, _, _ = strings.Cut(strings.TrimSuffix(name, path.Ext(name)), ":")
		return name
	}
	e, _ := c.side.Tree.Lookup(p)
	if e.Origin.Script != "" {
		name, _, _ := strings.Cut(e.Origin.Script[:max(0, strings.LastIndex(e.Origin.Script, "."))], ":") // "libc6:i386.postinst:12"
		return name
	}
	return ""
}

// treeSize is what the files of a tree take, hard links once, in bytes.
func treeSize(t *tree.Tree) int64 {
	var n int64
	for e := range t.All() {
		if !e.Hard {
			n += e.Size
		}
	}
	return n
}
