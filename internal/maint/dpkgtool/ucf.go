package dpkgtool

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// Ucf is ucf(1): it installs a configuration file and remembers what it
// installed. A file that was edited is kept, as ucf does when nobody is asked.
func Ucf(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("debconf-ok three-way purge,p verbose,v src-dir,s= sum-file= state-dir= package,P= debconf-template= Z")
	if err != nil {
		return 1, err
	}
	u := &ucf{c: c, o: o, state: o.Value("state-dir", "/var/lib/ucf")}
	want := 2
	if o.Has("purge") {
		want = 1
	}
	if len(o.Rest) != want {
		return c.Complain(2, "*** ERROR: Need exactly %d arguments, got %d", want, len(o.Rest))
	}
	u.dest = c.Absolute(o.Rest[want-1])
	if o.Has("purge") {
		return 0, u.purge()
	}
	u.source = c.Absolute(o.Rest[0])
	if err := u.templates(ctx); err != nil {
		return 1, err
	}
	return u.install()
}

// templates loads ucf's own questions, which it asks only where debconf does not run
// already or the script says that it may.
func (u *ucf) templates(ctx context.Context) error {
	const file = "/var/lib/dpkg/info/ucf.templates"
	c := u.c
	if !u.o.Has("debconf-ok") && c.Env["DEBIAN_HAS_FRONTEND"] != "" {
		return nil
	}
	if !c.FS.IsFile("/usr/share/debconf/confmodule") || !c.FS.IsFile(file) {
		return nil
	}
	_, err := c.Exec(ctx, []string{"_debconf_talk", "X_LOADTEMPLATEFILE", file, "ucf"}, strings.NewReader(""), io.Discard, c.Stderr)
	return err
}

