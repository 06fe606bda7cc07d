package initrd

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/kmod"
	"kiln/internal/tree"
)

// rule is the origin of what is in an initrd.
const rule = "initrd"

// builder is an Initrd being made.
type builder struct {
	options  Options
	source   *tree.Tree
	contents tree.Contents
	own      tree.Bytes
	out      *tree.Tree
	why      map[string]string
	epoch    kiln.Epoch // the newest time of what was taken: that of what is made
	programs []string   // files that may need libraries, as they were taken
	modules  *kmod.Closure
}

func newBuilder(source *tree.Tree, c tree.Contents, o Options) *builder {
	return &builder{options: o, source: source, contents: c, own: tree.Bytes{}, out: tree.New(), why: map[string]string{}}
}

// takeParts takes what the table names.
func (b *builder) takeParts() error {
	for _, p := range parts() {
		if err := b.takeNamed(p); err != nil {
			return err
		}
	}
	return nil
}

// takeNamed takes a part, which must be there unless it is optional.
func (b *builder) takeNamed(p part) error {
	e, ok := b.source.Lookup(p.path)
	if !ok {
		if real, err := b.source.Resolve(p.path); err == nil {
			e, ok = b.source.Lookup(real)
		}
	}
	switch {
	case !ok && p.optional:
		return nil
	case !ok:
		return lacking(tree.Absolute(p.path), p.why, p.from)
	}
	if err := b.take(p.path, p.why); err != nil {
		return err
	}
	if e.Type != tree.Dir {
		return nil
	}
	for _, child := range b.source.Children(e.Path) {
		if err := b.take(child, p.why); err != nil {
			return err
		}
	}
	return nil
}

// lacking is the error that the source does not have something.
func lacking(what, why, from string) error {
	err := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make the initrd: the tree has no %s (%s)", what, why)}
	if from != "" {
		err.Hints = []string{fmt.Sprintf("add the package %s to the recipe", from)}
	}
	return err
}

// maxLinks bounds the links on the way to a path, as Linux does.
const maxLinks = 40

// take takes a path out of the source: the folders and links on the way, and, of a link at
// its end, what it leads to. What was taken keeps its first reason.
func (b *builder) take(p, why string) error {
	rest, at := strings.Split(p, "/"), "."
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = tree.Parent(at)
			continue
		}
		here := tree.Join(at, name)
		e, ok := b.source.Lookup(here)
		if !ok {
			return lacking(tree.Absolute(here), why, "")
		}
		if err := b.insert(e, why); err != nil {
			return err
		}
		if e.Type != tree.Symlink {
			at = here
			continue
		}
		if links++; links > maxLinks {
			return fmt.Errorf("cannot make the initrd: too many links on the way to %s", tree.Absolute(p))
		}
		if strings.HasPrefix(e.Link, "/") {
			at = "."
		}
		rest = append(strings.Split(e.Link, "/"), rest...)
	}
	return nil
}

// insert puts an entry of the source into the initrd, once.
func (b *builder) insert(e tree.Entry, why string) error {
	if _, ok := b.out.Lookup(e.Path); ok {
		return nil
	}
	e.Xattrs = nil
	if e.Hard {
		e.Hard, e.Link = false, ""
	}
	e.Origin.Rule, e.Origin.Why = rule, why
	b.epoch = max(b.epoch, e.ModTime)
	b.why[e.Path] = why
	if e.Type == tree.File && e.Mode&0o111 != 0 {
		b.programs = append(b.programs, e.Path)
	}
	return b.out.Insert(e)
}

// make puts a file, or with a nil content a folder, of the initrd's own into it, and the
// folders above it.
func (b *builder) make(p string, mode uint32, content []byte, why string) error {
	if parent := tree.Parent(p); parent != "." {
		if _, ok := b.out.Lookup(parent); !ok {
			if err := b.make(parent, 0o755, nil, "folder of "+tree.Absolute(p)); err != nil {
				return err
			}
		}
	}
	e := tree.Entry{Path: p, Type: tree.Dir, Mode: mode}
	if content != nil {
		e.Type, e.Size, e.Content = tree.File, int64(len(content)), b.own.Add(content)
	}
	return b.place(e, why)
}

func (b *builder) place(e tree.Entry, why string) error {
	if old, ok := b.out.Lookup(e.Path); ok && old.Type == tree.Dir && e.Type == tree.Dir {
		return nil
	}
	e.ModTime, e.Origin = b.epoch, tree.Origin{Rule: rule, Why: why}
	b.why[e.Path] = why
	return b.out.Insert(e)
}

// read returns the content of a file of the source.
func (b *builder) read(p string) ([]byte, error) {
	real, err := b.source.Resolve(p)
	if err != nil {
		return nil, err
	}
	e, _ := b.source.Lookup(real)
	if e.Type != tree.File {
		return nil, fmt.Errorf("%s is no file", tree.Absolute(p))
	}
	r, err := b.contents.OpenContent(e.Content)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// OpenContent opens what was made and what was taken.
func (b *builder) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	if _, ok := b.own[d]; ok {
		return b.own.OpenContent(d)
	}
	return b.contents.OpenContent(d)
}

func (b *builder) done(release string) (*Initrd, error) {
	i := &Initrd{Tree: b.out, Contents: b, Kernel: release, Why: b.why, Missing: b.modules.Missing}
	for _, m := range b.modules.Modules {
		i.Modules = append(i.Modules, m.Name)
	}
	slices.Sort(i.Modules)
	for _, f := range b.modules.Firmware {
		i.Firmware = append(i.Firmware, path.Clean(f.Path))
	}
	return i, nil
}
