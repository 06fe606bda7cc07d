package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Mktemp is mktemp(1) and tempfile(1), but deterministic: the name is the first
// one free of a fixed row. What a script leaves behind so has the same name in
// every build.
func Mktemp(_ context.Context, c *Call) (int, error) {
	args := slices.Clone(c.Args)
	for i, a := range args {
		if a == "--tmpdir" { // its value may be left out
			args[i] = "--tmpdir=" + c.tmpDir()
		}
	}
	o, err := parseArguments(c, args, "directory,d dry-run,u quiet,q tmpdir,p= t suffix=", true)
	if err != nil {
		return 0, err
	}
	template := "tmp.XXXXXXXXXX"
	inTmp := len(o.rest) == 0 || o.has("t") || o.has("tmpdir")
	if len(o.rest) == 1 {
		template = o.rest[0]
	} else if len(o.rest) > 1 {
		return complain(c, 1, "too many templates")
	}
	if inTmp {
		template = joined(o.value("tmpdir", c.tmpDir()), template)
	}
	return c.temporary(template+o.value("suffix", ""), o)
}

func (c *Call) tmpDir() string {
	if dir := c.Env["TMPDIR"]; dir != "" {
		return dir
	}
	return "/tmp"
}

// temporary makes a file or directory named by template, whose last X's become
// digits.
func (c *Call) temporary(template string, o options) (int, error) {
	end := strings.LastIndex(template, "XXX") + 3
	if end < 3 {
		return complain(c, 1, "too few X's in template '%s'", template)
	}
	start := end
	for start > 0 && template[start-1] == 'X' {
		start--
	}
	for n := range 10000 {
		name := template[:start] + fmt.Sprintf("%0*d", end-start, n) + template[end:]
		err := c.makeTemporary(name, o)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			if o.has("quiet") {
				return 1, nil
			}
			return complain(c, 1, "failed to create file via template '%s': %s", template, errorText(err))
		}
		say(c, "%s", name)
		return 0, nil
	}
	return complain(c, 1, "failed to create file via template '%s'", template)
}

func (c *Call) makeTemporary(name string, o options) error {
	p := c.path(name)
	if _, err := c.FS.Lstat(p); err == nil {
		return fs.ErrExist
	}
	switch {
	case o.has("dry-run"):
		return nil
	case o.has("directory"):
		return c.FS.Mkdir(p, 0o700)
	}
	return c.FS.WriteFile(p, nil, 0o600)
}

// Tempfile is tempfile(1).
func Tempfile(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "directory,d= prefix,p= suffix,s= mode,m= name,n=")
	if err != nil {
		return 0, err
	}
	if o.has("name") {
		return 0, unhonoured(c, "the option --name is not known")
	}
	made := options{given: map[string][]string{}}
	return c.temporary(joined(o.value("directory", c.tmpDir()), o.value("prefix", "file")+"XXXXXX"+o.value("suffix", "")), made)
}
