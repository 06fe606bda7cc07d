package servertool

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

var (
	lightyFile      = regexp.MustCompile(`^\d+-([\w.-]+)\.conf$`)
	lightyDepends   = regexp.MustCompile(`# -\*- depends: ([-\w, ]+) -\*-`)
	lightyConflicts = regexp.MustCompile(`# -\*- conflicts: ([-\w, ]+) -\*-`)
	lightyComma     = regexp.MustCompile(`,\s+`)
)

// LightyEnableMod is lighty-enable-mod(1): it links configurations of lighttpd, and
// those that they depend on.
func LightyEnableMod(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) == 0 {
		return 1, c.Unhonoured("without arguments it asks")
	}
	l := &lighty{Call: c, available: lightyFiles(c, "available"), enabled: lightyFiles(c, "enabled"), todo: o.Rest}
	status := 0
	for len(l.todo) > 0 {
		name := l.todo[0]
		l.todo = l.todo[1:]
		switch {
		case l.available[name] == "":
			c.Say("Ignoring unknown module: %s", name)
			status = 2
		case c.FS.IsFile("/etc/lighttpd/conf-enabled/" + l.available[name]):
			c.Say("already enabled")
			status = 2
		default:
			if problem, err := l.enable(name); err != nil || problem != "" {
				c.Say("%s", problem)
				return 1, err
			}
		}
	}
	c.Say(`Run "service lighttpd force-reload" to enable changes`)
	return status, nil
}

type lighty struct {
	*command.Call
	available, enabled map[string]string // name to file
	todo               []string
}

func lightyFiles(c *command.Call, folder string) map[string]string {
	all := map[string]string{}
	for _, p := range c.FS.Glob("/etc/lighttpd/conf-" + folder + "/*.conf") {
		if m := lightyFile.FindStringSubmatch(path.Base(p)); m != nil {
			all[m[1]] = path.Base(p)
		}
	}
	return all
}

// enable links one; problem is what the tool would say and stop.
func (l *lighty) enable(name string) (problem string, err error) {
	file := l.available[name]
	text, err := l.FS.ReadFile("/etc/lighttpd/conf-available/" + file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		for _, d := range lightyNames(lightyDepends, line) {
			switch {
			case l.available[d] == "":
				return "Unresolved dependency: " + d, nil
			case l.enabled[d] == "" && !slices.Contains(l.todo, d):
				l.Say("Met dependency: %s", d)
				l.todo = append(l.todo, d)
			}
		}
		for _, d := range lightyNames(lightyConflicts, line) {
			if l.enabled[d] != "" {
				return "Conflicting dependencies: " + name + " conflicts with " + d, nil
			}
		}
	}
	if err := l.FS.ReplaceLink("../conf-available/"+file, "/etc/lighttpd/conf-enabled/"+file); err != nil {
		return "", err
	}
	l.Say("Enabling %s: ok", name)
	l.enabled[name] = file
	return "", nil
}

func lightyNames(re *regexp.Regexp, line string) []string {
	if m := re.FindStringSubmatch(line); m != nil {
		return lightyComma.Split(m[1], -1)
	}
	return nil
}
