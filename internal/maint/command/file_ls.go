package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Ls is ls(1) as scripts use it: names, one on a line, or -l.
func Ls(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "1 all,a almost-all,A directory,d l n g dereference,L reverse,r t human-readable,h inode,i size,s time-style= color= quote-name,Q "+
		"classify,F dereference-command-line,H group-directories-first no-group,G recursive,R S U f p")
	if err != nil {
		return 0, err
	}
	for _, flag := range []string{"human-readable", "inode", "size", "quote-name", "recursive", "U", "f", "group-directories-first", "g", "S"} {
		if o.has(flag) {
			return 0, unhonoured(c, "the option %q is not known", flag)
		}
	}
	l := lister{c: c, o: o}
	if len(o.rest) == 0 {
		o.rest = []string{"."}
	}
	var files []listed
	var dirs []string
	for _, name := range o.rest {
		info, err := l.stat(name)
		switch {
		case err != nil:
			l.status, _ = complain(c, 2, "cannot access '%s': %s", name, errorText(err))
		case !o.has("directory") && (info.Kind() == tree.Dir || info.Kind() == tree.Symlink && !l.long() && c.isDirectory(name)):
			dirs = append(dirs, name)
		default:
			files = append(files, listed{name, info})
		}
	}
	l.print(files)
	for i, name := range dirs {
		if len(o.rest) > 1 {
			if i > 0 || len(files) > 0 {
				l.out.line("")
			}
			l.out.line(name + ":")
		}
		l.directory(name)
	}
	return l.out.flush(c, l.status)
}

type listed struct {
	name string
	info vfs.Info
}

type lister struct {
	c      *Call
	o      options
	out    output
	status int
}

func (l *lister) long() bool { return l.o.has("l") || l.o.has("n") }

func (l *lister) stat(name string) (vfs.Info, error) {
	if l.o.has("dereference") {
		return l.c.FS.Stat(l.c.path(name))
	}
	return l.c.FS.Lstat(l.c.path(name))
}

func (l *lister) directory(name string) {
	entries, err := l.c.FS.ReadDir(l.c.path(name))
	if err != nil {
		l.status, _ = complain(l.c, 2, "cannot open directory '%s': %s", name, errorText(err))
		return
	}
	var files []listed
	if l.o.has("all") {
		for _, n := range []string{".", ".."} {
			if info, err := l.stat(joined(name, n)); err == nil {
				files = append(files, listed{n, info})
			}
		}
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && !l.o.has("all") && !l.o.has("almost-all") {
			continue
		}
		if l.o.has("dereference") {
			if through, err := l.c.FS.Stat(joined(l.c.path(name), e.Name())); err == nil {
				files = append(files, listed{e.Name(), through})
				continue
			}
		}
		files = append(files, listed{e.Name(), e})
	}
	if l.long() {
		l.out.line("total 0") // a tree has no blocks
	}
	l.print(files)
}

func (l *lister) print(files []listed) {
	slices.SortStableFunc(files, func(a, b listed) int {
		if n := cmp.Compare(b.info.Epoch(), a.info.Epoch()); l.o.has("t") && n != 0 {
			return n
		}
		return strings.Compare(a.name, b.name)
	})
	if l.o.has("reverse") {
		slices.Reverse(files)
	}
	for _, f := range files {
		name := f.name
		if (l.o.has("classify") || l.o.has("p")) && f.info.Kind() == tree.Dir {
			name += "/"
		}
		if !l.long() {
			l.out.line(name)
			continue
		}
		if f.info.Kind() == tree.Symlink {
			name += " -> " + f.info.Link
		}
		user, group := l.c.nameOf("/etc/passwd", f.info.UID), l.c.nameOf("/etc/group", f.info.GID)
		if l.o.has("n") || user == "UNKNOWN" {
			user = fmt.Sprint(f.info.UID)
		}
		if l.o.has("n") || group == "UNKNOWN" {
			group = fmt.Sprint(f.info.GID)
		}
		l.out.line(fmt.Sprintf("%s %d %s %s %d %s %s", modeText(f.info), max(1, f.info.Names), user, group, f.info.Size(),
			f.info.ModTime().Format("Jan _2  2006"), name))
	}
}
