package pack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

// unpack lays out the recipe's folder anew, out of the store, and loads the recipe;
// done removes the folder. Messages call the recipe by the pack's path.
func unpack(st *store.Store, packPath string, inputs []Input) (r *recipe.Recipe, done func(), err error) {
	dir, remove, err := st.TempFolder()
	if err != nil {
		return nil, nil, err
	}
	name, err := layOut(st, dir, inputs)
	if err == nil {
		r, err = recipe.LoadAs(filepath.Join(dir, name), packPath+"/"+name)
	}
	if err != nil {
		remove()
		return nil, nil, err
	}
	return r, remove, nil
}

// layOut fills the recipe's folder, and returns the name of the recipe's file in it.
func layOut(st *store.Store, dir string, inputs []Input) (name string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	u := &unpacker{store: st, root: root}
	for _, kind := range []Kind{Folder, Recipe, File} { // a file may stand in a folder, too
		for _, in := range inputs {
			if in.Kind != kind {
				continue
			}
			below, ok := strings.CutPrefix(in.Title, recipeFolder+"/")
			if !ok {
				below = "."
			}
			if err := u.input(in, below); err != nil {
				return "", fmt.Errorf("cannot unpack %q: %w", in.Title, cause(err))
			}
			if kind == Recipe {
				name = below
			}
		}
	}
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("its recipe %q is not at the top of the recipe's folder", name)
	}
	return name, nil
}

// unpacker writes into a folder, which no link leads out of.
type unpacker struct {
	store *store.Store
	root  *os.Root
}

func (u *unpacker) input(in Input, name string) error {
	r, _, err := u.store.Open(in.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	if in.Kind == Folder {
		return u.folder(r, name)
	}
	if have, err := u.digest(name); err == nil {
		if have != in.Digest {
			return errors.New("a folder of the pack holds another file of that name")
		}
		return nil
	}
	return u.write(name, 0o644, r)
}

// digest is that of a regular file that was unpacked.
func (u *unpacker) digest(name string) (kiln.Digest, error) {
	info, err := u.root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return "", err
	}
	f, err := u.root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := kiln.NewDigester()
	_, err = io.Copy(sum, f)
	return sum.Digest(), err
}

// write makes a file where there is none. The mode's execute bit alone matters, and
// that of the owner, which no umask takes.
func (u *unpacker) write(name string, mode fs.FileMode, r io.Reader) error {
	if err := u.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// folder lays out a folder that was packed whole.
func (u *unpacker) folder(r io.Reader, name string) error {
	if err := u.root.MkdirAll(name, 0o777); err != nil {
		return err
	}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			// The end of the tar is not the end of what is to be verified.
			_, err := io.Copy(io.Discard, r)
			return err
		}
		if err != nil {
			return err
		}
		below := strings.TrimSuffix(h.Name, "/")
		if !fs.ValidPath(below) || below == "." {
			return fmt.Errorf("it holds %q, which is not a clean relative path", shorten(h.Name))
		}
		if err := u.entry(tr, h, path.Join(name, below)); err != nil {
			return fmt.Errorf("%q: %w", shorten(h.Name), cause(err))
		}
	}
}

func (u *unpacker) entry(tr *tar.Reader, h *tar.Header, name string) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return u.root.MkdirAll(name, 0o777)
	case tar.TypeSymlink:
		return u.root.Symlink(h.Linkname, name)
	case tar.TypeReg:
		if sparse(h) {
			return errors.New("it is a sparse file, and those are not kept so")
		}
		return u.write(name, 0o644|fs.FileMode(h.Mode&0o111), tr)
	}
	return errors.New("it is neither a file nor a folder nor a symbolic link")
}
