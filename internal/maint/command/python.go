package command

import (
	"context"
	"slices"
	"strings"
)

// twistedPlugins makes Twisted list its plugins, so that it writes the list down; it
// does without.
const twistedPlugins = "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))"

// Py3versions is py3versions(1) -i: the versions of Python that are there.
func Py3versions(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "installed,i")
	if err != nil {
		return 1, err
	}
	if !o.has("installed") || len(o.rest) > 0 {
		return 1, unhonoured(c, "only -i is known")
	}
	var names []string
	for _, p := range c.FS.Glob("/usr/bin/python3.[0-9]*") {
		if !strings.Contains(p, "-") {
			names = append(names, baseName(p))
		}
	}
	say(c, "%s", strings.Join(names, " "))
	return 0, nil
}

// Python is python3: the one thing that it is called for and that has no effect
// wanted here is to make byte code.
func Python(_ context.Context, c *Call) (int, error) {
	compiles := func(a string) bool {
		return a == "py_compile" || a == "compileall" || strings.HasSuffix(a, "/py_compile.py") || strings.HasSuffix(a, "/compileall.py")
	}
	if slices.ContainsFunc(c.Args, compiles) {
		note(c, "byte-code", "")
		return 0, nil
	}
	if slices.Equal(c.Args, []string{"-c", twistedPlugins}) {
		note(c, "cache", "twisted's list of plugins")
		return 0, nil
	}
	return 0, unhonoured(c, "programs in Python are not interpreted")
}

// Locale is locale(1) without arguments, and its charmap.
func Locale(_ context.Context, c *Call) (int, error) {
	switch {
	case len(c.Args) == 1 && c.Args[0] == "charmap":
		text := "ANSI_X3.4-1968"
		if name := c.localeOf("LC_CTYPE"); strings.HasSuffix(name, "UTF-8") || strings.HasSuffix(name, "utf8") {
			text = "UTF-8"
		}
		say(c, "%s", text)
		return 0, nil
	case len(c.Args) > 0:
		return 0, unhonoured(c, "it is not one of the uses that kiln knows")
	}
	say(c, "LANG=%s\nLANGUAGE=%s", c.Env["LANG"], c.Env["LANGUAGE"])
	for name := range strings.FieldsSeq("CTYPE NUMERIC TIME COLLATE MONETARY MESSAGES PAPER NAME ADDRESS TELEPHONE MEASUREMENT IDENTIFICATION") {
		name = "LC_" + name
		if c.Env["LC_ALL"] == "" && c.Env[name] != "" {
			say(c, "%s=%s", name, c.Env[name])
		} else {
			say(c, "%s=\"%s\"", name, c.localeOf(name))
		}
	}
	say(c, "LC_ALL=%s", c.Env["LC_ALL"])
	return 0, nil
}

// localeOf returns the locale that holds for a category (locale(7)).
func (c *Call) localeOf(category string) string {
	for _, name := range []string{"LC_ALL", category, "LANG"} {
		if v := c.Env[name]; v != "" {
			return v
		}
	}
	return "POSIX"
}
