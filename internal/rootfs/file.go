package rootfs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// fileMaker makes one of the recipe's files.
type fileMaker struct {
	*assembly
	layer *layer
	index int
	file  *recipe.File
	proto tree.Entry // what all its entries share, and where it goes
}

// makeFile makes the layer's file number i, if it is for the platform.
func (a *assembly) makeFile(l *layer, i int) error {
	f := &l.recipe.Files[i]
	if len(f.Platforms) > 0 && !slices.Contains(f.Platforms, a.in.Platform) {
		return nil
	}
	m := &fileMaker{assembly: a, layer: l, index: i, file: f}
	if err := m.start(); err != nil {
		return m.problem(err)
	}
	if err := m.make(); err != nil {
		return m.problem(err)
	}
	return nil
}

func (m *fileMaker) problem(err error) error {
	return &kiln.Error{
		Code: kiln.CodeOf(err),
		Text: fmt.Sprintf("%s: %v", m.layer.placeName("files", m.index), err),
		Err:  err,
	}
}

// start works out path, mode and owner.
func (m *fileMaker) start() error {
	f := m.file
	if !strings.HasPrefix(f.Path, "/") {
		return fmt.Errorf("the path %q does not start with a slash", f.Path)
	}
	clean, err := tree.CleanPath("." + f.Path)
	if err != nil {
		return err
	}
	if clean == "." {
		return fmt.Errorf("the path %q is the root of the image", f.Path)
	}
	dir, err := m.skeleton.follow(nil, tree.Parent(clean))
	if err != nil {
		return fmt.Errorf("cannot make %q: %w", f.Path, err)
	}
	e := tree.Entry{Path: tree.Join(dir, base(clean)), ModTime: m.layer.epoch}
	e.Origin = tree.Origin{Recipe: m.layer.origin("files", m.index), Why: f.Why}
	m.proto = e
	return nil
}

// mode returns the mode that the recipe gives, or fallback.
func (m *fileMaker) mode(fallback uint32) (uint32, error) {
	if m.file.Mode == "" {
		return fallback, nil
	}
	n, err := strconv.ParseUint(m.file.Mode, 8, 32)
	if err != nil || n > 0o7777 {
		return 0, fmt.Errorf("mode %q is not octal between 0 and 7777", m.file.Mode)
	}
	return uint32(n), nil
}

func (m *fileMaker) make() error {
	f := m.file
	switch {
	case f.From != "":
		return m.from()
	case f.FromStage != "":
		return m.fromStage()
	case f.Content != nil:
		return m.text([]byte(*f.Content))
	case len(f.Concat) > 0:
		return m.concat()
	case f.Link != "":
		e := m.proto
		e.Type, e.Mode, e.Link = tree.Symlink, 0o777, f.Link
		return m.put(e)
	case f.Directory:
		return m.directory(m.proto.Path, m.file.Mode != "")
	}
	return errors.New("one of from, from-stage, content, concat, link and directory must say what it is")
}

// put claims the path for e.
func (m *fileMaker) put(e tree.Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	return m.own(&place{
		entry: e, layer: m.layer, passing: e.Type == tree.Dir && !m.file.Directory,
		place: m.layer.placeName("files", m.index), owner: m.file.Owner,
	})
}

func (m *fileMaker) directory(p string, modeToo bool) error {
	e := m.proto
	e.Path, e.Type, e.Mode = p, tree.Dir, 0o755
	if modeToo {
		var err error
		if e.Mode, err = m.mode(0o755); err != nil {
			return err
		}
	}
	return m.put(e)
}

// text makes a file of content that kiln has in memory.
func (m *fileMaker) text(content []byte) error {
	mode, err := m.mode(0o644)
	if err != nil {
		return err
	}
	e, made := m.proto, m.contents.file(m.proto.Path, content)
	e.Type, e.Mode, e.Size, e.Content = tree.File, mode, made.Size, made.Content
	return m.put(e)
}

// concat joins files of the layer's packages, dropped or not, in path order, and
// ends each with a newline.
func (m *fileMaker) concat() error {
	found := map[string]kiln.Digest{}
	for _, pattern := range m.file.Concat {
		g, err := newGlob(pattern, "concat", "", "")
		if err != nil {
			return err
		}
		for _, p := range m.layer.shipped() {
			if p.entry.Type == tree.File && g.match(tree.Absolute(p.entry.Path)) {
				found[p.entry.Path] = p.entry.Content
			}
		}
		if g.hits == 0 {
			return g.unusedError("no package of the layer ships such a file", m.layer.shipped())
		}
	}
	var all []byte
	for _, p := range slices.Sorted(maps.Keys(found)) {
		b, err := m.contents.readAll(found[p])
		if err != nil {
			return err
		}
		all = append(all, b...)
		if len(b) > 0 && b[len(b)-1] != '\n' {
			all = append(all, '\n')
		}
	}
	return m.text(all)
}

func sortedNames(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
