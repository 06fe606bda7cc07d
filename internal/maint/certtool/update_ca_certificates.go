// Package certtool is the commands about certificates: the store of
// ca-certificates, and Java's.
package certtool

import (
	"bytes"
	"context"
	"io"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// UpdateCACertificates is update-ca-certificates(8): links and the bundle in
// /etc/ssl/certs, the hashed names that "openssl rehash" makes, and the hooks.
func UpdateCACertificates(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("verbose,v fresh,f default,d certsconf= certsdir= localcertsdir= certbundle= etccertsdir= hooksdir=")
	if err != nil {
		return 1, err
	}
	u := &caUpdate{
		c: c, o: o, conf: o.Value("certsconf", "/etc/ca-certificates.conf"), certs: o.Value("certsdir", "/usr/share/ca-certificates"),
		local: o.Value("localcertsdir", "/usr/local/share/ca-certificates"), etc: o.Value("etccertsdir", "/etc/ssl/certs"),
		hooks: o.Value("hooksdir", "/etc/ca-certificates/update.d"),
	}
	for _, step := range []func() error{u.clear, u.addAll, u.rehash, u.writeBundle} {
		if err := step(); err != nil {
			return 1, err
		}
	}
	c.Say("%d added, %d removed; done.", len(u.added), len(u.removed))
	return u.runHooks(ctx)
}

type caUpdate struct {
	c                              *command.Call
	o                              command.Options
	conf, certs, local, etc, hooks string
	bundle                         bytes.Buffer
	filled                         bool // the bundle has had at least one certificate
	added, removed                 []string
}

// clear removes the links to certificates of former runs, and links to nothing.
func (u *caUpdate) clear() error {
	u.c.Say("Updating certificates in %s...", u.etc)
	conf, err := u.c.FS.ReadIfThere(u.conf)
	if err != nil {
		return err
	}
	if !u.o.Has("fresh") && !u.o.Has("default") && len(conf) > 0 {
		return nil
	}
	return eachBelow(u.c.FS, u.etc, func(p string, i vfs.Info) error {
		t := u.c.FS.LinkTarget(p)
		if t != "" && (strings.HasPrefix(t, u.certs) || strings.HasPrefix(t, u.local) || !u.c.FS.IsFile(p)) {
			return u.c.FS.Remove(p)
		}
		return nil
	})
}

// eachBelow calls visit for everything below dir, links not followed, sorted.
func eachBelow(f *vfs.FS, dir string, visit func(string, vfs.Info) error) error {
	entries, err := f.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		p := dir + "/" + e.Name()
		if err := visit(p, e); err != nil {
			return err
		}
		if e.Kind() == tree.Dir {
			if err := eachBelow(f, p, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *caUpdate) addAll() error {
	conf, err := u.c.FS.ReadIfThere(u.conf)
	if err != nil {
		return err
	}
	lines := command.NonEmptyLines(conf)
	if u.o.Has("default") {
		if err := u.addFolder(u.certs); err != nil {
			return err
		}
	}
	for _, l := range lines {
		if name, ok := strings.CutPrefix(l, "!"); ok {
			if err := u.remove(u.certs + "/" + name); err != nil {
				return err
			}
		}
	}
	for _, l := range lines {
		if l[0] == '#' || l[0] == '!' {
			continue
		}
		if !u.c.FS.IsFile(u.certs + "/" + l) {
			_, _ = u.c.Stderr.Write([]byte("W: " + u.certs + "/" + l + " not found, but listed in " + u.conf + ".\n"))
			continue
		}
		if err := u.add(u.certs + "/" + l); err != nil {
			return err
		}
	}
	if u.c.FS.IsDir(u.local) {
		return u.addFolder(u.local)
	}
	return nil
}

func (u *caUpdate) addFolder(dir string) error {
	var all []string
	err := eachBelow(u.c.FS, dir, func(p string, _ vfs.Info) error {
		if strings.HasSuffix(p, ".crt") && u.c.FS.IsFile(p) {
			all = append(all, p)
		}
		return nil
	})
	slices.Sort(all)
	for _, p := range all {
		if err == nil {
			err = u.add(p)
		}
	}
	return err
}

func (u *caUpdate) add(cert string) error {
	name := strings.NewReplacer(" ", "_", "(", "=", ")", "=", ",", "_").Replace(strings.TrimSuffix(path.Base(cert), ".crt"))
	pem := u.etc + "/" + name + ".pem"
	if !u.c.FS.Exists(pem) || u.c.FS.LinkTarget(pem) != cert {
		if err := u.c.FS.ReplaceLink(cert, pem); err != nil {
			return err
		}
		u.added = append(u.added, pem)
	}
	text, err := u.c.FS.ReadFile(cert)
	if err != nil {
		return err
	}
	u.bundle.Write(text)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		u.bundle.WriteByte('\n')
	}
	u.filled = true
	return nil
}

func (u *caUpdate) remove(cert string) error {
	pem := u.etc + "/" + strings.TrimSuffix(path.Base(cert), ".crt") + ".pem"
	if !u.c.FS.IsLink(pem) {
		return nil
	}
	u.removed = append(u.removed, pem)
	return u.c.FS.Remove(pem)
}

func (u *caUpdate) rehash() error {
	if len(u.added)+len(u.removed) == 0 {
		return nil
	}
	err := eachBelow(u.c.FS, u.etc, func(p string, _ vfs.Info) error {
		if u.c.FS.IsLink(p) && !u.c.FS.Exists(p) {
			return u.c.FS.Remove(p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return rehashFolder(u.c.FS, u.etc)
}

func (u *caUpdate) writeBundle() error {
	if !u.filled {
		return nil
	}
	return u.c.FS.Rewrite(u.etc+"/"+u.o.Value("certbundle", "ca-certificates.crt"), u.bundle.Bytes(), 0o644)
}

// runHooks runs the scripts of the hooks' folder that run-parts would, each given
// what was added and removed.
func (u *caUpdate) runHooks(ctx context.Context) (int, error) {
	if u.hooks == "" || !u.c.FS.IsDir(u.hooks) {
		return 0, nil
	}
	u.c.Say("Running hooks in %s...", u.hooks)
	var list strings.Builder
	for _, p := range u.added {
		list.WriteString("+" + p + "\n")
	}
	for _, p := range u.removed {
		list.WriteString("-" + p + "\n")
	}
	for _, hook := range u.c.FS.Glob(u.hooks + "/*") {
		i, err := u.c.FS.Stat(hook)
		if err != nil || i.Kind() != tree.File || i.Perm()&0o111 == 0 || !runPartsName(path.Base(hook)) {
			continue
		}
		status, err := u.c.Exec(ctx, []string{hook}, io.Reader(strings.NewReader(list.String())), u.c.Stdout, u.c.Stderr)
		if err != nil {
			return 1, err
		}
		if status != 0 {
			u.c.Say("E: %s exited with code %d.", hook, status)
		}
	}
	u.c.Say("done.")
	return 0, nil
}

// runPartsName is run-parts' default rule for names.
func runPartsName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	})
}
