package rootfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
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
	clean, err := tree.CleanPath(strings.TrimPrefix(f.Path, "/"))
	switch {
	case !strings.HasPrefix(f.Path, "/"):
		return fmt.Errorf("the path %q does not start with a slash", f.Path)
	case err != nil:
		return err
	case clean == ".":
		return fmt.Errorf("the path %q is the root of the image", f.Path)
	}
	dir, err := m.skeleton.follow(nil, tree.Parent(clean))
	if err != nil {
		return fmt.Errorf("cannot make %q: %w", f.Path, err)
	}
	e := tree.Entry{Path: tree.Join(dir, base(clean)), ModTime: m.layer.epoch}
	e.Origin = tree.Origin{Recipe: m.layer.origin("files", m.index), Why: f.Why}
	if f.Owner != "" {
		if e.UID, e.GID, err = m.accounts.Owner(f.Owner); err != nil {
			return fmt.Errorf("owner: %w", err)
		}
	}
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
	return errors.New("one of from, content, concat, link and directory must say what it is")
}

// put claims the path for e.
func (m *fileMaker) put(e tree.Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	return m.own(&place{entry: e, layer: m.layer, passing: e.Type == tree.Dir && !m.file.Directory})
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

// from copies a file or folder of the recipe's folder. Of the host's modes only
// the owner's execute bit of files in a folder counts: the others follow the
// umask that the folder was made with.
func (m *fileMaker) from() error {
	name, err := hostName(m.file.From)
	if err != nil {
		return err
	}
	if m.in.Files == nil {
		return fmt.Errorf("cannot read %q: no folder of the recipe was given", m.file.From)
	}
	info, err := fs.Stat(m.in.Files, name)
	if err != nil {
		return m.hostError(name, err)
	}
	if info.IsDir() {
		return m.folder(name)
	}
	mode, err := m.mode(0o644)
	if err != nil {
		return err
	}
	return m.hostFile(name, m.proto.Path, info, mode)
}

// hostName cleans a path of the recipe. One that leads out of its folder is
// refused here already; links are stopped by the file system that was handed in.
func hostName(from string) (string, error) {
	name := path.Clean(from)
	if path.IsAbs(name) || !fs.ValidPath(name) {
		return "", &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("%q is outside of the recipe's folder", from),
			Hints: []string{"copy the file beside the recipe, and name it relative to that"},
		}
	}
	return name, nil
}

func (m *fileMaker) hostError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot find %q in the recipe's folder", name),
			Hints: []string{"make the file first, or correct the path: it is relative to the recipe"},
			Err:   err,
		}
	}
	return fmt.Errorf("cannot read %q of the recipe's folder: %w", name, err)
}

// hostFile puts a file of the host into the store and the tree.
func (m *fileMaker) hostFile(name, to string, info fs.FileInfo, mode uint32) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%q is neither a file nor a folder nor a symbolic link", name)
	}
	d, size, err := m.storeFile(name)
	if err != nil {
		return m.hostError(name, err)
	}
	e := m.proto
	e.Path, e.Type, e.Mode, e.Size, e.Content = to, tree.File, mode, size, d
	return m.put(e)
}

// storeFile hashes first: most of the time the store has it.
func (m *fileMaker) storeFile(name string) (kiln.Digest, int64, error) {
	f, err := m.in.Files.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	sum := kiln.NewDigester()
	size, err := io.Copy(sum, f)
	if err != nil {
		return "", 0, err
	}
	d := sum.Digest()
	if m.store.Has(d) {
		return d, size, nil
	}
	again, err := m.in.Files.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer again.Close()
	return m.store.Put(again, d)
}

// folder copies all that is below a folder of the host.
func (m *fileMaker) folder(root string) error {
	return fs.WalkDir(m.in.Files, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return m.hostError(name, err)
		}
		to := m.proto.Path
		if name != root {
			to = tree.Join(to, strings.TrimPrefix(strings.TrimPrefix(name, root), "/"))
			if root == "." {
				to = tree.Join(m.proto.Path, name)
			}
		}
		switch {
		case d.IsDir(), name == root: // the root itself may be a link to a folder
			return m.directory(to, false)
		case d.Type() == fs.ModeSymlink:
			return m.hostLink(root, name, to)
		}
		info, err := d.Info()
		if err != nil {
			return m.hostError(name, err)
		}
		fallback := uint32(0o644)
		if info.Mode()&0o100 != 0 {
			fallback = 0o755
		}
		mode, err := m.mode(fallback)
		if err != nil {
			return err
		}
		return m.hostFile(name, to, info, mode)
	})
}

// hostLink copies a symbolic link as it is, if it stays within the folder that
// is copied: where else it leads in the image nobody can tell.
func (m *fileMaker) hostLink(root, name, to string) error {
	target, err := fs.ReadLink(m.in.Files, name)
	if err != nil {
		return m.hostError(name, err)
	}
	leads := path.Join(path.Dir(name), target)
	inside := root == "." && fs.ValidPath(leads) || leads == root || strings.HasPrefix(leads, root+"/")
	if path.IsAbs(target) || !inside {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("the symbolic link %q leads to %q, out of the folder %q", name, target, root),
			Hints: []string{"make the link with the recipe: {path: ..., link: " + target + ", why: ...}"},
		}
	}
	e := m.proto
	e.Path, e.Type, e.Mode, e.Link = to, tree.Symlink, 0o777, target
	return m.put(e)
}

func sortedNames(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
