package servertool

import (
	"context"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// Chronyd is chronyd(8) -p: it prints its configuration, without comments and with
// what other files bring (chrony.conf(5): include, confdir). Directives are believed,
// not checked.
func Chronyd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("p f=")
	if err != nil {
		return 0, err
	}
	if !o.Has("p") || len(o.Rest) > 0 {
		return 0, c.Unhonoured("no daemon runs in an image; only -p is known")
	}
	return chronyFile(c, o.Value("f", "/etc/chrony/chrony.conf"), 0)
}

func chronyFile(c *command.Call, file string, depth int) (int, error) {
	if depth > 10 { // conf.c, MAX_INCLUDE_LEVEL
		return c.Complain(1, "Maximum include level reached")
	}
	text, err := c.FS.ReadFile(c.Path(file))
	if err != nil {
		return c.Complain(1, "Could not open %s : %s", file, command.ErrorText(err))
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.ContainsRune("!;#%", rune(words[0][0])) {
			continue
		}
		var files []string
		switch strings.ToLower(words[0]) {
		case "include":
			if files = c.FS.Glob(strings.Join(words[1:], " ")); len(files) == 0 && !strings.ContainsAny(line, "*?[") {
				files = words[1:]
			}
		case "confdir":
			files = chronyFolders(c, words[1:])
		default:
			c.Say("%s", strings.Join(words, " "))
		}
		for _, f := range files {
			if status, err := chronyFile(c, f, depth+1); status != 0 || err != nil {
				return status, err
			}
		}
	}
	return 0, nil
}

// chronyFolders lists the *.conf files of folders by their name alone; of those with
// the same name, the first folder's counts.
func chronyFolders(c *command.Call, folders []string) []string {
	var files []string
	for _, dir := range folders {
		for _, f := range c.FS.Glob(dir + "/*.conf") {
			if !slices.ContainsFunc(files, func(have string) bool { return path.Base(have) == path.Base(f) }) {
				files = append(files, f)
			}
		}
	}
	slices.SortFunc(files, func(x, y string) int { return strings.Compare(path.Base(x), path.Base(y)) })
	return files
}
