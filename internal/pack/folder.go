package pack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"kiln/internal/recipe"
	"kiln/internal/store"
)

// collector gathers what a recipe takes from its folder into the store.
type collector struct {
	store   *store.Store
	root    *os.Root
	inputs  []Input
	folders []string // that are taken whole
}

// recipeInputs brings the recipe and all that it takes from its folder into the store.
func recipeInputs(st *store.Store, r *recipe.Recipe) ([]Input, error) {
	root, err := r.Root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	c := &collector{store: st, root: root}
	if err := c.file(Recipe, path.Base(r.File())); err != nil {
		return nil, err
	}
	var names []string
	for _, s := range r.Sources {
		names = append(names, s.Keyring, s.Deb)
	}
	for _, t := range r.TakenFiles(r.Platforms) {
		names = append(names, t.Path)
	}
	for _, p := range r.Policy {
		if !strings.HasPrefix(p.Use, recipe.BuiltinPolicy) {
			names = append(names, p.Use)
		}
	}
	return c.inputs, c.all(names)
}

// all takes the folders among names first: what lies in one comes with it.
func (c *collector) all(names []string) error {
	var files []string
	for _, name := range names {
		if name == "" {
			continue
		}
		name = path.Clean(name)
		info, err := c.root.Stat(name)
		switch {
		case err != nil:
			return fmt.Errorf("cannot read %q of the recipe's folder: %w", name, cause(err))
		case info.IsDir():
			c.folders = append(c.folders, name)
		case info.Mode().IsRegular():
			files = append(files, name)
		default:
			return fmt.Errorf("cannot pack %q of the recipe's folder: it is neither a file nor a folder", name)
		}
	}
	for _, name := range c.folders {
		if !c.within(name) {
			if err := c.folder(name); err != nil {
				return err
			}
		}
	}
	for _, name := range files {
		if !c.within(name) {
			if err := c.file(File, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// within tells whether name lies below a folder that is taken whole.
func (c *collector) within(name string) bool {
	for _, f := range c.folders {
		if f != name && (f == "." || strings.HasPrefix(name, f+"/")) {
			return true
		}
	}
	return false
}

func (c *collector) file(kind Kind, name string) error {
	f, err := c.root.Open(name)
	if err != nil {
		return fmt.Errorf("cannot read %q of the recipe's folder: %w", name, cause(err))
	}
	defer f.Close()
	d, n, err := c.store.Put(f, "")
	if err != nil {
		return fmt.Errorf("cannot read %q of the recipe's folder: %w", name, cause(err))
	}
	c.inputs = append(c.inputs, Input{Kind: kind, Title: path.Join(recipeFolder, name), Digest: d, Size: n})
	return nil
}

// folder takes a folder as a tar that depends on what the recipe can see of it
// alone: names, content, symbolic links, and whether its owner may execute a file.
func (c *collector) folder(name string) error {
	w, err := c.store.Create()
	if err != nil {
		return err
	}
	defer w.Discard()
	tw := tar.NewWriter(w)
	tree := c.root.FS()
	err = fs.WalkDir(tree, name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == name {
			return err
		}
		below := strings.TrimPrefix(p, name+"/")
		if err := addEntry(tw, tree, p, below, d); err != nil {
			return fmt.Errorf("%q: %w", p, cause(err))
		}
		return nil
	})
	if err == nil {
		err = tw.Close()
	}
	if err != nil {
		return fmt.Errorf("cannot pack the folder %q of the recipe's folder: %w", name, err)
	}
	d, n, err := w.Commit("")
	if err != nil {
		return err
	}
	c.inputs = append(c.inputs, Input{Kind: Folder, Title: path.Join(recipeFolder, name), Digest: d, Size: n})
	return nil
}

func addEntry(tw *tar.Writer, tree fs.FS, name, below string, d fs.DirEntry) error {
	h := &tar.Header{Format: tar.FormatPAX, Name: below, Mode: 0o644, ModTime: time.Unix(0, 0).UTC()}
	switch {
	case d.IsDir():
		h.Typeflag, h.Name, h.Mode = tar.TypeDir, below+"/", 0o755
		return tw.WriteHeader(h)
	case d.Type() == fs.ModeSymlink:
		target, err := fs.ReadLink(tree, name)
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, target, 0o777
		return tw.WriteHeader(h)
	case !d.Type().IsRegular():
		return errors.New("it is neither a file nor a folder nor a symbolic link")
	}
	f, err := tree.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode()&0o100 != 0 {
		h.Mode = 0o755
	}
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return err
}

// cause leaves out the path that a text names already.
func cause(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}
