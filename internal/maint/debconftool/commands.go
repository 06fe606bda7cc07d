package debconftool

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/debconf"
)

// DebconfSetSelections is debconf-set-selections(1).
func DebconfSetSelections(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("verbose,v unseen,u checkonly,c")
	if err != nil {
		return 1, err
	}
	if o.Has("unseen") {
		return 1, c.Unhonoured("answers that do not count have no use here")
	}
	var text []byte
	if len(o.Rest) == 0 {
		text, err = io.ReadAll(c.Stdin)
	}
	for _, f := range o.Rest {
		part, rerr := c.FS.ReadFile(c.Absolute(f))
		if rerr != nil {
			return c.Complain(1, "can't open '%s'", f)
		}
		text = append(text, part...)
	}
	if err != nil || o.Has("checkonly") {
		return 0, err
	}
	s, err := Open(c.Machine, c.FS)
	if err != nil {
		return 1, c.Unhonoured("%v", err)
	}
	return selectAnswers(c, s, text)
}

func selectAnswers(c *command.Call, s *command.Debconf, text []byte) (int, error) {
	text = bytes.ReplaceAll(text, []byte("\\\n"), nil)
	for _, line := range command.NonEmptyLines(text) {
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		owner, rest := command.CutWord(line)
		question, rest := command.CutWord(rest)
		kind, value := command.CutWord(rest)
		if kind == "" {
			return c.Complain(1, "error: parse error on line: '%s'", line)
		}
		if kind == "seen" {
			s.DB.Session(owner).Do("FSET", question, "seen", value)
			continue
		}
		s.DB.Set(owner, question, kind, value)
	}
	return 0, nil
}

// DebconfShow is debconf-show(1).
func DebconfShow(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("listowners")
	if err != nil {
		return 1, err
	}
	s, err := Open(c.Machine, c.FS)
	if err != nil {
		return 1, c.Unhonoured("%v", err)
	}
	if o.Has("listowners") {
		var owners []string
		for _, q := range s.DB.Questions() {
			owners = append(owners, s.DB.Owners(q)...)
		}
		slices.Sort(owners)
		for _, owner := range slices.Compact(owners) {
			c.Say("%s", owner)
		}
		return 0, nil
	}
	for _, q := range s.DB.Questions() {
		if !slices.ContainsFunc(o.Rest, func(pkg string) bool { return slices.Contains(s.DB.Owners(q), pkg) }) {
			continue
		}
		mark := " "
		if s.DB.Seen(q) {
			mark = "*"
		}
		value, _ := s.DB.Value(q)
		if s.DB.Type(q) == "password" && value != "" {
			value = "(password omitted)"
		}
		c.Say("%s %s: %s", mark, q, value)
	}
	return 0, nil
}

// DebconfEscape is debconf-escape(1).
func DebconfEscape(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("escape,e unescape,u")
	if err != nil {
		return 1, err
	}
	text, err := io.ReadAll(c.Stdin)
	if err != nil {
		return 1, err
	}
	out := debconf.Escape(string(text))
	if o.Has("unescape") {
		out = debconf.Unescape(string(text))
	}
	_, err = io.WriteString(c.Stdout, out)
	return 0, err
}
