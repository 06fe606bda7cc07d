package rootfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

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
