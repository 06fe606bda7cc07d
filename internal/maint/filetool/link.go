package filetool

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"kiln/internal/maint/command"
)

// Readlink is readlink(1).
func Readlink(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("canonicalize,f canonicalize-existing,e canonicalize-missing,m no-newline,n quiet,silent,q,s verbose,v zero,z")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 0 {
		return c.Complain(1, "missing operand")
	}
	var out command.Output
	status := 0
	for _, name := range o.Rest {
		text, err := readlink(c, name, o)
		if err != nil {
			status = 1
			if o.Has("verbose") {
				_, _ = c.Failed(1, name, err)
			}
			continue
		}
		if o.Has("no-newline") && len(o.Rest) == 1 {
			out.WriteString(text)
		} else {
			out.WriteString(text + ending(o))
		}
	}
	return out.Flush(c, status)
}

func readlink(c *command.Call, name string, o command.Options) (string, error) {
	for _, mode := range []string{"canonicalize", "canonicalize-existing", "canonicalize-missing"} {
		if o.Has(mode) {
			return canonical(c, name, mode)
		}
	}
	return c.FS.Readlink(c.Path(name))
}

// canonical resolves every link of name. By mode, all must exist, all but the
// last component, or nothing.
func canonical(c *command.Call, name, mode string) (string, error) {
	if name == "" {
		return "", fs.ErrNotExist
	}
	p := c.Path(name)
	got, err := c.FS.Resolve(strings.TrimRight(p, "/") + trailing(p))
	switch mode {
	case "canonicalize-existing":
		if err == nil {
			_, err = c.FS.Stat(p)
		}
	case "canonicalize-missing":
		if err != nil && command.IsMissing(err) {
			up, name := path.Split(strings.TrimRight(p, "/"))
			if up, err = canonical(c, up, mode); err != nil {
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
func Realpath(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("canonicalize-existing,e canonicalize-missing,m canonicalize,E strip,no-symlinks,s quiet,q zero,z relative-to= relative-base= physical,P logical,L")
	if err != nil {
		return 0, err
	}
	if o.Has("relative-base") || o.Has("logical") {
		return 0, c.Unhonoured("the options --relative-base and -L are not known")
	}
	mode := "canonicalize"
	for _, m := range []string{"canonicalize-existing", "canonicalize-missing"} {
		if o.Has(m) {
			mode = m
		}
	}
	resolve := func(name string) (string, error) {
		if o.Has("strip") {
			return path.Clean(c.Path(name)), nil
		}
		return canonical(c, name, mode)
	}
	var out command.Output
	status := 0
	for _, name := range o.Rest {
		got, err := resolve(name)
		if err == nil && o.Has("relative-to") {
			var base string
			if base, err = resolve(o.Value("relative-to", "")); err == nil {
				got = relativePath(base, got)
			}
		}
		if err != nil {
			status = 1
			if !o.Has("quiet") {
				_, _ = c.Failed(1, name, err)
			}
			continue
		}
		out.WriteString(got + ending(o))
	}
	return out.Flush(c, status)
}
