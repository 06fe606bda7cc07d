package command

import (
	"context"
	"io/fs"
	"path"
	"strings"
)

// Readlink is readlink(1).
func Readlink(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "canonicalize,f canonicalize-existing,e canonicalize-missing,m no-newline,n quiet,silent,q,s verbose,v zero,z")
	if err != nil {
		return 0, err
	}
	if len(o.rest) == 0 {
		return complain(c, 1, "missing operand")
	}
	var out output
	status := 0
	for _, name := range o.rest {
		text, err := c.readlink(name, o)
		if err != nil {
			status = 1
			if o.has("verbose") {
				_, _ = c.failed(1, name, err)
			}
			continue
		}
		if o.has("no-newline") && len(o.rest) == 1 {
			out.WriteString(text)
		} else {
			out.WriteString(text + ending(o))
		}
	}
	return out.flush(c, status)
}

func (c *Call) readlink(name string, o options) (string, error) {
	for _, mode := range []string{"canonicalize", "canonicalize-existing", "canonicalize-missing"} {
		if o.has(mode) {
			return c.canonical(name, mode)
		}
	}
	return c.FS.Readlink(c.path(name))
}

// canonical resolves every link of name. By mode, all must exist, all but the
// last component, or nothing.
func (c *Call) canonical(name, mode string) (string, error) {
	if name == "" {
		return "", fs.ErrNotExist
	}
	p := c.path(name)
	got, err := c.FS.Resolve(strings.TrimRight(p, "/") + trailing(p))
	switch mode {
	case "canonicalize-existing":
		if err == nil {
			_, err = c.FS.Stat(p)
		}
	case "canonicalize-missing":
		if err != nil && isMissing(err) {
			up, name := path.Split(strings.TrimRight(p, "/"))
			if up, err = c.canonical(up, mode); err != nil {
				return "", err
			}
			return path.Join(up, name), nil
		}
	}
	return got, err
}

// trailing keeps the root's slash.
func trailing(p string) string {
	if strings.Trim(p, "/") == "" {
		return "/"
	}
	return ""
}

// Realpath is realpath(1).
func Realpath(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "canonicalize-existing,e canonicalize-missing,m canonicalize,E strip,no-symlinks,s quiet,q zero,z relative-to= relative-base= physical,P logical,L")
	if err != nil {
		return 0, err
	}
	if o.has("relative-base") || o.has("logical") {
		return 0, unhonoured(c, "the options --relative-base and -L are not known")
	}
	mode := "canonicalize"
	for _, m := range []string{"canonicalize-existing", "canonicalize-missing"} {
		if o.has(m) {
			mode = m
		}
	}
	resolve := func(name string) (string, error) {
		if o.has("strip") {
			return path.Clean(c.path(name)), nil
		}
		return c.canonical(name, mode)
	}
	var out output
	status := 0
	for _, name := range o.rest {
		got, err := resolve(name)
		if err == nil && o.has("relative-to") {
			var base string
			if base, err = resolve(o.value("relative-to", "")); err == nil {
				got = relativePath(base, got)
			}
		}
		if err != nil {
			status = 1
			if !o.has("quiet") {
				_, _ = c.failed(1, name, err)
			}
			continue
		}
		out.WriteString(got + ending(o))
	}
	return out.flush(c, status)
}
