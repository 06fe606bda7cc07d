package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

// copyRecipe writes a recipe, its lock and all that it takes from its folder, which is
// folder, to another one, and returns the path of the recipe there.
func copyRecipe(r *recipe.Recipe, l *lock.Lock, platforms []kiln.Platform, folder, to string) (string, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", err
	}
	if err := copyTaken(r, platforms, folder, to); err != nil {
		return "", err
	}
	file := filepath.Join(to, r.File())
	if err := os.WriteFile(file, r.Text(), 0o644); err != nil {
		return "", err
	}
	return file, os.WriteFile(lockPath(file), l.Marshal(), 0o644)
}

func copyTaken(r *recipe.Recipe, platforms []kiln.Platform, folder, to string) error {
	taken := r.Taken(platforms)
	if len(taken) == 0 {
		return nil
	}
	if folder == "" {
		return missingFiles(taken)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot open the recipe's folder: %v", err), Err: err}
	}
	defer root.Close()
	var missing []recipe.Taken
	for _, t := range taken {
		err := copyInput(root.FS(), path.Clean(t.Path), to)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, t)
		case err != nil:
			return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot copy %q of the recipe's folder: %v", t.Path, err), Err: err}
		}
	}
	if missing != nil {
		return missingFiles(missing)
	}
	return nil
}

// missingFiles is the error of an image whose recipe takes what is not at hand.
func missingFiles(missing []recipe.Taken) error {
	var names []string
	for _, t := range missing {
		names = append(names, fmt.Sprintf("%s (%s)", t.Path, t.Part))
	}
	return &kiln.Error{
		Code:  kiln.User,
		Text:  "cannot build the image again: its recipe takes files from its folder, which are not recorded with the image and not at hand: " + strings.Join(names, ", "),
		Hints: []string{"name the folder that has them: --recipe FOLDER", "or a pack: --pack FILE"},
	}
}

// copyInput copies a file, or a folder with all below it. Of modes only the right to
// execute is kept, as a build looks at no other.
func copyInput(root fs.FS, name, to string) error {
	return fs.WalkDir(root, name, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		place := filepath.Join(to, filepath.FromSlash(p))
		info, err := fs.Stat(root, p)
		switch {
		case d.Type() == fs.ModeSymlink && p != name:
			target, err := fs.ReadLink(root, p)
			if err != nil {
				return err
			}
			return os.Symlink(target, place)
		case err != nil:
			return err
		case info.IsDir():
			return os.MkdirAll(place, 0o755)
		}
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			return err
		}
		return copyFile(root, p, place, info)
	})
}

func copyFile(root fs.FS, name, place string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%q is neither a file nor a folder nor a symbolic link", name)
	}
	in, err := root.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644|info.Mode().Perm()&0o111)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// fillStore makes a store in dir that holds the packages of a lock and nothing else,
// each checked on the way.
func fillStore(ctx context.Context, from *store.Store, l *lock.Lock, platforms []kiln.Platform, dir string, o store.Options) error {
	cold, err := store.Open(dir, o)
	if err != nil {
		return err
	}
	defer cold.Close()
	for _, p := range platforms {
		for _, pkg := range l.Platforms[p].All() {
			d, err := kiln.DigestFromHex(pkg.SHA256)
			if err != nil {
				return fmt.Errorf("bug: the lock was read with a bad digest: %w", err)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if cold.Has(d) {
				continue
			}
			if err := copyObject(from, cold, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyObject(from, to *store.Store, d kiln.Digest) error {
	r, _, err := from.Open(d)
	if err != nil {
		return err
	}
	defer r.Close()
	_, _, err = to.Put(r, d)
	return err
}

// fileDigest is the digest of a host file.
func fileDigest(path string) (kiln.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := kiln.NewDigester()
	_, err = io.Copy(sum, f)
	return sum.Digest(), err
}
