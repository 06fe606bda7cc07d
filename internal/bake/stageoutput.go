package bake

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/sandbox"
	"kiln/internal/tree"
)

// giveTo makes all of a stage's tree its user's. In a user namespace everything is
// that one user's anyway; where root needs none, it is done here, so that commands
// find the same.
func (s *stage) giveTo(folder string, w who) error {
	if !sandbox.IsRoot() || w.UID == 0 && w.GID == 0 {
		return nil
	}
	return filepath.WalkDir(folder, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, w.UID, w.GID)
	})
}

// makeFolders makes the folders in which the outputs are to be, the one in which the
// commands begin, and those that the sandbox needs, and gives them and what is above them the
// stage's epoch: commands see no time of this run in their tree.
func (s *stage) makeFolders(folder string, epoch kiln.Epoch) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	dirs := []string{s.dir(), "/dev", "/proc", "/run", "/tmp"}
	for _, out := range s.of.Outputs {
		dirs = append(dirs, path.Dir(out))
	}
	made := map[string]bool{".": true}
	for _, dir := range dirs {
		dir = strings.TrimPrefix(dir, "/")
		if dir == "" {
			continue
		}
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("cannot make the folder %q of the stage: %w", tree.Absolute(dir), cause(err))
		}
		for ; dir != "."; dir = path.Dir(dir) {
			made[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(made)) {
		if err := root.Chtimes(dir, epoch.Time(), epoch.Time()); err != nil {
			return fmt.Errorf("cannot set the time of the stage's folder %q: %w", tree.Absolute(dir), cause(err))
		}
	}
	return nil
}

// outputs takes what the commands made into the store, sorted and without what tells
// of the run: times, owners, modes but for the right to execute.
func (s *stage) outputs(folder string) (*tree.Tree, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	t := tree.New()
	for i, out := range slices.Sorted(slices.Values(s.of.Outputs)) {
		name := strings.TrimPrefix(out, "/")
		if _, err := root.Lstat(name); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("cannot read the output %q: %w", out, cause(err))
			}
			k := slices.Index(s.of.Outputs, out)
			return nil, &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("%s:%d: %s.outputs[%d]: its commands made no %q", s.whole.Path(), s.whole.Line(fmt.Sprintf("%s.outputs[%d]", s.part, k)), s.part, k, out),
				Hints: []string{"correct the path, or have the commands make it: each begins in workdir, or else in /"},
			}
		}
		if i > 0 && covered(t, name) { // below another output
			continue
		}
		if err := above(t, name); err != nil {
			return nil, err
		}
		if err := s.output(root, name, t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func covered(t *tree.Tree, name string) bool {
	_, ok := t.Lookup(name)
	return ok
}

// above adds the folders above a path.
func above(t *tree.Tree, name string) error {
	dir := path.Dir(name)
	if _, ok := t.Lookup(dir); ok || dir == "." {
		return nil
	}
	if err := above(t, dir); err != nil {
		return err
	}
	return t.Insert(tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755})
}

// output takes in one file or folder.
func (s *stage) output(root *os.Root, name string, t *tree.Tree) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if hit := s.forms.FindIn([]byte(name)); hit != nil {
		return s.refuseSecret("the name of an output", hit)
	}
	e := tree.Entry{Path: name}
	switch {
	case info.Mode().IsRegular():
		return s.outputFile(root, name, info, t)
	case info.Mode()&fs.ModeSymlink != 0:
		if e.Link, err = root.Readlink(name); err != nil {
			return err
		}
		if hit := s.forms.FindIn([]byte(e.Link)); hit != nil {
			return s.refuseSecret("the link "+tree.Absolute(name), hit)
		}
		e.Type, e.Mode = tree.Symlink, 0o777
		return t.Insert(e)
	case !info.IsDir():
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("the output %q is neither a file nor a folder nor a symbolic link", tree.Absolute(name))}
	}
	e.Type, e.Mode = tree.Dir, 0o755
	if err := t.Insert(e); err != nil {
		return err
	}
	if err := root.Chmod(name, 0o700); err != nil { // commands may have closed it
		return err
	}
	list, err := fs.ReadDir(root.FS(), name)
	if err != nil {
		return err
	}
	for _, d := range list { // sorted
		if err := s.output(root, path.Join(name, d.Name()), t); err != nil {
			return err
		}
	}
	return nil
}

// outputFile looks for secrets in a file before it takes it in.
func (s *stage) outputFile(root *os.Root, name string, info fs.FileInfo, t *tree.Tree) error {
	if err := root.Chmod(name, info.Mode().Perm()|0o400); err != nil {
		return err
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	hit, err := s.forms.Find(f, info.Size())
	if err != nil {
		return fmt.Errorf("cannot look for secrets in the output %q: %w", tree.Absolute(name), err)
	}
	if hit != nil {
		return s.refuseSecret("the output "+tree.Absolute(name), hit)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	e := tree.Entry{Path: name, Type: tree.File, Mode: 0o644}
	if info.Mode()&0o100 != 0 {
		e.Mode = 0o755
	}
	if e.Content, e.Size, err = s.shop.Store.Put(f, ""); err != nil {
		return err
	}
	return t.Insert(e)
}
