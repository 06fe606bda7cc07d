package toolbox_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/hosttool"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestServerQuestions(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/etc/bind/": "", "/tmp/exim.conf": "x"})
	s.OK("start-stop-daemon --stop --oknodo --quiet --name sendmail")
	s.Fails("start-stop-daemon --stop --name sendmail", 1)
	s.Fails("start-stop-daemon --status --name sendmail", 3)
	s.OK("start-stop-daemon --start --exec /usr/sbin/x -- --option-of-x")
	s.Refuses("start-stop-daemon --no-such-option", "not known")
	s.OK("rndc-confgen -a")
	s.Is("/etc/bind/rndc.key", "")
	if n := s.Machine.Notes; len(n) != 2 || n[0].Kind != "start" || n[1].Kind != "secret" || n[1].Subject != "/etc/bind/rndc.key" {
		t.Errorf("the notes are %+v", n)
	}
	s.Refuses("rndc-confgen -k name", "not known")
	s.OK("exim4 -C /tmp/exim.conf -bV")
	s.Fails("exim4 -C /no/such -bV", 1)
	s.Refuses("exim4 -bd", "only the check")
	s.OK("apache2 -t")
	s.Refuses("apache2 -V", "only the check")
	s.OK("smartctl -V")
	s.Refuses("smartctl -a /dev/sda", "disks")
	s.OK("smartctl -B /tmp/exim.conf -P showall")
	s.OK("update-inetd --disable dict")
	s.Refuses("update-inetd --enable dict", "inetd.conf")
	toolboxtest.Must(t, s.FS.MkdirAll("/usr/bin", 0o755))
	toolboxtest.Must(t, s.FS.WriteFile("/usr/bin/python3.13", nil, 0o755))
	toolboxtest.Must(t, s.FS.WriteFile("/usr/bin/python3.13-config", nil, 0o755))
	if out := s.OK("py3versions -i"); out != "python3.13\n" {
		t.Errorf("the versions are %q", out)
	}
	s.Refuses("py3versions -s", "not known")
	run := &command.Call{Name: "flock", Args: []string{"/tmp/lock", "true", "x"}, Dir: "/", FS: s.FS, Machine: s.Machine}
	ran := ""
	run.Exec = func(_ context.Context, args []string, _ io.Reader, _, _ io.Writer) (int, error) {
		ran = strings.Join(args, " ")
		return 3, nil
	}
	if status, err := hosttool.Flock(context.Background(), run); status != 3 || err != nil || ran != "true x" {
		t.Errorf("flock: %d, %v, ran %q", status, err, ran)
	}
	s.Is("/tmp/lock", "")
	s.OK("apt-get indextargets --format $(CREATED_BY)")
	s.Refuses("apt-get install x", "lock")
	s.Fails("lpstat -h /run/cups/cups.sock -r", 1)
}
