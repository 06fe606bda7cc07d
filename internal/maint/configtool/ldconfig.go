// Package configtool is the commands that make a file of the whole system from what
// packages ship for it: ld.so.cache, PAM's common files, the list of shells, locale
// settings.
package configtool

import (
	"bytes"
	"context"
	"path"
	"strings"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/linkage"
	"kiln/internal/maint/command"
	"kiln/internal/maint/ldcache"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

const ldCacheFile = "/etc/ld.so.cache"

// Ldconfig is glibc's ldconfig(8): it makes the SONAME links and writes
// /etc/ld.so.cache. Its own auxiliary cache is not kept: it holds inode numbers.
func Ldconfig(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("verbose,v N X r= C= f= ignore-aux-cache,i format,c= p,print-cache n l")
	if err != nil {
		return 1, err
	}
	if r := o.Value("r", "/"); strings.Trim(r, "/") != "" {
		return 1, c.Unhonoured("there is one root only")
	}
	if o.Has("l") || o.Has("n") || o.Has("p") || o.Has("C") || o.Has("f") || o.Value("format", "new") != "new" {
		return 1, c.Unhonoured("only a full run is for scripts")
	}
	order, ok := ldcache.Order(c.Machine.Arch)
	if !ok {
		return 1, c.Unhonoured("the architecture %q is not known", c.Machine.Arch)
	}
	l := &ldconfig{c: c, link: !o.Has("X"), seen: map[uint64]bool{}}
	for _, dir := range o.Rest {
		l.addDir(dir)
	}
	if err := l.readConf("/etc/ld.so.conf", 0); err != nil {
		return 1, err
	}
	for _, dir := range systemLibFolders(c.Machine.Arch) {
		l.addDir(dir)
	}
	for _, dir := range l.dirs {
		if err := l.search(dir); err != nil {
			return 1, err
		}
	}
	if o.Has("N") {
		return 0, nil
	}
	return 0, l.save(ldcache.Write(l.entries, l.generator(), order))
}

type ldconfig struct {
	c       *command.Call
	link    bool
	dirs    []string
	seen    map[uint64]bool // inodes of the directories
	entries []ldcache.Entry
}

// systemLibFolders are those that Debian's ldconfig looks at whatever the
// configuration says.
func systemLibFolders(arch string) []string {
	t := deb.MultiarchTuple(arch)
	return []string{"/lib/" + t, "/usr/lib/" + t, "/lib", "/usr/lib"}
}

// addDir adds a directory, unless it is not there or came already by another name.
func (l *ldconfig) addDir(dir string) {
	dir = strings.TrimRight(strings.TrimSpace(dir), "/")
	dir, _, _ = strings.Cut(dir, "=")
	i, err := l.c.FS.Stat(dir)
	if dir == "" || err != nil || i.Kind() != tree.Dir || l.seen[i.Ino] {
		return
	}
	l.seen[i.Ino] = true
	l.dirs = append(l.dirs, dir)
}

func (l *ldconfig) readConf(file string, depth int) error {
	text, err := l.c.FS.ReadIfThere(file)
	if err != nil || depth > 10 {
		return err
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		word, rest := command.CutWord(strings.TrimSpace(line))
		switch {
		case word == "":
		case word == "include":
			for pattern := range strings.FieldsSeq(rest) {
				if !strings.HasPrefix(pattern, "/") {
					pattern = path.Dir(file) + "/" + pattern
				}
				for _, f := range l.c.FS.Glob(pattern) {
					if err := l.readConf(f, depth+1); err != nil {
						return err
					}
				}
			}
		case strings.EqualFold(word, "hwcap"):
		default:
			l.addDir(line)
		}
	}
	return nil
}

// found is a library of the directory that is searched.
type foundLib struct {
	name, soname string
	flags        uint32
	link         bool
}

// search lists one directory: each SONAME once, a file before a link, a newer
// name before an older.
func (l *ldconfig) search(dir string) error {
	entries, err := l.c.FS.ReadDir(dir)
	if err != nil {
		return err
	}
	if l.c.FS.Present(dir + "/glibc-hwcaps") {
		return l.c.Unhonoured("%s/glibc-hwcaps holds libraries for some processors only, which kiln cannot list", dir)
	}
	var libs libraries
	for _, e := range entries {
		lib, ok, err := l.inspect(dir, e)
		if err != nil {
			return err
		}
		if ok {
			libs.add(lib)
		}
	}
	for _, lib := range libs.list {
		if !lib.link {
			if err := l.makeLink(dir, lib); err != nil {
				return err
			}
		}
		l.entries = append(l.entries, ldcache.Entry{Name: lib.soname, Path: dir + "/" + lib.soname, Flags: lib.flags})
	}
	return nil
}

// libraries are those of one directory.
type libraries struct {
	list []foundLib
	at   map[string]int // where each SONAME is in list
}

// add puts in a library, or has the better of two of one SONAME.
func (l *libraries) add(lib foundLib) {
	i, known := l.at[lib.soname]
	if !known {
		if l.at == nil {
			l.at = map[string]int{}
		}
		l.at[lib.soname], l.list = len(l.list), append(l.list, lib)
		return
	}
	old := &l.list[i]
	if !lib.link && old.link || lib.link == old.link && ldcache.Compare(old.name, lib.name) < 0 {
		old.name, old.link, old.flags = lib.name, lib.link, lib.flags
	}
}

// inspect looks at one name of a directory. Links that lead nowhere are removed,
// as ldconfig does.
func (l *ldconfig) inspect(dir string, e vfs.Info) (lib foundLib, ok bool, err error) {
	p := dir + "/" + e.Name()
	lib = foundLib{name: e.Name(), link: e.Kind() == tree.Symlink}
	if !ldcache.Named(e.Name()) {
		return lib, false, nil
	}
	at, err := l.c.FS.Stat(p)
	if err != nil {
		if lib.link && l.link && strings.Contains(e.Name(), ".so.") {
			return lib, false, l.c.FS.Remove(p)
		}
		return lib, false, nil
	}
	if at.Kind() != tree.File {
		return lib, false, nil
	}
	elf, err := l.read(p, at.Content)
	if err != nil || elf == nil {
		return lib, false, err
	}
	if lib.flags, ok = ldcache.Flags(elf, l.c.Machine.Arch); !ok {
		return lib, false, nil
	}
	lib.soname = elf.Soname
	if lib.soname == "" {
		lib.soname = e.Name()
	}
	l.settleLink(&lib)
	return lib, true, nil
}

// read returns what a file says of itself, nil where it is no ELF file. Where that
// is not known, it is looked into: once, however many names it has and however
// often ldconfig runs.
func (l *ldconfig) read(p string, digest kiln.Digest) (*linkage.File, error) {
	if ask := l.c.Machine.Linkage; ask != nil && digest != "" {
		if f, known := ask(digest); known {
			return f, nil
		}
	}
	return command.Find(l.c.Machine, "library", digest, func() (*linkage.File, error) {
		content, err := l.c.FS.ReadFile(p)
		if err != nil {
			return nil, err
		}
		f, _, err := linkage.Read(bytes.NewReader(content), int64(len(content)))
		return f, err
	})
}

// settleLink decides whether a link counts as one: the link for the linker
// (libfoo.so) and the one with the SONAME's name do, and are listed under their
// own names. Any other is taken for a file.
func (l *ldconfig) settleLink(lib *foundLib) {
	if !lib.link {
		return
	}
	if lib.name != lib.soname && (!strings.HasSuffix(lib.name, ".so") || !strings.HasPrefix(lib.soname, lib.name)) {
		lib.link = false
		return
	}
	lib.soname = lib.name
}

func (l *ldconfig) makeLink(dir string, lib foundLib) error {
	at := dir + "/" + lib.soname
	if lib.name == lib.soname || !l.link {
		return nil
	}
	want, err := l.c.FS.Stat(dir + "/" + lib.name)
	if err != nil {
		return err
	}
	if have, err := l.c.FS.Stat(at); err == nil && have.Ino == want.Ino {
		return nil
	}
	if l.c.FS.Present(at) && !l.c.FS.IsLink(at) {
		_, _ = l.c.Complain(0, "%s is not a symbolic link", at)
		return nil
	}
	return l.c.FS.ReplaceLink(lib.name, at)
}

// generator is the name that the tree's own ldconfig writes into the cache.
func (l *ldconfig) generator() string {
	const program = "/usr/sbin/ldconfig"
	if at, err := l.c.FS.Stat(program); err == nil {
		name, err := command.Find(l.c.Machine, "generator", at.Content, func() (string, error) {
			content, err := l.c.FS.ReadFile(program)
			return generatorIn(content), err
		})
		if err == nil && name != "" {
			return name
		}
	}
	if st, ok := l.c.Machine.Packages.Lookup("libc6"); ok {
		return ldcache.Generator(st.Version)
	}
	return ldcache.Generator("")
}

// generatorIn finds the name in the program.
func generatorIn(content []byte) string {
	const begin, end = "ldconfig (", " release version "
	i := bytes.Index(content, []byte(begin))
	if i < 0 {
		return ""
	}
	s := content[i:]
	if n := bytes.IndexByte(s, 0); n > 0 && bytes.Contains(s[:n], []byte(end)) {
		return string(s[:n])
	}
	return ""
}

func (l *ldconfig) save(cache []byte) error {
	return l.c.FS.Rewrite(ldCacheFile, cache, 0o644)
}
