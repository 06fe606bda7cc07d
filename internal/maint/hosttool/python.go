package hosttool

import (
	"context"
	"path"
	"strings"

	"kiln/internal/maint/command"
)

// Python is python3: the one thing that it is called for and that has no effect
// wanted here is to make byte code.
func Python(_ context.Context, c *command.Call) (int, error) {
	if program := pythonProgram(c.Args); program == "py_compile" || program == "compileall" {
		c.Note("byte-code", "")
		return 0, nil
	}
	return 0, c.Unhonoured("programs in Python are not interpreted")
}

// pythonProgram returns the module of Python's library that is to run, by -m or by
// its file; "" where it is none of them.
func pythonProgram(args []string) string {
	for i := 0; i < len(args); i++ {
		flags, isOption := strings.CutPrefix(args[i], "-")
		switch {
		case !isOption:
			dir, file := path.Split(args[i])
			module, isModule := strings.CutSuffix(file, ".py")
			if isModule && strings.HasPrefix(dir, "/usr/lib/python3") {
				return module
			}
			return ""
		case flags == "m" && i+1 < len(args):
			return args[i+1]
		case flags == "W" || flags == "X":
			i++ // the option's value
		case flags == "" || strings.Trim(flags, "BEIObdqsSuv") != "":
			return ""
		}
	}
	return ""
}

// Locale is locale(1) without arguments, and its charmap.
func Locale(_ context.Context, c *command.Call) (int, error) {
	switch {
	case len(c.Args) == 1 && c.Args[0] == "charmap":
		text := "ANSI_X3.4-1968"
		if name := localeOf(c, "LC_CTYPE"); strings.HasSuffix(name, "UTF-8") || strings.HasSuffix(name, "utf8") {
			text = "UTF-8"
		}
		c.Say("%s", text)
		return 0, nil
	case len(c.Args) > 0:
		return 0, c.Unhonoured("it is not one of the uses that kiln knows")
	}
	c.Say("LANG=%s\nLANGUAGE=%s", c.Env["LANG"], c.Env["LANGUAGE"])
	for name := range strings.FieldsSeq("CTYPE NUMERIC TIME COLLATE MONETARY MESSAGES PAPER NAME ADDRESS TELEPHONE MEASUREMENT IDENTIFICATION") {
		name = "LC_" + name
		if c.Env["LC_ALL"] == "" && c.Env[name] != "" {
			c.Say("%s=%s", name, c.Env[name])
		} else {
			c.Say("%s=\"%s\"", name, localeOf(c, name))
		}
	}
	c.Say("LC_ALL=%s", c.Env["LC_ALL"])
	return 0, nil
}

// localeOf returns the locale that holds for a category (locale(7)).
func localeOf(c *command.Call, category string) string {
	for _, name := range []string{"LC_ALL", category, "LANG"} {
		if v := c.Env[name]; v != "" {
			return v
		}
	}
	return "POSIX"
}
