package rootfs

import (
	"errors"
	"io/fs"

	"kiln"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// The recipe's files are in the tree before any package is configured, so that
// scripts find them and leave them alone; at the end they are made sure of, since
// what the recipe says is final. Their owners are known then, too: scripts make
// users.

// putFiles puts the files of the layer and of those below, which its scripts may
// have changed too. All are root's for now where an owner has a name.
func (a *assembly) putFiles(l *layer, fs *vfs.FS) error {
	for _, of := range a.layers[:l.index+1] {
		for _, p := range of.made {
			if p.entry.Origin.Recipe == "" {
				continue
			}
			if err := of.putFile(p, fs); err != nil {
				return err
			}
		}
	}
	return nil
}

// finishFiles puts them again, as they are to stay.
func (a *assembly) finishFiles(l *layer, fs *vfs.FS) error {
	accounts, err := readIDs(fs)
	if err != nil {
		return err
	}
	for _, p := range l.made {
		if p.owner == "" {
			continue
		}
		if p.entry.UID, p.entry.GID, err = accounts.Owner(p.owner); err != nil {
			return &kiln.Error{Code: kiln.User, Text: p.place + ": owner: " + err.Error(), Err: err}
		}
	}
	return a.putFiles(l, fs)
}

func readIDs(f *vfs.FS) (*Accounts, error) {
	passwd, err := f.ReadFile(etcPasswd)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	group, err := f.ReadFile(etcGroup)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return parseAccounts(passwd, group)
}

func (l *layer) putFile(p *place, fs *vfs.FS) error {
	path := tree.Absolute(p.entry.Path)
	if err := l.mkdirs(fs, tree.Parent(p.entry.Path)); err != nil {
		return fileError(p, err)
	}
	if p.entry.Type == tree.Dir {
		info, err := fs.Lstat(path)
		ours := err == nil && info.Entry.Origin.Recipe == p.entry.Origin.Recipe && info.Entry.Origin.Script == ""
		if err == nil && info.IsDir() && p.passing && !ours {
			return nil
		}
		if p.passing && l.dirs[p.entry.Path] != nil {
			return l.mkdirs(fs, p.entry.Path)
		}
	}
	if info, err := fs.Lstat(path); err == nil && info.IsDir() != (p.entry.Type == tree.Dir) {
		return userError("%s cannot make %q: a maintainer script made %s of it", p.maker(), path, info.Entry.Type.Name())
	}
	if now, ok := fs.Entry(path); ok && now.Type == tree.File && identical(&p.entry, &now) {
		return nil // and further names that a script gave it stay
	}
	if err := fs.Put(p.entry); err != nil {
		return fileError(p, err)
	}
	return nil
}

// mkdirs makes what is missing of dir and above it, as the layer will have it.
func (l *layer) mkdirs(fs *vfs.FS, dir string) error {
	if fs.IsDir(tree.Absolute(dir)) {
		return nil
	}
	if err := l.mkdirs(fs, tree.Parent(dir)); err != nil {
		return err
	}
	return fs.Put(l.directory(tree.New(), dir))
}

func fileError(p *place, err error) error {
	return &kiln.Error{Code: kiln.CodeOf(err), Text: p.maker() + ": cannot make " + tree.Absolute(p.entry.Path) + ": " + err.Error(), Err: err}
}

// checkFiles refuses files of the recipe that are not at their paths: a folder above
// them that a script turned into a link has led them elsewhere.
func (a *assembly) checkFiles(l *layer, after *tree.Tree) error {
	for _, of := range a.layers[:l.index+1] {
		for _, p := range of.made {
			if _, ok := after.Lookup(p.entry.Path); p.entry.Origin.Recipe != "" && !ok {
				return userError("%s cannot make %q: a maintainer script turned a folder above it into a link", p.maker(), tree.Absolute(p.entry.Path))
			}
		}
	}
	return nil
}
