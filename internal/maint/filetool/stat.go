package filetool

import (
	"context"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Stat is stat(1) with -c, --printf, -L and -t left out.
func Stat(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("dereference,L format,c= printf=")
	if err != nil {
		return 0, err
	}
	format, newline := o.Value("format", ""), "\n"
	if o.Has("printf") {
		newline = ""
		format, _ = command.Unescape(o.Value("printf", ""))
	}
	if format == "" {
		return 0, c.Unhonoured("stat without a format is not known")
	}
	var out command.Output
	status := 0
	for _, name := range o.Rest {
		read := c.FS.Lstat
		if o.Has("dereference") {
			read = c.FS.Stat
		}
		info, err := read(c.Path(name))
		if err != nil {
			status, _ = c.Complain(1, "cannot statx '%s': %s", name, command.ErrorText(err))
			continue
		}
		text, err := statFormat(c, format, name, info)
		if err != nil {
			return 0, err
		}
		out.WriteString(text + newline)
	}
	return out.Flush(c, status)
}

func statFormat(c *command.Call, format, name string, info vfs.Info) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		start := i
		for i+1 < len(format) && strings.IndexByte("#-+ 0123456789.", format[i]) >= 0 {
			i++
		}
		text, ok := statField(c, format[i], name, info)
		if !ok || i != start {
			return "", c.Unhonoured("the format %%%s is not known", format[start:i+1])
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func statField(c *command.Call, verb byte, name string, info vfs.Info) (string, bool) {
	switch verb {
	case '%':
		return "%", true
	case 'a':
		return strconv.FormatUint(uint64(info.Perm()), 8), true
	case 'A':
		return modeText(info), true
	case 'd':
		return "1", true // a tree is one device
	case 'f':
		return strconv.FormatUint(uint64(rawMode(info)), 16), true
	case 'F':
		return kindText(info), true
	case 'g':
		return strconv.Itoa(info.GID), true
	case 'G':
		return c.NameOf("/etc/group", info.GID), true
	case 'u':
		return strconv.Itoa(info.UID), true
	case 'U':
		return c.NameOf("/etc/passwd", info.UID), true
	case 'h':
		return strconv.Itoa(max(1, info.Names)), true
	case 'i':
		return strconv.FormatUint(info.Ino, 10), true
	case 'n':
		return name, true
	case 'N':
		if info.Kind() == tree.Symlink {
			return "'" + name + "' -> '" + info.Link + "'", true
		}
		return "'" + name + "'", true
	case 's':
		return strconv.FormatInt(info.Size(), 10), true
	case 't':
		return strconv.FormatUint(uint64(info.Major), 16), true
	case 'T':
		return strconv.FormatUint(uint64(info.Minor), 16), true
	case 'Y', 'Z', 'X':
		return strconv.FormatInt(int64(info.Epoch()), 10), true
	case 'y':
		return info.ModTime().Format("2006-01-02 15:04:05.000000000 -0700"), true
	}
	return "", false
}

// rawMode is st_mode (inode(7)).
func rawMode(info vfs.Info) uint32 {
	return info.Perm() | map[tree.Type]uint32{
		tree.File: 0o100000, tree.Dir: 0o040000, tree.Symlink: 0o120000, tree.CharDev: 0o020000, tree.BlockDev: 0o060000, tree.Fifo: 0o010000,
	}[info.Kind()]
}

func kindText(info vfs.Info) string {
	switch info.Kind() {
	case tree.Dir:
		return "directory"
	case tree.Symlink:
		return "symbolic link"
	case tree.CharDev:
		return "character special file"
	case tree.BlockDev:
		return "block special file"
	case tree.Fifo:
		return "fifo"
	}
	if info.Size() == 0 {
		return "regular empty file"
	}
	return "regular file"
}

// modeText is the "-rwxr-xr-x" of ls(1).
func modeText(info vfs.Info) string {
	kind := map[tree.Type]string{tree.File: "-", tree.Dir: "d", tree.Symlink: "l", tree.CharDev: "c", tree.BlockDev: "b", tree.Fifo: "p"}[info.Kind()]
	b := []byte(kind + "rwxrwxrwx")
	perm := info.Perm()
	for i := range 9 {
		if perm&(0o400>>i) == 0 {
			b[1+i] = '-'
		}
	}
	for i, special := range []struct {
		bit  uint32
		set  byte
		bare byte
	}{{0o4000, 's', 'S'}, {0o2000, 's', 'S'}, {0o1000, 't', 'T'}} {
		at := 3 + 3*i
		if perm&special.bit == 0 {
			continue
		}
		if b[at] == 'x' {
			b[at] = special.set
		} else {
			b[at] = special.bare
		}
	}
	return string(b)
}
