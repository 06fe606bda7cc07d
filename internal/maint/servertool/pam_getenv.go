package servertool

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"kiln/internal/maint/command"
)

var pamQuoted = regexp.MustCompile(`^["'](.*?)["']?$`)

// PamGetenv is libpam-runtime's pam_getenv: the value of a variable in
// /etc/environment. The options -l and -s mean nothing, as there.
func PamGetenv(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("l s")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 0 {
		fmt.Fprintln(c.Stderr, "Usage: pam_getenv [-l] [-s] env_var")
		return 255, nil
	}
	const config = "/etc/security/pam_env.conf"
	text, err := c.FS.ReadFile(config)
	if err != nil {
		return c.Complain(2, "Cannot open environment file: %s", command.ErrorText(err))
	}
	if len(pamLines(text)) > 0 {
		return 0, c.Unhonoured("%s sets variables, and its language is not known", config)
	}
	if text, err = c.FS.ReadIfThere("/etc/environment"); err != nil {
		return 0, err
	}
	found, value := false, ""
	for _, line := range pamLines(text) {
		name, v, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if ok && v != "" && name == o.Rest[0] {
			found, value = true, pamQuoted.ReplaceAllString(v, "$1")
		}
	}
	if found {
		c.Say("%s", value)
	}
	return 0, nil
}

// pamLines are the lines that hold something: without comments, those that end in a
// backslash joined with the next.
func pamLines(text []byte) []string {
	var all []string
	open := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), " \t\r\f")
		line, _, _ = strings.Cut(line, "#")
		if line == "" {
			continue
		}
		if rest, more := strings.CutSuffix(strings.TrimRight(line, " \t"), `\`); more {
			open += rest
			continue
		}
		all = append(all, open+line)
		open = ""
	}
	if open != "" {
		all = append(all, open)
	}
	return all
}
