package toolbox_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/toolbox/toolboxtest"
)

// What is not carried out leaves a note: with its kind, and what it was about.
func TestWhatIsNotDoneIsNoted(t *testing.T) {
	rows := []struct{ call, kind, subject string }{
		{"sync", "sync", ""},
		{"sleep 5", "sleep", "5"},
		{"tput bold", "tput", "bold"},
		{"clear", "clear", ""},
		{"chattr +C /var/log/journal", "chattr", "+C /var/log/journal"},
		{"systemd-sysctl --prefix=net", "systemd-sysctl", "--prefix=net"},
		{"logger -t x a word", "log", "a word"},
		{"systemctl daemon-reload", "daemon-reload", ""},
		{"systemctl restart cron", "restart", "cron.service"},
		{"invoke-rc.d cron start", "start", "cron"},
		{"service cron restart", "restart", "cron"},
		{"deb-systemd-invoke restart cron.service ssh.service", "restart", "cron.service ssh.service"},
		{"deb-systemd-invoke daemon-reload", "daemon-reload", ""},
		{"ssh-keygen -A", "host-key", "/etc/ssh/ssh_host_*_key"},
		{"systemd-machine-id-setup", "machine-id", "/etc/machine-id"},
	}
	for _, c := range toolbox.DebianCommands() {
		if c.Treatment == toolbox.Record && c.Name != "ssh-keygen" { // which looks at its arguments

			rows = append(rows, struct{ call, kind, subject string }{c.Name + " a b", c.Name, "a b"})
		}
	}
	for _, row := range rows {
		s := toolboxtest.New(t, map[string]string{"/etc/init.d/cron": "x", "/etc/": ""})
		words := strings.Fields(row.call)
		run := func() (int, string, error) { return s.CallWords(words...) }
		if toolbox.ShellTools()[words[0]] != nil {
			run = func() (int, string, error) {
				out, status, err := s.Tool(words[0], words[1:]...)
				return status, out, err
			}
		}
		status, out, err := run()
		if err != nil || status != 0 {
			t.Errorf("%s: status %d, %v %s", row.call, status, err, out)
			continue
		}
		if n := s.Machine.Notes; len(n) != 1 || n[0].Kind != row.kind || n[0].Subject != row.subject {
			t.Errorf("%s leaves %+v, want the kind %q and the subject %q", row.call, n, row.kind, row.subject)
		}
	}
}
