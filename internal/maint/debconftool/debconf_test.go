package debconftool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/debconftool"
	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestDebconf(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/var/lib/dpkg/info/app.templates": "Template: app/port\nType: string\nDefault: 80\nDescription: Port\n\nTemplate: app/sure\nType: boolean\nDefault: false\nDescription: Sure\n",
		"/var/lib/dpkg/info/app.config":    "#!/bin/sh\n", "/usr/share/debconf/frontend": "", "/opt/more.templates": "Template: more/x\nType: note\nDescription: X\n",
	})
	s.Machine.Answers = map[string]string{"app/sure": "true"}
	if got := s.OK("_debconf_start configure 1.0"); got != "exec /var/lib/dpkg/info/app.config configure 1.0\n" {
		t.Errorf("starting runs %q", got)
	}
	for _, row := range []struct {
		line   string
		status int
		ret    string
	}{
		{"_debconf_talk GET app/port", 0, "80"}, {"_debconf_talk SET app/port 8080", 0, "value set"}, {"db_get app/port", 0, "8080"}, {"db_get app/none", 10, "app/none doesn't exist"},
		{"db_input high app/port", 30, "question skipped"}, {"db_go", 0, "ok"}, {"db_get app/sure", 0, "true"}, {"db_x_loadtemplatefile /opt/more.templates more", 0, ""},
		{"db_x_loadtemplatefile /opt/none.templates", 10, ""}, {"db_capb escape", 0, "multiselect escape"}, {"db_set app/port a\\nb", 0, "value set"}, {"db_get app/port", 0, "a\nb"},
		{"db_capb", 0, "multiselect escape"}, {"db_set app/port 8080", 0, "value set"}, {"db_stop", 0, ""},
	} {
		if status, out, err := s.Call(row.line); status != row.status || out != row.ret || err != nil {
			t.Errorf("%s: %d, %q, %v", row.line, status, out, err)
		}
	}
	toolboxtest.Must(t, debconftool.Finish(s.Machine, s.FS))
	if got := s.File("/var/cache/debconf/config.dat"); !strings.Contains(got, "Name: app/port\nTemplate: app/port\nValue: 8080\nOwners: app\n") {
		t.Errorf("config.dat is\n%s", got)
	}
	if i, err := s.FS.Stat("/var/cache/debconf/passwords.dat"); err != nil || i.Perm() != 0o600 {
		t.Errorf("passwords.dat is %v, %v", i.Entry, err)
	}
	s.Stdin = "# comment\nsome some/new string a \\\nb\nsome some/new seen false\n"
	s.OK("debconf-set-selections")
	if got := s.OK("debconf-show some"); got != "  some/new: a b\n" {
		t.Errorf("it shows %q", got)
	}
}

// The stand-in for confmodule has every function of the original.
func TestConfmodule(t *testing.T) {
	for _, c := range toolbox.DebianCommands() {
		if strings.HasPrefix(c.Name, "db_") && !strings.Contains(debconftool.Confmodule, "\n"+c.Name+" () {") {
			t.Errorf("confmodule has no %s", c.Name)
		}
	}
}
