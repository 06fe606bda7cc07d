package filetool_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/filetool"
	"kiln/internal/maint/toolbox/toolboxtest"
)

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
		{"chown root:mail /d/f", "/d/f", [3]int{0, 8, 0o644}}, // these names the tree does not have, Debian does
		{"chown man: /d/f", "/d/f", [3]int{6, 12, 0o644}},
		{"chgrp staff /d/f", "/d/f", [3]int{0, 50, 0o644}},
		{"install -d -o www-data -g utmp -m 2750 /n/m", "/n/m", [3]int{33, 43, 0o2750}},
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
		s := toolboxtest.Tools(t)
		args := strings.Fields(row.args)
		if _, status, err := s.Tool(args[0], args[1:]...); err != nil || status != 0 && !strings.Contains(row.args, "reference") {
			t.Errorf("%s: status %d, %v", row.args, status, err)
		}
		if got := toolboxtest.Owner(t, s.FS, row.path); got != row.want {
			t.Errorf("%s: %s has %v, want %v", row.args, row.path, got, row.want)
		}
	}
}

// An id that is somebody else's in the tree, a name that no policy fixes and what
// asks who exists know no names but the tree's.
func TestOwnersThatAreNotThere(t *testing.T) {
	s := toolboxtest.Tools(t)
	toolboxtest.Must(t, s.FS.Rewrite("/etc/group", []byte("root:x:0:\nlogs:x:4:\n"), 0o644))
	for _, line := range []string{"chown :adm /d/f", "chown messagebus /d/f", "chgrp users /d/f", "getent group mail", "getent passwd man", "id man"} {
		args := strings.Fields(line)
		if out, status, err := s.Tool(args[0], args[1:]...); err != nil || status == 0 {
			t.Errorf("%s: status %d, %v, printed %q", line, status, err, out)
		}
	}
	if out, _, err := s.Tool("stat", "-c", "%G", "/d/f"); err != nil || out != "root\n" {
		t.Errorf("the group of the file is %q, %v", out, err)
	}
}

func TestTemporaryNamesAreAlwaysTheSame(t *testing.T) {
	s := toolboxtest.Tools(t)
	var names []string
	for _, args := range [][]string{nil, nil, {"-d"}, {"-p", "/d", "x.XXXX"}, {"--tmpdir", "y.XXX"}, {"-t", "z.XXXXXX"}, {"/d/f.XXXXXX.conf"}, {"-u"}} {
		out, status, err := s.Tool("mktemp", args...)
		if err != nil || status != 0 {
			t.Fatalf("%v: %d, %v", args, status, err)
		}
		names = append(names, strings.TrimSpace(out))
	}
	want := "/tmp/tmp.0000000000 /tmp/tmp.0000000001 /tmp/tmp.0000000002 /d/x.0000 /tmp/y.000 /tmp/z.000000 /d/f.000000.conf /tmp/tmp.0000000003"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("names %s\nwant  %s", got, want)
	}
	if got := toolboxtest.Owner(t, s.FS, names[0]); got != [3]int{0, 0, 0o600} {
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
		s := toolboxtest.Tools(t)
		if _, status, err := s.Tool("setcap", text, "/d/f"); err != nil || status != 0 {
			t.Fatalf("%s: %d, %v", text, status, err)
		}
		x, err := s.FS.Xattrs("/d/f")
		toolboxtest.Must(t, err)
		if got := hex.EncodeToString([]byte(x["security.capability"])); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	s := toolboxtest.Tools(t)
	for _, bad := range [][]string{{"cap_nothing+ep", "/d/f"}, {"cap_net_raw", "/d/f"}, {"cap_net_raw+ep", "/d"}, {"cap_net_raw+ep", "/no"}, {}} {
		if _, status, err := s.Tool("setcap", bad...); err != nil || status == 0 {
			t.Errorf("%v: status %d, %v", bad, status, err)
		}
	}
	if _, status, _ := s.Tool("setcap", "cap_net_raw,cap_chown=ep", "/d/f"); status != 0 {
		t.Error(status)
	}
	if out, _, _ := s.Tool("getcap", "/d/f", "/d/e/g"); out != "/d/f cap_chown,cap_net_raw=ep\n" {
		t.Errorf("getcap: %q", out)
	}
}

func TestCopiesKeepWhatTheyShould(t *testing.T) {
	s := toolboxtest.Tools(t)
	toolboxtest.Must(t, s.FS.Chown("/d/f", 100, 101))
	toolboxtest.Must(t, s.FS.Chmod("/d/f", 0o4750))
	toolboxtest.Must(t, s.FS.Setxattr("/d/f", "security.capability", "c"))
	toolboxtest.Must(t, s.FS.Chtimes("/d/f", 5))
	for _, row := range []struct {
		flags string
		want  [3]int
		time  int64
		xattr string
	}{
		{"-a", [3]int{100, 101, 0o4750}, 5, "c"}, {"-p", [3]int{100, 101, 0o4750}, 5, ""}, {"-f", [3]int{0, 0, 0o750}, 86400 * 20000, ""},
		{"--preserve=mode,timestamps", [3]int{0, 0, 0o4750}, 5, ""},
	} {
		if _, status, err := s.Tool("cp", row.flags, "/d/f", "/n"); status != 0 || err != nil {
			t.Fatal(status, err)
		}
		i, err := s.FS.Stat("/n")
		toolboxtest.Must(t, err)
		if got := toolboxtest.Owner(t, s.FS, "/n"); got != row.want || int64(i.Epoch()) != row.time || i.Xattrs["security.capability"] != row.xattr {
			t.Errorf("cp %s: %v @%d %v, want %v @%d %q", row.flags, got, i.Epoch(), i.Xattrs, row.want, row.time, row.xattr)
		}
		toolboxtest.Must(t, s.FS.Remove("/n"))
	}
}

func TestDd(t *testing.T) {
	for _, row := range []struct{ args, want string }{
		{"bs=2 count=1 status=none", "ab"}, {"bs=2 status=none", "abcde"}, {"count=0 status=none", ""},
		{"bs=2", "abcde2+1 records in\n2+1 records out\n"},
	} {
		s := toolboxtest.New(t, map[string]string{"/f": "abcde"})
		var out strings.Builder
		c := &command.Call{Name: "dd", Args: append(strings.Fields(row.args), "if=/f"), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: "/", FS: s.FS, Machine: s.Machine}
		status, err := filetool.Dd(context.Background(), c)
		if out.String() != row.want || status != 0 || err != nil {
			t.Errorf("dd %s: %q, %d, %v; want %q", row.args, out.String(), status, err, row.want)
		}
	}
}
