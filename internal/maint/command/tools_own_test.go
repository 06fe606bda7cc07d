package command_test

import (
	"context"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
)

// toolSystem is a tree with accounts, for what an ordinary user's machine cannot
// show.
func toolSystem(t *testing.T) *system {
	t.Helper()
	return newSystem(t, map[string]string{
		"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\napp:x:100:101:App:/srv:/bin/sh\n7up:x:50:50::/:/bin/sh\n",
		"/etc/group":  "root:x:0:\nadm:x:4:app,root\napp:x:101:\n",
		"/etc/shadow": "root:*:1:0:99999:7:::\n",
		"/d/f":        "x", "/d/e/g": "y", "/d/l": "-> f", "/tmp/": "",
	})
}

// tool calls one command directly.
func (s *system) tool(name string, args ...string) (out string, status int, err error) {
	var b strings.Builder
	c := &command.Call{
		Name: name, Args: args, Stdin: strings.NewReader(s.stdin), Stdout: &b, Stderr: io.Discard, Dir: "/", Umask: 0o022,
		Env: map[string]string{"PATH": "/usr/bin"}, FS: s.fs, Machine: s.machine,
	}
	c.Exec = func(context.Context, []string, io.Reader, io.Writer, io.Writer) (int, error) { return 0, nil }
	status, err = command.ShellTools()[name](context.Background(), c)
	return b.String(), status, err
}

func owner(t *testing.T, f *vfs.FS, path string) [3]int {
	t.Helper()
	i, err := f.Lstat(path)
	must(t, err)
	return [3]int{i.UID, i.GID, int(i.Perm())}
}

func TestOwnersByTheTreesAccounts(t *testing.T) {
	for _, row := range []struct {
		args string
		path string
		want [3]int
	}{
		{"chown app /d/f", "/d/f", [3]int{100, 0, 0o644}},
		{"chown app: /d/f", "/d/f", [3]int{100, 101, 0o644}},
		{"chown app:adm /d/f", "/d/f", [3]int{100, 4, 0o644}},
		{"chown :adm /d/f", "/d/f", [3]int{0, 4, 0o644}},
		{"chown app.adm /d/f", "/d/f", [3]int{100, 4, 0o644}},
		{"chown 12:34 /d/f", "/d/f", [3]int{12, 34, 0o644}},
		{"chown +100 /d/f", "/d/f", [3]int{100, 0, 0o644}},
		{"chgrp adm /d/f", "/d/f", [3]int{0, 4, 0o644}},
		{"chown app /d/l", "/d/f", [3]int{100, 0, 0o644}},
		{"chown -h app /d/l", "/d/l", [3]int{100, 0, 0o777}},
		{"chown -h app /d/l", "/d/f", [3]int{0, 0, 0o644}},
		{"chown -R app /d", "/d/e/g", [3]int{100, 0, 0o644}},
		{"chown -R app /d", "/d/l", [3]int{100, 0, 0o777}},
		{"chown --from=app root:adm /d/f", "/d/f", [3]int{0, 0, 0o644}},
		{"chown --from=root app /d/f", "/d/f", [3]int{100, 0, 0o644}},
		{"chown --reference=/d/e app /d/f", "/d/f", [3]int{0, 0, 0o644}},
		{"install -o app -g adm -m 4750 /d/f /d/n", "/d/n", [3]int{100, 4, 0o4750}},
		{"install -d -o app -g adm -m 2750 /n/m", "/n/m", [3]int{100, 4, 0o2750}},
		{"install -d -o app /n/m", "/n", [3]int{0, 0, 0o755}},
	} {
		s := toolSystem(t)
		args := strings.Fields(row.args)
		if _, status, err := s.tool(args[0], args[1:]...); err != nil || status != 0 && !strings.Contains(row.args, "reference") {
			t.Errorf("%s: status %d, %v", row.args, status, err)
		}
		if got := owner(t, s.fs, row.path); got != row.want {
			t.Errorf("%s: %s has %v, want %v", row.args, row.path, got, row.want)
		}
	}
}

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
		{"pgrep x", "", 1}, {"pidof x", "", 1}, {"mountpoint /proc", "/proc is a mountpoint\n", 0}, {"mountpoint -q /srv", "", 32}, {"flock -w 10 9", "", 0}, {"flock x", "", 64}, {"kill 1", "", 1}, {"sleep 100", "", 0},
		{"df --output=avail /", "    Avail\n104857600\n", 0},
		{"find /d -user app", "", 0}, {"find /d -nouser", "", 0}, {"find /d -group root -type f", "/d/e/g\n/d/f\n", 0},
		{"iconv -f UTF-8 -t ASCII//TRANSLIT /d/f", "x", 0}, {"lsmod", "", 0},
		{"locale charmap", "ANSI_X3.4-1968\n", 0},
	} {
		s := toolSystem(t)
		args := strings.Fields(row.args)
		if out, status, err := s.tool(args[0], args[1:]...); err != nil || out != row.want || status != row.status {
			t.Errorf("%s: %q, %d, %v; want %q, %d", row.args, out, status, err, row.want, row.status)
		}
	}
}

