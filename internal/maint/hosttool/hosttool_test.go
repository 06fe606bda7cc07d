package hosttool_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestAnswersFromTheTree(t *testing.T) {
	for _, row := range []struct {
		args, want string
		status     int
	}{
		{"getent passwd app", "app:x:100:101:App:/srv:/bin/sh\n", 0},
		{"getent passwd 100", "app:x:100:101:App:/srv:/bin/sh\n", 0},
		{"getent passwd 7up", "7up:x:50:50::/:/bin/sh\n", 0},
		{"getent passwd nobody", "", 2},
		{"getent group adm root", "adm:x:4:app,root\nroot:x:0:\n", 0},
		{"getent group 4", "adm:x:4:app,root\n", 0},
		{"getent shadow", "root:*:1:0:99999:7:::\n", 0},
		{"id -u", "0\n", 0}, {"id -u app", "100\n", 0}, {"id -gn app", "app\n", 0}, {"id -G app", "101 4\n", 0}, {"id -Gn app", "app adm\n", 0}, {"id -u nobody", "", 1},
		{"id app", "uid=100(app) gid=101(app) groups=101(app),4(adm)\n", 0},
		{"groups app", "app adm\n", 0}, {"whoami", "root\n", 0},
		{"stat -c %U:%G:%a /d/f", "root:root:644\n", 0},
		{"uname -m", "x86_64\n", 0}, {"uname", "Linux\n", 0}, {"uname -sr", "Linux 6.12.0\n", 0}, {"arch", "x86_64\n", 0},
		{"hostname", "localhost\n", 0}, {"nproc", "1\n", 0}, {"date -u +%F", "2024-10-04\n", 0},
		{"pgrep x", "", 1}, {"flock -w 10 9", "", 0}, {"flock x", "", 64}, {"pidof x", "", 1}, {"kill 1", "", 1}, {"sleep 100", "", 0},
		{"df --output=avail /", "    Avail\n104857600\n", 0},
		{"find /d -user app", "", 0}, {"find /d -nouser", "", 0}, {"find /d -group root -type f", "/d/e/g\n/d/f\n", 0},
		{"iconv -f UTF-8 -t ASCII//TRANSLIT /d/f", "x", 0}, {"lsmod", "", 0},
		{"locale charmap", "ANSI_X3.4-1968\n", 0},
	} {
		s := toolboxtest.Tools(t)
		args := strings.Fields(row.args)
		if out, status, err := s.Tool(args[0], args[1:]...); err != nil || out != row.want || status != row.status {
			t.Errorf("%s: %q, %d, %v; want %q, %d", row.args, out, status, err, row.want, row.status)
		}
	}
}

func TestRunuserOwnsWhatItMakes(t *testing.T) {
	for _, args := range [][]string{{"runuser", "-u", "app", "--", "x"}, {"su", "app", "-s", "/bin/sh", "-c", "x"}, {"su", "-", "app", "-c", "x"}, {"setpriv", "--reuid", "app", "--regid", "app", "--init-groups", "x"}} {
		s := toolboxtest.Tools(t)
		c := &command.Call{Name: args[0], Args: args[1:], Stdout: io.Discard, Stderr: io.Discard, Dir: "/", FS: s.FS, Machine: s.Machine}
		c.Exec = func(context.Context, []string, io.Reader, io.Writer, io.Writer) (int, error) {
			return 0, s.FS.WriteFile("/made", nil, 0o644)
		}
		status, err := toolbox.ShellTools()[args[0]](context.Background(), c)
		if err != nil || status != 0 {
			t.Fatalf("%v: %d, %v", args, status, err)
		}
		toolboxtest.Must(t, s.FS.WriteFile("/after", nil, 0o644))
		if got, after := toolboxtest.Owner(t, s.FS, "/made"), toolboxtest.Owner(t, s.FS, "/after"); got != [3]int{100, 101, 0o644} || after != [3]int{0, 0, 0o644} {
			t.Errorf("%v: %v, afterwards %v", args, got, after)
		}
	}
}
