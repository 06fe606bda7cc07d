package toolbox_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/toolbox/toolboxtest"
)

// What is not carried out leaves a note: with its kind, and what it was about.
func TestWhatIsNotDoneIsNoted(t *testing.T) {
	type row struct {
		call, kind, subject string
		status              int
	}
	rows := []row{
		{"sync", "sync", "", 0},
		{"sleep 5", "sleep", "5", 0},
		{"tput bold", "tput", "bold", 0},
		{"clear", "clear", "", 0},
		{"chattr +C /var/log/journal", "chattr", "+C /var/log/journal", 0},
		{"systemd-sysctl --prefix=net", "systemd-sysctl", "--prefix=net", 0},
		{"logger -t x a word", "log", "a word", 0},
		{"systemctl daemon-reload", "daemon-reload", "", 0},
		{"systemctl restart cron", "restart", "cron.service", 0},
		{"invoke-rc.d cron start", "start", "cron", 0},
		{"service cron restart", "restart", "cron", 0},
		{"deb-systemd-invoke restart cron.service ssh.service", "restart", "cron.service ssh.service", 0},
		{"deb-systemd-invoke daemon-reload", "daemon-reload", "", 0},
		{"ssh-keygen -A", "host-key", "/etc/ssh/ssh_host_*_key", 0},
		{"systemd-machine-id-setup", "machine-id", "/etc/machine-id", 0},
		{"kill -HUP 12", "kill", "-HUP 12", 1},
		{"killall cron", "killall", "cron", 1},
		{"dbus-send --system x", "dbus-send", "--system x", 1},
		{"busctl call x", "busctl", "call x", 1},
	}
	for _, c := range toolbox.DebianCommands() {
		if c.Treatment == toolbox.Record && c.Name != "ssh-keygen" { // which looks at its arguments

			rows = append(rows, row{c.Name + " a b", c.Name, "a b", 0})
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
		if err != nil || status != row.status {
			t.Errorf("%s: status %d, %v %s", row.call, status, err, out)
			continue
		}
		if n := s.Machine.Notes; len(n) != 1 || n[0].Kind != row.kind || n[0].Subject != row.subject {
			t.Errorf("%s leaves %+v, want the kind %q and the subject %q", row.call, n, row.kind, row.subject)
		}
	}
}