func TestTemporaryNamesAreAlwaysTheSame(t *testing.T) {
	s := toolSystem(t)
	var names []string
	for _, args := range [][]string{nil, nil, {"-d"}, {"-p", "/d", "x.XXXX"}, {"--tmpdir", "y.XXX"}, {"-t", "z.XXXXXX"}, {"/d/f.XXXXXX.conf"}, {"-u"}} {
		out, status, err := s.tool("mktemp", args...)
		if err != nil || status != 0 {
			t.Fatalf("%v: %d, %v", args, status, err)
		}
		names = append(names, strings.TrimSpace(out))
	}
	want := "/tmp/tmp.0000000000 /tmp/tmp.0000000001 /tmp/tmp.0000000002 /d/x.0000 /tmp/y.000 /tmp/z.000000 /d/f.000000.conf /tmp/tmp.0000000003"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("names %s\nwant  %s", got, want)
	}
	if got := owner(t, s.fs, names[0]); got != [3]int{0, 0, 0o600} {
		t.Errorf("%v", got)
	}
}

// The values are those that setcap 2.66 wrote.
func TestSetcap(t *testing.T) {
	for text, want := range map[string]string{
		"cap_net_raw+ep":                 "0100000200200000000000000000000000000000",
		"cap_net_raw=ep":                 "0100000200200000000000000000000000000000",
		"cap_net_bind_service=+ep":       "0100000200040000000000000000000000000000",
		"cap_net_raw,cap_net_admin+p":    "0000000200300000000000000000000000000000",
		"cap_dac_override,cap_bpf=eip":   "0100000202000000020000008000000080000000",
		"cap_sys_ptrace,cap_sys_admin+i": "0000000200000000000028000000000000000000",
	} {
		s := toolSystem(t)
		if _, status, err := s.tool("setcap", text, "/d/f"); err != nil || status != 0 {
			t.Fatalf("%s: %d, %v", text, status, err)
		}
		x, err := s.fs.Xattrs("/d/f")
		must(t, err)
		if got := hex.EncodeToString([]byte(x["security.capability"])); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	s := toolSystem(t)
	for _, bad := range [][]string{{"cap_nothing+ep", "/d/f"}, {"cap_net_raw", "/d/f"}, {"cap_net_raw+ep", "/d"}, {"cap_net_raw+ep", "/no"}, {}} {
		if _, status, err := s.tool("setcap", bad...); err != nil || status == 0 {
			t.Errorf("%v: status %d, %v", bad, status, err)
		}
	}
	if _, status, _ := s.tool("setcap", "cap_net_raw,cap_chown=ep", "/d/f"); status != 0 {
		t.Error(status)
	}
	if out, _, _ := s.tool("getcap", "/d/f", "/d/e/g"); out != "/d/f cap_chown,cap_net_raw=ep\n" {
		t.Errorf("getcap: %q", out)
	}
}

func TestCopiesKeepWhatTheyShould(t *testing.T) {
	s := toolSystem(t)
	must(t, s.fs.Chown("/d/f", 100, 101))
	must(t, s.fs.Chmod("/d/f", 0o4750))
	must(t, s.fs.Setxattr("/d/f", "security.capability", "c"))
	must(t, s.fs.Chtimes("/d/f", 5))
	for _, row := range []struct {
		flags string
		want  [3]int
		time  int64
		xattr string
	}{
		{"-a", [3]int{100, 101, 0o4750}, 5, "c"}, {"-p", [3]int{100, 101, 0o4750}, 5, ""}, {"-f", [3]int{0, 0, 0o750}, 86400 * 20000, ""},
		{"--preserve=mode,timestamps", [3]int{0, 0, 0o4750}, 5, ""},
	} {
		if _, status, err := s.tool("cp", row.flags, "/d/f", "/n"); status != 0 || err != nil {
			t.Fatal(status, err)
		}
		i, err := s.fs.Stat("/n")
		must(t, err)
		if got := owner(t, s.fs, "/n"); got != row.want || int64(i.Epoch()) != row.time || i.Xattrs["security.capability"] != row.xattr {
			t.Errorf("cp %s: %v @%d %v, want %v @%d %q", row.flags, got, i.Epoch(), i.Xattrs, row.want, row.time, row.xattr)
		}
		must(t, s.fs.Remove("/n"))
	}
}

func TestUnknownUsesStop(t *testing.T) {
	for name := range command.ShellTools() {
		switch name {
		case "[", "test", "echo", "printf", "expr", "seq", "true", "false", "sleep", "sync", "clear", "tput", "pgrep", "pidof", "mountpoint", "tty", "kill",
			"killall", "findmnt", "chattr", "whoami", "arch", "nproc", "ss", "unlink", "locale", "lsmod", "systemd-sysctl":
			continue // they take anything, or have no options
		}
		s := toolSystem(t)
		if _, _, err := s.tool(name, "--no-such-option", "a", "b"); err == nil {
			t.Errorf("%s --no-such-option is no error", name)
		}
	}
	for _, call := range []string{"find /d -frobnicate", "find /d -exec", "find ( /d", "stat /d/f", "awk BEGIN{srand()}", "date +%Q", "ls -h", "sort -z", "grep -P x", "su app", "seq 1.5", "diff /d /d"} {
		s := toolSystem(t)
		args := strings.Fields(call)
		if _, _, err := s.tool(args[0], args[1:]...); err == nil {
			t.Errorf("%s is no error", call)
		}
	}
}

func TestRunuserOwnsWhatItMakes(t *testing.T) {
	for _, args := range [][]string{{"runuser", "-u", "app", "--", "x"}, {"su", "app", "-s", "/bin/sh", "-c", "x"}, {"su", "-", "app", "-c", "x"}, {"setpriv", "--reuid", "app", "--regid", "app", "--init-groups", "x"}} {
		s := toolSystem(t)
		c := &command.Call{Name: args[0], Args: args[1:], Stdout: io.Discard, Stderr: io.Discard, Dir: "/", FS: s.fs, Machine: s.machine}
		c.Exec = func(context.Context, []string, io.Reader, io.Writer, io.Writer) (int, error) {
			return 0, s.fs.WriteFile("/made", nil, 0o644)
		}
		status, err := command.ShellTools()[args[0]](context.Background(), c)
		if err != nil || status != 0 {
			t.Fatalf("%v: %d, %v", args, status, err)
		}
		must(t, s.fs.WriteFile("/after", nil, 0o644))
		if got, after := owner(t, s.fs, "/made"), owner(t, s.fs, "/after"); got != [3]int{100, 101, 0o644} || after != [3]int{0, 0, 0o644} {
			t.Errorf("%v: %v, afterwards %v", args, got, after)
		}
	}
}

// Whatever the arguments, a command ends, with a status or an error.
func FuzzTools(f *testing.F) {
	for _, row := range []string{"sed\x00-n\x00s/a/b/gp;$!{N;P;D}", "grep\x00-E\x00(a|b){1,2}[[:alpha:]]*", "find\x00/d\x00(\x00-name\x00*\x00-o\x00-type\x00f\x00)\x00-printf\x00%p",
		"sort\x00-t:\x00-k2,3nr\x00-u", "cut\x00-d:\x00-f1,3-", "tr\x00a-z\x00[:upper:]", "cp\x00-a\x00/d\x00/e", "chmod\x00u=rwX,go-w\x00/d/f", "awk\x00{print $1}", "printf\x00%5.3s\x00a",
		"test\x00(\x00a\x00-o\x00b\x00)", "expr\x001\x00+\x002", "date\x00-d\x00@1\x00+%F", "getopt\x00-o\x00a:\x00--\x00-a", "xargs\x00-n1", "setcap\x00cap_net_raw+ep\x00/d/f", "install\x00-D\x00/d/f\x00/x/y"} {
		f.Add(row, "a b\nc:d\n")
	}
	tools := command.ShellTools()
	names := slices.Sorted(maps.Keys(tools))
	f.Fuzz(func(t *testing.T, line, stdin string) {
		args := strings.Split(line, "\x00")
		if tools[args[0]] == nil {
			args[0] = names[len(line)%len(names)]
		}
		s := toolSystem(t)
		s.fs.Limit(1 << 20)
		s.stdin = stdin
		if args[0] == "awk" || args[0] == "mawk" {
			return // a program of its own may well not end
		}
		_, status, _ := s.tool(args[0], args[1:]...)
		if status < 0 || status > 255 {
			t.Errorf("%q: status %d", args, status)
		}
		if _, err := s.fs.Tree(); err != nil {
			t.Errorf("%q left no tree: %v", args, err)
		}
	})
}

func TestDd(t *testing.T) {
	for _, row := range []struct{ args, want string }{
		{"bs=2 count=1 status=none", "ab"}, {"bs=2 status=none", "abcde"}, {"count=0 status=none", ""},
		{"bs=2", "abcde2+1 records in\n2+1 records out\n"},
	} {
		s := newSystem(t, map[string]string{"/f": "abcde"})
		var out strings.Builder
		c := &command.Call{Name: "dd", Args: append(strings.Fields(row.args), "if=/f"), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: "/", FS: s.fs, Machine: s.machine}
		status, err := command.Dd(context.Background(), c)
		if out.String() != row.want || status != 0 || err != nil {
			t.Errorf("dd %s: %q, %d, %v; want %q", row.args, out.String(), status, err, row.want)
		}
	}
}
