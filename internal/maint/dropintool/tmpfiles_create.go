package dropintool

import (
	"path"
	"strconv"
	"strings"

	"kiln/internal/tree"
)

// make carries out one item that creates something.
func (t *tmpfiles) make(i tmpItem) error {
	if i.Recreate && t.c.FS.Present(i.Path) && !t.rightType(i) {
		if err := t.c.FS.RemoveAll(i.Path); err != nil {
			return err
		}
	}
	switch i.Type {
	case "d", "D", "v", "q", "Q":
		return t.directory(i)
	case "f":
		return t.file(i)
	case "L":
		return t.link(i)
	case "C":
		return t.copy(i)
	}
	panic("bug: a tmpfiles type that is not carried out: " + i.Type)
}

func (t *tmpfiles) rightType(i tmpItem) bool {
	at, err := t.c.FS.Lstat(i.Path)
	if err != nil {
		return false
	}
	switch i.Type {
	case "L":
		return at.Kind() == tree.Symlink
	case "f":
		return at.Kind() == tree.File
	}
	return at.Kind() == tree.Dir
}

func (t *tmpfiles) parents(p string) error { return t.c.FS.MkdirAll(path.Dir(p), 0o755) }

func (t *tmpfiles) directory(i tmpItem) error {
	if t.c.FS.Present(i.Path) {
		if !t.c.FS.IsDir(i.Path) {
			_, _ = t.c.Complain(0, "\"%s\" already exists and is not a directory.", i.Path)
			return nil
		}
		return t.permit(i, i.Path, false)
	}
	if err := t.parents(i.Path); err != nil {
		return err
	}
	if err := t.c.FS.Mkdir(i.Path, 0o755); err != nil {
		return err
	}
	return t.permit(i, i.Path, true)
}

func (t *tmpfiles) file(i tmpItem) error {
	there := t.c.FS.Present(i.Path)
	if there && !t.c.FS.IsFile(i.Path) {
		_, _ = t.c.Complain(0, "\"%s\" exists and is not a regular file.", i.Path)
		return nil
	}
	if !there || i.Append {
		if err := t.parents(i.Path); err != nil {
			return err
		}
		if err := t.c.FS.WriteFile(i.Path, []byte(unescapeC(i.Argument)), 0o644); err != nil {
			return err
		}
	}
	return t.permit(i, i.Path, !there)
}

func (t *tmpfiles) link(i tmpItem) error {
	target := i.Argument
	if target == "" {
		target = "/usr/share/factory" + i.Path
	}
	if i.IfTarget && !t.c.FS.Exists(path.Join(path.Dir(i.Path), target)) && !t.c.FS.Exists(target) {
		return nil
	}
	if t.c.FS.Present(i.Path) {
		if !i.Append || t.c.FS.LinkTarget(i.Path) == target {
			return nil
		}
		if err := t.c.FS.RemoveAll(i.Path); err != nil {
			return err
		}
	}
	if err := t.parents(i.Path); err != nil {
		return err
	}
	return t.c.FS.Symlink(target, i.Path)
}

// copy copies a file or a whole directory, where there is nothing yet.
func (t *tmpfiles) copy(i tmpItem) error {
	from := i.Argument
	if from == "" {
		from = "/usr/share/factory" + i.Path
	}
	src, err := t.c.FS.Stat(from)
	if err != nil {
		return nil // nothing to copy is no failure
	}
	if t.c.FS.Present(i.Path) && !t.emptyDir(i.Path) {
		return t.permit(i, i.Path, false)
	}
	if err := t.parents(i.Path); err != nil {
		return err
	}
	if src.Kind() == tree.Dir {
		err = t.c.FS.MkdirAll(i.Path, src.Perm())
		if err == nil {
			err = t.c.FS.CopyTree(from, i.Path, 0, 0)
		}
	} else {
		var data []byte
		if data, err = t.c.FS.ReadFile(from); err == nil {
			err = t.c.FS.WriteFile(i.Path, data, src.Perm())
		}
	}
	if err != nil {
		return err
	}
	return t.permit(i, i.Path, true)
}

func (t *tmpfiles) emptyDir(p string) bool {
	entries, err := t.c.FS.ReadDir(p)
	return err == nil && len(entries) == 0
}

// permit sets mode and owner, those marked ":" only of what was just made.
func (t *tmpfiles) permit(i tmpItem, p string, made bool) error {
	at, err := t.c.FS.Stat(p)
	if err != nil {
		return err
	}
	uid, gid := at.UID, at.GID
	if i.uid >= 0 && (made || !i.NewUser) {
		uid = i.uid
	}
	if i.gid >= 0 && (made || !i.NewGroup) {
		gid = i.gid
	}
	if uid != at.UID || gid != at.GID {
		if err := t.c.FS.Chown(p, uid, gid); err != nil {
			return err
		}
	}
	if i.mode < 0 || !made && i.NewMode {
		return nil
	}
	mode := uint32(i.mode)
	if i.Masked {
		mode = maskMode(mode, at.Perm(), at.Kind() == tree.Dir)
	}
	if at, err = t.c.FS.Stat(p); err != nil || at.Perm() == mode {
		return err
	}
	return t.c.FS.Chmod(p, mode)
}

// maskMode drops from mode what nobody has of what is there, as "~" asks.
func maskMode(mode, have uint32, dir bool) uint32 {
	for _, bits := range []uint32{0o111, 0o222, 0o444} {
		if have&bits == 0 {
			mode &^= bits
		}
	}
	if !dir {
		mode &^= 0o7000
	}
	return mode
}

// adjust applies a line with a glob to one path that matches.
func (t *tmpfiles) adjust(i tmpItem, p string) error {
	at, err := t.c.FS.Lstat(p)
	if err != nil || at.Kind() == tree.Symlink {
		return err
	}
	switch i.Type {
	case "w":
		if i.Append {
			return t.c.FS.Append(p, []byte(unescapeC(i.Argument)), 0o644)
		}
		return t.c.FS.WriteFile(p, []byte(unescapeC(i.Argument)), 0o644)
	case "e":
		if at.Kind() != tree.Dir {
			return nil
		}
	}
	if err := t.permit(i, p, false); err != nil || i.Type != "Z" || at.Kind() != tree.Dir {
		return err
	}
	entries, err := t.c.FS.ReadDir(p)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := t.adjust(i, path.Join(p, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// unescapeC resolves the escapes of C in an argument. What is no escape stays.
func unescapeC(s string) string {
	var b strings.Builder
	for s != "" {
		if s[0] == '\\' && strings.HasPrefix(s, `\'`) {
			b.WriteByte('\'')
			s = s[2:]
			continue
		}
		r, multibyte, rest, err := strconv.UnquoteChar(s, '"')
		if err != nil {
			r, multibyte, rest = rune(s[0]), false, s[1:]
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		s = rest
	}
	return b.String()
}
