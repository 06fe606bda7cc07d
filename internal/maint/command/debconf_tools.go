package command

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"kiln/internal/maint/debconf"
)

// DebconfSetSelections is debconf-set-selections(1).
func DebconfSetSelections(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "verbose,v unseen,u checkonly,c")
	if err != nil {
		return 1, err
	}
	if o.has("unseen") {
		return 1, unhonoured(c, "answers that do not count have no use here")
	}
	var text []byte
	if len(o.rest) == 0 {
		text, err = io.ReadAll(c.Stdin)
	}
	for _, f := range o.rest {
		part, rerr := c.FS.ReadFile(absolute(c, f))
		if rerr != nil {
			return complain(c, 1, "can't open '%s'", f)
		}
		text = append(text, part...)
	}
	if err != nil || o.has("checkonly") {
		return 0, err
	}
	s, err := debconfOf(c.Machine, c.FS)
	if err != nil {
		return 1, unhonoured(c, "%v", err)
	}
	return selectAnswers(c, s, text)
}

func selectAnswers(c *Call, s *debconfState, text []byte) (int, error) {
	text = bytes.ReplaceAll(text, []byte("\\\n"), nil)
	for _, line := range nonEmptyLines(text) {
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		owner, rest := cutWord(line)
		question, rest := cutWord(rest)
		kind, value := cutWord(rest)
		if kind == "" {
			return complain(c, 1, "error: parse error on line: '%s'", line)
		}
		if kind == "seen" {
			s.db.Session(owner).Do("FSET", question, "seen", value)
			continue
		}
		s.db.Set(owner, question, kind, value)
	}
	return 0, nil
}

// DebconfShow is debconf-show(1).
func DebconfShow(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "listowners")
	if err != nil {
		return 1, err
	}
	s, err := debconfOf(c.Machine, c.FS)
	if err != nil {
		return 1, unhonoured(c, "%v", err)
	}
	if o.has("listowners") {
		var owners []string
		for _, q := range s.db.Questions() {
			owners = append(owners, s.db.Owners(q)...)
		}
		slices.Sort(owners)
		for _, owner := range slices.Compact(owners) {
			say(c, "%s", owner)
		}
		return 0, nil
	}
	for _, q := range s.db.Questions() {
		if !slices.ContainsFunc(o.rest, func(pkg string) bool { return slices.Contains(s.db.Owners(q), pkg) }) {
			continue
		}
		mark := " "
		if s.db.Seen(q) {
			mark = "*"
		}
		value, _ := s.db.Value(q)
		if s.db.Type(q) == "password" && value != "" {
			value = "(password omitted)"
		}
		say(c, "%s %s: %s", mark, q, value)
	}
	return 0, nil
}

// DebconfEscape is debconf-escape(1).
func DebconfEscape(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "escape,e unescape,u")
	if err != nil {
		return 1, err
	}
	text, err := io.ReadAll(c.Stdin)
	if err != nil {
		return 1, err
	}
	out := debconf.Escape(string(text))
	if o.has("unescape") {
		out = debconf.Unescape(string(text))
	}
	_, err = io.WriteString(c.Stdout, out)
	return 0, err
}
