package servertool

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"kiln/internal/maint/command"
)

// PgConftool is pg_conftool(1) show, of a file that is named in full.
func PgConftool(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("boolean,b short,s verbose,v")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) != 3 || !strings.HasPrefix(o.Rest[0], "/") || o.Rest[1] != "show" && o.Rest[1] != "get" || o.Rest[2] == "all" {
		return 0, c.Unhonoured("only to show one setting of a file is known")
	}
	file, key := o.Rest[0], o.Rest[2]
	settings := map[string]string{}
	if status, err := pgSettings(c, settings, file, false, 0); status != 0 || err != nil {
		return status, err
	}
	value, found := settings[key]
	if !found {
		if o.Has("verbose") {
			c.Say("# %s not found in %s", key, file)
		}
		return 1, nil
	}
	if o.Has("boolean") {
		value = map[bool]string{true: "on", false: "off"}[pgTrue.MatchString(value)]
	}
	if !o.Has("short") {
		value = key + " = " + pgQuote(value)
	}
	c.Say("%s", value)
	return 0, nil
}

// As in PgCommon.pm, read_conf_file and what it uses.
var (
	pgNothing = regexp.MustCompile(`^\s*(?:#.*)?$`)
	pgInclude = regexp.MustCompile(`(?i)^\s*include(_dir|_if_exists)?\s*=?\s*'([^']+)'\s*(?:#.*)?$`)
	pgString  = regexp.MustCompile(`^\s*([a-zA-Z0-9_.-]+)\s*[=\s]\s*'((?:[^'\\]|''|\\.)*)'\s*(?:#.*)?$`)
	pgSimple  = regexp.MustCompile(`^\s*([a-zA-Z0-9_.-]+)\s*[=\s]\s*(-?[[:alnum:]][[:alnum:]._:/+-]*)\s*(?:#.*)?$`)
	pgEscaped = regexp.MustCompile(`\\(.)`)
	pgTrue    = regexp.MustCompile(`(?i)^(on|true|yes|1)$`)
	pgPlain   = regexp.MustCompile(`^(-?[\d.]+|\w+)$`)
)

// pgSettings reads a file and what it includes; of a setting made twice, the last counts.
func pgSettings(c *command.Call, into map[string]string, file string, missingOK bool, depth int) (int, error) {
	if depth > 10 {
		return 0, c.Unhonoured("%s is included too deeply", file)
	}
	text, err := c.FS.ReadFile(file)
	if err != nil && missingOK {
		return 0, nil
	} else if err != nil {
		fmt.Fprintf(c.Stderr, "Error: could not open %s\n", file)
		return 1, nil
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		number++
		if pgNothing.MatchString(line) {
			continue
		}
		if m := pgInclude.FindStringSubmatch(line); m != nil {
			optional := missingOK || strings.EqualFold(m[1], "_if_exists")
			for _, f := range pgIncluded(c, file, m[1], m[2]) {
				if status, err := pgSettings(c, into, f, optional, depth+1); status != 0 || err != nil {
					return status, err
				}
			}
			continue
		}
		key, value, ok := pgSetting(line)
		if !ok {
			fmt.Fprintf(c.Stderr, "Error: invalid line %d in %s: %s\n", number, file, line)
			return 1, nil
		}
		if strings.HasSuffix(file, ".conf") {
			key = strings.ToLower(key)
		}
		into[key] = value
	}
	return 0, nil
}

// pgIncluded lists the files that a line of file names.
func pgIncluded(c *command.Call, file, kind, name string) []string {
	if !strings.HasPrefix(name, "/") {
		name = path.Dir(file) + "/" + name
	}
	if strings.EqualFold(kind, "_dir") {
		return c.FS.Glob(name + "/*.conf")
	}
	return []string{name}
}

// pgSetting splits a line that makes a setting.
func pgSetting(line string) (key, value string, ok bool) {
	if m := pgString.FindStringSubmatch(line); m != nil {
		return m[1], strings.ReplaceAll(pgEscaped.ReplaceAllString(m[2], "$1"), "''", "'"), true
	}
	if m := pgSimple.FindStringSubmatch(line); m != nil {
		return m[1], m[2], true
	}
	return "", "", false
}

func pgQuote(value string) string {
	if pgPlain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}
