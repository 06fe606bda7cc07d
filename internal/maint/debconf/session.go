package debconf

import (
	"fmt"
	"slices"
	"strings"
)

// The statuses of the protocol, as debconf-devel(7) numbers them.
const (
	Success   = 0
	Escaped   = 1 // the text is escaped, as the capability "escape" asks for
	BadParam  = 10
	Internal  = 15
	Syntax    = 20
	Invisible = 30 // a question was not shown; a version does not match
)

// Session is one script's talk with debconf.
type Session struct {
	MarkSeen bool   // a question that nobody is asked counts as asked when the talk ends (DEBCONF_NONINTERACTIVE_SEEN)
	Priority string // of questions that would be asked, if it is not that of debconf/priority (DEBIAN_PRIORITY)

	db     *DB
	owner  string
	escape bool
	asked  []asked  // by INPUT, and not yet by GO
	seen   []string // by GO, and not marked yet
}

// asked is a question that is to be asked. It counts as seen where somebody who is
// asked anything would be asked it.
type asked struct {
	name string
	seen bool
}

// Session starts a talk in the name of a package: "locales", "libc6:amd64".
func (db *DB) Session(owner string) *Session { return &Session{db: db, owner: owner} }

// End ends the talk. What was asked in it counts as seen from now on, and not
// before.
func (s *Session) End() {
	for _, name := range s.seen {
		if q, ok := s.db.config[name]; ok {
			q.flags["seen"] = "true"
			s.db.changed = true
		}
	}
	s.seen = nil
}

// Reply is what a command answers.
type Reply struct {
	Status int
	Text   string
}

func bad(format string, args ...any) Reply   { return Reply{BadParam, fmt.Sprintf(format, args...)} }
func wrong(format string, args ...any) Reply { return Reply{Syntax, fmt.Sprintf(format, args...)} }

// verb is a command of the protocol. Its number of arguments is from least to
// most; -1 means any number. known is set where the argument at that place, from
// 1, names a question that must exist.
type verb struct {
	name        string
	least, most int
	known       int
	run         func(*Session, []string) Reply
}

func verbs() []verb {
	return []verb{
		{"version", 0, 1, 0, (*Session).version},
		{"capb", 0, -1, 0, (*Session).capb},
		{"title", 0, -1, 0, done},
		{"settitle", 1, 1, 1, done},
		{"beginblock", 0, -1, 0, done},
		{"endblock", 0, -1, 0, done},
		{"input", 2, 2, 2, (*Session).input},
		{"go", 0, 0, 0, (*Session).advance},
		{"clear", 0, 0, 0, (*Session).clear},
		{"get", 1, 1, 1, (*Session).get},
		{"set", 1, -1, 1, (*Session).set},
		{"reset", 1, 1, 1, (*Session).reset},
		{"subst", 2, -1, 1, (*Session).subst},
		{"register", 2, 2, 0, (*Session).register},
		{"unregister", 1, 1, 1, (*Session).unregister},
		{"purge", 0, 0, 0, (*Session).purge},
		{"metaget", 2, 2, 1, (*Session).metaget},
		{"fget", 2, 2, 1, (*Session).fget},
		{"fset", 3, -1, 1, (*Session).fset},
		{"info", 0, 1, 1, done},
		{"progress", 1, -1, 0, func(*Session, []string) Reply { return Reply{Success, "OK"} }},
		{"exist", 1, 1, 0, (*Session).exist},
		{"visible", 2, 2, 2, func(*Session, []string) Reply { return Reply{Success, "false"} }},
		{"data", 3, -1, 0, (*Session).data},
		{"stop", 0, 0, 0, done},
	}
}

func done(*Session, []string) Reply { return Reply{} }

// Do carries out one command. Its name is in any case. A reply has one line.
func (s *Session) Do(command string, args ...string) Reply {
	r := s.do(command, args)
	r.Text, _, _ = strings.Cut(r.Text, "\n")
	return r
}

func (s *Session) do(command string, args []string) Reply {
	all := verbs()
	i := slices.IndexFunc(all, func(v verb) bool { return strings.EqualFold(v.name, command) })
	if i < 0 {
		return wrong("Unsupported command %q received from confmodule.", strings.ToLower(command))
	}
	v := all[i]
	if len(args) < v.least || v.most >= 0 && len(args) > v.most {
		return wrong("Incorrect number of arguments")
	}
	if v.known > 0 && v.known <= len(args) {
		if q := args[v.known-1]; s.db.config[q] == nil {
			return bad("%s doesn't exist", q)
		}
	}
	return v.run(s, args)
}

// Line carries out one line of the protocol and returns the line to answer with,
// without its end. STOP answers nothing.
func (s *Session) Line(line string) string {
	words := strings.Fields(line)
	if s.escape {
		words = splitEscaped(line)
	}
	if len(words) == 0 {
		return fmt.Sprintf("%d Bad line %q received from confmodule.", Syntax, line)
	}
	if strings.EqualFold(words[0], "stop") {
		return ""
	}
	r := s.Do(words[0], words[1:]...)
	return strings.TrimSuffix(fmt.Sprintf("%d %s", r.Status, r.Text), " ")
}

// splitEscaped splits at white space; a backslash keeps the next character as it
// is, "\n" is a line end.
func splitEscaped(line string) []string {
	var words []string
	var word strings.Builder
	gap := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			i++
			if line[i] == 'n' {
				word.WriteByte('\n')
			} else {
				word.WriteByte(line[i])
			}
			gap = false
		case isSpace(c):
			if !gap {
				words = append(words, word.String())
				word.Reset()
			}
			gap = true
		default:
			word.WriteByte(c)
			gap = false
		}
	}
	if word.Len() > 0 {
		words = append(words, word.String())
	}
	return words
}

func (s *Session) answer(text string) Reply {
	if s.escape {
		return Reply{Escaped, Escape(text)}
	}
	return Reply{Success, text}
}

// Escape writes a text as the capability "escape" has it.
func Escape(text string) string { return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(text) }

// Unescape is the inverse of Escape.
func Unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		if text[i] == 'n' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
