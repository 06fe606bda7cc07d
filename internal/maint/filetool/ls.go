package filetool

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Ls is ls(1) as scripts use it: names, one on a line, or -l.
func Ls(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("1 all,a almost-all,A directory,d l n g dereference,L reverse,r t human-readable,h inode,i size,s v time-style= color= quote-name,Q " +
		"classify,F dereference-command-line,H group-directories-first no-group,G recursive,R S U f p")
	if err != nil {
		return 0, err
	}
	for _, flag := range []string{"human-readable", "inode", "size", "quote-name", "recursive", "U", "f", "group-directories-first", "g", "S"} {
		if o.Has(flag) {
			return 0, c.Unhonoured("the option %q is not known", flag)
		}
	}
	l := lister{c: c, o: o}
	if len(o.Rest) == 0 {
		o.Rest = []string{"."}
	}
	var files []listed
	var dirs []string
	for _, name := range o.Rest {
		info, err := l.stat(name)
		switch {
		case err != nil:
			l.status, _ = c.Complain(2, "cannot access '%s': %s", name, command.ErrorText(err))
		case !o.Has("directory") && (info.Kind() == tree.Dir || info.Kind() == tree.Symlink && !l.long() && c.IsDirectory(name)):
			dirs = append(dirs, name)
		default:
			files = append(files, listed{name, info})
		}
	}
	l.print(files)
	for i, name := range dirs {
		if len(o.Rest) > 1 {
			if i > 0 || len(files) > 0 {
				l.out.Line("")
			}
			l.out.Line(name + ":")
		}
		l.directory(name)
	}
	return l.out.Flush(c, l.status)
}

type listed struct {
	name string
	info vfs.Info
}

type lister struct {
	c      *command.Call
	o      command.Options
	out    command.Output
	status int
}

func (l *lister) long() bool { return l.o.Has("l") || l.o.Has("n") }

func (l *lister) stat(name string) (vfs.Info, error) {
	if l.o.Has("dereference") {
		return l.c.FS.Stat(l.c.Path(name))
	}
	return l.c.FS.Lstat(l.c.Path(name))
}

func (l *lister) directory(name string) {
	entries, err := l.c.FS.ReadDir(l.c.Path(name))
	if err != nil {
		l.status, _ = l.c.Complain(2, "cannot open directory '%s': %s", name, command.ErrorText(err))
		return
	}
	var files []listed
	if l.o.Has("all") {
		for _, n := range []string{".", ".."} {
			if info, err := l.stat(command.Joined(name, n)); err == nil {
				files = append(files, listed{n, info})
			}
		}
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && !l.o.Has("all") && !l.o.Has("almost-all") {
			continue
		}
		if l.o.Has("dereference") {
			if through, err := l.c.FS.Stat(command.Joined(l.c.Path(name), e.Name())); err == nil {
				files = append(files, listed{e.Name(), through})
				continue
			}
		}
		files = append(files, listed{e.Name(), e})
	}
	if l.long() {
		l.out.Line("total 0") // a tree has no blocks
	}
	l.print(files)
}

func (l *lister) print(files []listed) {
	slices.SortStableFunc(files, func(a, b listed) int {
		if n := cmp.Compare(b.info.Epoch(), a.info.Epoch()); l.o.Has("t") && n != 0 {
			return n
		}
		if n := command.CompareFileVersions(a.name, b.name); l.o.Has("v") && n != 0 {
			return n
		}
		return strings.Compare(a.name, b.name)
	})
	if l.o.Has("reverse") {
		slices.Reverse(files)
	}
	for _, f := range files {
		name := f.name
		if (l.o.Has("classify") || l.o.Has("p")) && f.info.Kind() == tree.Dir {
			name += "/"
		}
		if !l.long() {
			l.out.Line(name)
			continue
		}
		if f.info.Kind() == tree.Symlink {
			name += " -> " + f.info.Link
		}
		user, group := l.c.NameOf("/etc/passwd", f.info.UID), l.c.NameOf("/etc/group", f.info.GID)
		if l.o.Has("n") || user == "UNKNOWN" {
			user = fmt.Sprint(f.info.UID)
		}
		if l.o.Has("n") || group == "UNKNOWN" {
			group = fmt.Sprint(f.info.GID)
		}
		l.out.Line(fmt.Sprintf("%s %d %s %s %d %s %s", modeText(f.info), max(1, f.info.Names), user, group, f.info.Size(),
			f.info.ModTime().Format("Jan _2  2006"), name))
	}
}
