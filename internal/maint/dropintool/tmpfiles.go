package dropintool

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// SystemdTmpfiles is systemd-tmpfiles(8) for --create. Lines for /run, /dev,
// /proc and /sys are passed over: those trees belong to a running system. So are
// access control lists, file attributes and what only --boot, --remove and
// --clean do.
func SystemdTmpfiles(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("create remove clean boot graceful purge dry-run root= prefix= exclude-prefix= E no-pager")
	if err != nil {
		return 1, err
	}
	if r := o.Value("root", ""); r != "" && r != "/" {
		return 1, c.Unhonoured("there is one root only")
	}
	if o.Has("purge") || o.Has("dry-run") {
		return 1, c.Unhonoured("only --create is for scripts")
	}
	if !o.Has("create") {
		return 0, nil
	}
	t := &tmpfiles{c: c, o: o}
	if t.accounts, err = c.ReadAccounts(); err != nil {
		return 1, err
	}
	files, missing, err := configFiles(c.FS, "tmpfiles.d", o.Rest)
	if err != nil {
		return 1, err
	}
	if missing != "" {
		return c.Complain(1, "Failed to open '%s', ignoring: No such file or directory", missing)
	}
	for _, f := range files {
		if err := t.read(f); err != nil {
			return 1, err
		}
	}
	return t.create()
}

type tmpfiles struct {
	c        *command.Call
	o        command.Options
	accounts *account.Files
	items    []tmpItem // those that make something, in the order of the lines
	globs    []tmpItem // those that change what matches
	bad      bool      // a line could not be used
}

// tmpItem is a line with its owner resolved.
type tmpItem struct {
	TmpfilesLine
	mode, uid, gid int // -1 where not given
}

func (t *tmpfiles) read(file string) error {
	text, err := t.c.FS.ReadFile(file)
	if err != nil {
		return err
	}
	lines, err := ParseTmpfiles(string(text))
	if err != nil {
		return t.c.Unhonoured("%s: %v", file, err)
	}
	for _, l := range lines {
		if err := t.take(l); err != nil {
			return t.c.Unhonoured("%s: %v", file, err)
		}
	}
	return nil
}

// take adds a line to what is to be done, unless it does not concern an image.
func (t *tmpfiles) take(l TmpfilesLine) error {
	for _, p := range []*string{&l.Path, &l.Argument} {
		v, err := expandSpecifiers(t.c, *p)
		var runtime errRuntime
		if errors.As(err, &runtime) {
			t.c.Note("tmpfiles", l.Path)
			return nil
		}
		if err != nil {
			return err
		}
		*p = v
	}
	l.Path = path.Clean(l.Path)
	if t.passedOver(l) {
		return nil
	}
	item, ok := t.resolve(l)
	if !ok {
		t.bad = true
		return nil
	}
	if strings.Contains("zZmew", l.Type) {
		t.globs = append(t.globs, item)
	} else if !slices.ContainsFunc(t.items, func(o tmpItem) bool { return o.Path == l.Path && o.Type == l.Type }) {
		t.items = append(t.items, item)
	}
	return nil
}

// passedOver tells lines that --create does not carry out in an image.
func (t *tmpfiles) passedOver(l TmpfilesLine) bool {
	if l.Boot && !t.o.Has("boot") || l.Credential {
		return true
	}
	if strings.Contains("xXrR", l.Type) {
		return true
	}
	if strings.Contains("tThHaApbc", l.Type) || runtimePath(l.Path) {
		t.c.Note("tmpfiles", l.Path)
		return true
	}
	if prefixes := t.o.Given["prefix"]; len(prefixes) > 0 && !underAny(l.Path, prefixes) {
		return true
	}
	return underAny(l.Path, t.o.Given["exclude-prefix"])
}

// runtimePath reports whether a path is of a tree that the kernel or systemd fills
// at each boot. /run/lock stays: base-files ships it.
func runtimePath(p string) bool {
	if underAny(p, []string{"/run/lock", "/var/run/lock"}) {
		return false
	}
	return p != "/run" && p != "/var/run" && underAny(p, []string{"/run", "/var/run"}) || underAny(p, []string{"/dev", "/proc", "/sys"})
}

func underAny(p string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool {
		d = strings.TrimRight(d, "/")
		return p == d || strings.HasPrefix(p, d+"/")
	})
}

// resolve looks up the owner; a name that is not known drops the line, as
// systemd-tmpfiles does.
func (t *tmpfiles) resolve(l TmpfilesLine) (tmpItem, bool) {
	item := tmpItem{TmpfilesLine: l, mode: l.Mode, uid: -1, gid: -1}
	if l.User != "" {
		uid, ok := command.IDOf(numbered(l.User), t.accounts.OwnerUID)
		if !ok {
			_, _ = t.c.Complain(0, "Failed to resolve user '%s'", l.User)
			return item, false
		}
		item.uid = uid
	}
	if l.Group != "" {
		gid, ok := command.IDOf(numbered(l.Group), t.accounts.OwnerGID)
		if !ok {
			_, _ = t.c.Complain(0, "Failed to resolve group '%s'", l.Group)
			return item, false
		}
		item.gid = gid
	}
	return item, true
}

// numbered writes a bare number as command.IDOf wants it.
func numbered(s string) string {
	if s != "" && strings.Trim(s, "0123456789") == "" {
		return "#" + s
	}
	return s
}

// create makes everything, each item after those for directories above it, and
// then applies the globs.
func (t *tmpfiles) create() (int, error) {
	done := make([]bool, len(t.items))
	for i := range t.items {
		if err := t.withParents(i, done); err != nil {
			return 1, err
		}
	}
	for _, g := range t.globs {
		for _, p := range t.c.FS.Glob(g.Path) {
			if err := t.adjust(g, p); err != nil {
				return 1, err
			}
		}
	}
	if t.bad {
		return 65, nil // EX_DATAERR
	}
	return 0, nil
}

func (t *tmpfiles) withParents(i int, done []bool) error {
	if done[i] {
		return nil
	}
	done[i] = true
	for j := range t.items {
		if strings.HasPrefix(t.items[i].Path, strings.TrimRight(t.items[j].Path, "/")+"/") {
			if err := t.withParents(j, done); err != nil {
				return err
			}
		}
	}
	return t.make(t.items[i])
}
