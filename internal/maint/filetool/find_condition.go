package filetool

import (
	"strconv"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

func (p *findParser) empty(e found) bool {
	if e.info.Kind() == tree.Dir {
		entries, err := p.f.c.FS.ReadDir(p.f.c.Path(e.shown))
		return err == nil && len(entries) == 0
	}
	return e.info.Kind() == tree.File && e.info.Size() == 0
}

func (p *findParser) orphan(name string) findTest {
	c := p.f.c
	return func(e found) bool {
		if name == "-nouser" {
			return c.NameOf("/etc/passwd", e.info.UID) == "UNKNOWN"
		}
		return c.NameOf("/etc/group", e.info.GID) == "UNKNOWN"
	}
}

func (p *findParser) valued(name, v string) (findTest, error) {
	switch name {
	case "-maxdepth", "-mindepth":
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return nil, p.f.c.Unhonoured("%s %q is no number", name, v)
		}
		if name == "-maxdepth" {
			p.f.maxDepth = n
		} else {
			p.f.minDepth = n
		}
		return func(found) bool { return true }, nil
	case "-name", "-iname", "-path", "-wholename", "-ipath", "-lname":
		return p.pattern(name, v)
	case "-regex", "-iregex":
		return nil, p.f.c.Unhonoured("%s is not known", name)
	case "-type", "-xtype":
		return p.kind(name, v)
	case "-user", "-uid", "-group", "-gid":
		return p.ownership(name, v)
	case "-perm":
		return p.perm(v)
	case "-newer", "-anewer", "-cnewer":
		info, err := p.f.c.FS.Stat(p.f.c.Path(v))
		if err != nil {
			p.f.status, _ = p.f.c.Failed(1, v, err)
			p.f.maxDepth = -1
			return func(found) bool { return false }, nil
		}
		return func(e found) bool { return e.info.Epoch() > info.Epoch() }, nil
	case "-samefile":
		info, err := p.f.c.FS.Stat(p.f.c.Path(v))
		return func(e found) bool { return err == nil && e.info.Ino == info.Ino }, nil
	}
	return p.counted(name, v)
}

func (p *findParser) pattern(name, v string) (findTest, error) {
	fold := strings.HasPrefix(name, "-i")
	if fold {
		v = strings.ToLower(v)
	}
	match, err := globMatcher(v)
	if err != nil {
		return nil, p.f.c.Unhonoured("%s %q: %v", name, v, err)
	}
	return func(e found) bool {
		text := e.shown
		switch name {
		case "-name", "-iname":
			text = command.BaseName(e.shown)
		case "-lname":
			if e.info.Kind() != tree.Symlink {
				return false
			}
			text = e.info.Link
		}
		if fold {
			text = strings.ToLower(text)
		}
		return match(text)
	}, nil
}

func (p *findParser) kind(name, v string) (findTest, error) {
	if strings.Trim(v, "fdlcbps,") != "" {
		return nil, p.f.c.Unhonoured("%s %q is not known", name, v)
	}
	return func(e found) bool {
		kind := e.info.Kind()
		if name == "-xtype" && kind == tree.Symlink {
			if through, err := p.f.c.FS.Stat(p.f.c.Path(e.shown)); err == nil {
				kind = through.Kind()
			}
		}
		return strings.Contains(v, kind.String())
	}, nil
}

func (p *findParser) ownership(name, v string) (findTest, error) {
	id, err := strconv.Atoi(v)
	if name == "-user" {
		id, err = p.f.c.UserID(v)
	} else if name == "-group" {
		id, err = p.f.c.GroupID(v)
	}
	if err != nil {
		if name == "-user" || name == "-group" { // the real one says so and ends with 1
			p.f.status, _ = p.f.c.Complain(1, "'%s' is not the name of a known account", v)
			p.f.maxDepth = -1
			return func(found) bool { return false }, nil
		}
		return p.counted(name, v)
	}
	return func(e found) bool {
		if name == "-user" || name == "-uid" {
			return e.info.UID == id
		}
		return e.info.GID == id
	}, nil
}

func (p *findParser) perm(v string) (findTest, error) {
	how := byte(0)
	if v != "" && (v[0] == '-' || v[0] == '/') {
		how, v = v[0], v[1:]
	}
	mode, err := command.ChangeMode(0, v, false, 0)
	if err != nil {
		return nil, p.f.c.Unhonoured("-perm: %v", err)
	}
	return func(e found) bool {
		switch how {
		case '-':
			return e.info.Perm()&mode == mode
		case '/':
			return mode == 0 || e.info.Perm()&mode != 0
		}
		return e.info.Perm() == mode
	}, nil
}

// counted reads tests with +n, -n or n.
func (p *findParser) counted(name, v string) (findTest, error) {
	unit := int64(1)
	if name == "-size" {
		units := map[byte]int64{'c': 1, 'w': 2, 'b': 512, 'k': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}
		unit = 512
		if v != "" {
			if u, found := units[v[len(v)-1]]; found {
				unit, v = u, v[:len(v)-1]
			}
		}
	}
	sign := byte(0)
	digits := v
	if v != "" && (v[0] == '+' || v[0] == '-') {
		sign, digits = v[0], v[1:]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return nil, p.f.c.Unhonoured("%s %q is not known", name, v)
	}
	count, err := p.counter(name, unit)
	if err != nil {
		return nil, err
	}
	return func(e found) bool {
		switch got := count(e.info); sign {
		case '+':
			return got > n
		case '-':
			return got < n
		default:
			return got == n
		}
	}, nil
}

func (p *findParser) counter(name string, unit int64) (func(vfs.Info) int64, error) {
	now := int64(p.f.c.Machine.Epoch)
	switch name {
	case "-size":
		return func(i vfs.Info) int64 { return (i.Size() + unit - 1) / unit }, nil
	case "-links":
		return func(i vfs.Info) int64 { return int64(i.Names) }, nil
	case "-mtime", "-ctime", "-atime":
		return func(i vfs.Info) int64 { return (now - int64(i.Epoch())) / 86400 }, nil
	case "-mmin", "-cmin", "-amin":
		return func(i vfs.Info) int64 { return (now - int64(i.Epoch())) / 60 }, nil
	case "-uid":
		return func(i vfs.Info) int64 { return int64(i.UID) }, nil
	case "-gid":
		return func(i vfs.Info) int64 { return int64(i.GID) }, nil
	}
	return nil, p.f.c.Unhonoured("%s is not known", name)
}
