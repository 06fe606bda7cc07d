package pythontool

import (
	"context"
	"fmt"
	"strings"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/maint/debconf"
	"kiln/internal/maint/debconftool"
)

// listchangesHelper is the program by which apt-listchanges 4.8 turns debconf's
// answers into its configuration: debconf_helper.py.
const listchangesHelper kiln.Digest = "sha256:17a00fa8993b9de056fcad625af0598a3ca44aaed4f39e7189cfae8242fe04e5"

// lcQuestion is a question of apt-listchanges, in the order in which the program
// asks. skip says by the answers so far that it is passed over.
type lcQuestion struct {
	name, priority, kind string
	skip                 func(answers map[string]string) bool
	groups               bool // an answer that others depend on: they wait for it
}

func lcQuestions() []lcQuestion {
	return []lcQuestion{
		{"frontend", "medium", "text", nil, true},
		{"which", "medium", "text", nil, true},
		{"no-network", "high", "boolean", func(a map[string]string) bool { return a["which"] == "news" }, false},
		{"email-address", "low", "address", nil, true},
		{"email-format", "low", "text", func(a map[string]string) bool { return a["email-address"] == "" }, false},
		{"confirm", "low", "boolean", func(a map[string]string) bool { return a["frontend"] == "mail" }, false},
		{"headers", "low", "boolean", nil, false},
		{"reverse", "low", "boolean", nil, false},
		{"save-seen", "low", "database", nil, false},
	}
}

// Listchanges is debconf_helper.py config|postinst FILE VERSION at a first
// installation: config asks, postinst writes FILE.new.
func Listchanges(_ context.Context, c *command.Call) (int, error) {
	args := c.Args
	if len(args) < 3 || args[0] != "config" && args[0] != "postinst" {
		return c.Complain(1, "Usage: script postinst|config config_file mainscript_params")
	}
	action, file := args[0], c.Absolute(args[1])
	if version := args[len(args)-1]; c.FS.Present(file) || version != "" && version != "configure" {
		return 1, c.Unhonoured("%s is there already: only a first installation is known", file)
	}
	s, err := debconftool.Open(c.Machine, c.FS)
	if err != nil {
		return 1, c.Unhonoured("%v", err)
	}
	if s.Session == nil {
		s.Owner = c.Machine.Package
		s.Session = s.DB.Session(s.Owner)
	}
	l := lcTalk{session: s.Session, answers: map[string]string{}}
	if action == "config" {
		return l.ask(c)
	}
	text, status, err := l.write(c)
	if status != 0 || err != nil {
		return status, err
	}
	return 0, c.FS.Rewrite(file+".new", []byte(text), 0o644)
}

type lcTalk struct {
	session *debconf.Session
	answers map[string]string
}

// get takes the answer to a question.
func (l *lcTalk) get(c *command.Call, q lcQuestion) (string, int) {
	r := l.session.Do("GET", "apt-listchanges/"+q.name)
	if r.Status != debconf.Success {
		status, _ := c.Complain(1, "debconf.DebconfError: %s", r.Text)
		return "", status
	}
	l.answers[q.name] = r.Text
	return r.Text, 0
}

// done: without a front end there is nothing more to ask.
func (l *lcTalk) done() bool { return l.answers["frontend"] == "none" }

func (l *lcTalk) ask(c *command.Call) (int, error) {
	for _, q := range lcQuestions() {
		if q.skip != nil && q.skip(l.answers) {
			continue
		}
		l.session.Do("INPUT", q.priority, "apt-listchanges/"+q.name)
		if !q.groups {
			continue
		}
		l.session.Do("GO")
		if _, status := l.get(c, q); status != 0 || l.done() {
			return status, nil
		}
	}
	l.session.Do("GO")
	return 0, nil
}

// write returns the configuration.
func (l *lcTalk) write(c *command.Call) (text string, status int, err error) {
	text = "[apt]\n"
	for _, q := range lcQuestions() {
		if q.skip != nil && q.skip(l.answers) {
			continue
		}
		value, status := l.get(c, q)
		if status != 0 {
			return "", status, nil
		}
		switch yes := value == "true"; {
		case q.kind == "boolean":
			value = fmt.Sprint(yes)
		case q.kind == "database" && yes:
			value = "/var/lib/apt/listchanges"
		case q.kind == "database", q.kind == "address" && value == "":
			value = "none"
		}
		if strings.Contains(value, "%") {
			return "", 1, c.Unhonoured("the answer %q has a per cent sign, which has a meaning in the configuration", value)
		}
		text += strings.ReplaceAll(q.name, "-", "_") + "=" + value + "\n"
		if l.done() {
			break
		}
	}
	return text + "\n", 0, nil
}
