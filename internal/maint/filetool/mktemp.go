package filetool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// Mktemp is mktemp(1) and tempfile(1), but deterministic: the name is the first
// one free of a fixed row. What a script leaves behind so has the same name in
// every build.
func Mktemp(_ context.Context, c *command.Call) (int, error) {
	args := slices.Clone(c.Args)
	for i, a := range args {
		if a == "--tmpdir" { // its value may be left out
			args[i] = "--tmpdir=" + tmpDir(c)
		}
	}
	o, err := c.ParseArguments(args, "directory,d dry-run,u quiet,q tmpdir,p= t suffix=", true)
	if err != nil {
		return 0, err
	}
	template := "tmp.XXXXXXXXXX"
	inTmp := len(o.Rest) == 0 || o.Has("t") || o.Has("tmpdir")
	if len(o.Rest) == 1 {
		template = o.Rest[0]
	} else if len(o.Rest) > 1 {
		return c.Complain(1, "too many templates")
	}
	if inTmp {
		template = command.Joined(o.Value("tmpdir", tmpDir(c)), template)
	}
	return temporary(c, template+o.Value("suffix", ""), o)
}

func tmpDir(c *command.Call) string {
	if dir := c.Env["TMPDIR"]; dir != "" {
		return dir
	}
	return "/tmp"
}

// temporary makes a file or directory named by template, whose last X's become
// digits.
func temporary(c *command.Call, template string, o command.Options) (int, error) {
	end := strings.LastIndex(template, "XXX") + 3
	if end < 3 {
		return c.Complain(1, "too few X's in template '%s'", template)
	}
	start := end
	for start > 0 && template[start-1] == 'X' {
		start--
	}
	for n := range 10000 {
		name := template[:start] + fmt.Sprintf("%0*d", end-start, n) + template[end:]
		err := makeTemporary(c, name, o)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			if o.Has("quiet") {
				return 1, nil
			}
			return c.Complain(1, "failed to create file via template '%s': %s", template, command.ErrorText(err))
		}
		c.Say("%s", name)
		return 0, nil
	}
	return c.Complain(1, "failed to create file via template '%s'", template)
}

func makeTemporary(c *command.Call, name string, o command.Options) error {
	p := c.Path(name)
	if _, err := c.FS.Lstat(p); err == nil {
		return fs.ErrExist
	}
	switch {
	case o.Has("dry-run"):
		return nil
	case o.Has("directory"):
		return c.FS.Mkdir(p, 0o700)
	}
	return c.FS.WriteFile(p, nil, 0o600)
}

// Tempfile is tempfile(1).
func Tempfile(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("directory,d= prefix,p= suffix,s= mode,m= name,n=")
	if err != nil {
		return 0, err
	}
	if o.Has("name") {
		return 0, c.Unhonoured("the option --name is not known")
	}
	made := command.Options{Given: map[string][]string{}}
	return temporary(c, command.Joined(o.Value("directory", tmpDir(c)), o.Value("prefix", "file")+"XXXXXX"+o.Value("suffix", "")), made)
}