type ucf struct {
	c                   *command.Call
	o                   command.Options
	state, source, dest string
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

func (u *ucf) cached() string {
	return u.state + "/cache/" + strings.ReplaceAll(u.dest, "/", ":")
}

// hashes reads the lines of hashfile, "md5  path".
func (u *ucf) hashes() ([]string, error) {
	text, err := u.c.FS.ReadIfThere(u.state + "/hashfile")
	return command.NonEmptyLines(text), err
}

func (u *ucf) lastSum() (string, error) {
	lines, err := u.hashes()
	for _, l := range lines {
		if sum, file, ok := strings.Cut(l, "  "); ok && file == u.dest {
			return sum, err
		}
	}
	return "", err
}

func (u *ucf) install() (int, error) {
	f := u.c.FS
	fresh, err := f.ReadFile(u.source)
	if err != nil {
		return u.c.Complain(1, "The new file %s does not exist", u.source)
	}
	for _, dir := range []string{u.state, u.state + "/cache"} {
		if err := f.MkdirAll(dir, 0o755); err != nil {
			return 1, err
		}
	}
	last, err := u.lastSum()
	if err != nil {
		return 1, err
	}
	there := f.IsFile(u.dest)
	have := ""
	if there {
		text, err := f.ReadFile(u.dest)
		if err != nil {
			return 1, err
		}
		have = md5Hex(text)
	}
	newSum := md5Hex(fresh)
	switch {
	case !there && last == "":
		_, _ = u.c.Stderr.Write([]byte("\nCreating config file " + u.dest + " with new version\n"))
		return 0, u.replace(fresh)
	case !there, last == newSum:
		return 0, nil // deleted by hand, or nothing new
	case have == newSum:
		return 0, u.remember(fresh)
	case have == last, last == "" && u.known(have):
		return 0, u.replace(fresh)
	}
	return 0, u.keep(fresh)
}

// known reports whether a sum is one of the file's former versions, which the
// package lists beside the new one.
func (u *ucf) known(sum string) bool {
	beside := path.Join(u.c.Absolute(u.o.Value("src-dir", path.Dir(u.source))), path.Base(u.source))
	list := u.o.Value("sum-file", beside+".md5sum")
	files := append(u.c.FS.Glob(beside+".md5sum.d/*"), list)
	for _, p := range files {
		text, err := u.c.FS.ReadIfThere(p)
		if err != nil {
			continue
		}
		for _, l := range command.NonEmptyLines(text) {
			if strings.HasPrefix(l, sum) {
				return true
			}
		}
	}
	return false
}

// keep leaves an edited file, with the new one beside it.
func (u *ucf) keep(fresh []byte) error {
	if err := u.copy(fresh, u.dest+".ucf-dist"); err != nil {
		return err
	}
	return u.remember(fresh)
}

func (u *ucf) replace(fresh []byte) error {
	dest := u.dest
	if u.c.FS.IsLink(dest) {
		if p, err := u.c.FS.Resolve(dest); err == nil {
			dest = path.Join("/", p)
		} else if err := u.c.FS.Remove(dest); err != nil {
			return err
		}
	}
	if u.c.FS.Present(dest) {
		if err := u.c.FS.WriteFile(dest, fresh, 0o644); err != nil {
			return err
		}
	} else if err := u.copy(fresh, dest); err != nil {
		return err
	}
	return u.remember(fresh)
}

// copy makes a file with the mode, owner and time of the source, as "cp -p".
func (u *ucf) copy(content []byte, to string) error {
	i, err := u.c.FS.Stat(u.source)
	if err != nil {
		return err
	}
	if err := u.c.FS.WriteFile(to, content, i.Perm()); err != nil {
		return err
	}
	if err := u.c.FS.SetPerm(to, i.UID, i.GID, i.Perm()); err != nil {
		return err
	}
	return u.c.FS.Chtimes(to, i.Epoch())
}

// remember records the new version: its sum, and a copy of a small one. The
// numbered backups of the real hashfile are not kept.
func (u *ucf) remember(fresh []byte) error {
	lines, err := u.hashes()
	if err != nil {
		return err
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasSuffix(l, " "+u.dest) })
	lines = append(lines, md5Hex(fresh)+"  "+u.dest)
	if err := u.c.FS.WriteFile(u.state+"/hashfile", []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	if u.o.Has("three-way") || len(fresh) < 25600 {
		return u.copy(fresh, u.cached())
	}
	return nil
}

func (u *ucf) purge() error {
	lines, err := u.hashes()
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasSuffix(l, " "+u.dest) })
	if len(left) != len(lines) {
		text := strings.Join(append(left, ""), "\n")
		if err := u.c.FS.WriteFile(u.state+"/hashfile", []byte(text), 0o644); err != nil {
			return err
		}
	}
	if i, err := u.c.FS.Lstat(u.cached()); err == nil && i.Kind() == tree.File {
		return u.c.FS.Remove(u.cached())
	}
	return nil
}

// Ucfr is ucfr(1): it records which package a configuration file belongs to.
func Ucfr(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("force,f purge,p verbose,v state-dir=")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) != 2 {
		return c.Complain(3, "*** ERROR: Need exactly two arguments, got %d", len(o.Rest))
	}
	state := o.Value("state-dir", "/var/lib/ucf")
	if err := c.FS.MkdirAll(state, 0o755); err != nil {
		return 1, err
	}
	text, err := c.FS.ReadIfThere(state + "/registry")
	if err != nil {
		return 1, err
	}
	pkg, file := o.Rest[0], c.Absolute(o.Rest[1])
	if real, err := c.FS.Resolve(file); err == nil {
		file = path.Join("/", real)
	}
	lines := command.NonEmptyLines(text)
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasSuffix(l, "\t "+file) })
	owner := ""
	if at >= 0 {
		owner = strings.Fields(lines[at])[0]
		lines = slices.Delete(lines, at, at+1)
	}
	switch {
	case at < 0 && o.Has("purge"), owner == pkg && !o.Has("purge"):
		if text == nil {
			return 0, c.FS.WriteFile(state+"/registry", nil, 0o644)
		}
		return 0, nil
	case at >= 0 && owner != pkg && !o.Has("force"):
		return c.Complain(4, "Attempt from package %s to take %s away from package %s", pkg, file, owner)
	case !o.Has("purge"):
		lines = append(lines, pkg+" \t "+file)
	}
	return 0, c.FS.WriteFile(state+"/registry", []byte(strings.Join(append(lines, ""), "\n")), 0o644)
}
