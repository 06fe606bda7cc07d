package filetool_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/filetool"
	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/toolbox/toolboxtest"
)

// Under su, a script sees the rights and the name of that user.
func TestRightsOfAnotherUser(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/etc/passwd": "root:x:0:0::/:/bin/sh\napp:x:100:101::/:/bin/sh\n", "/etc/group": "root:x:0:\napp:x:101:\nmore:x:7:app\n",
		"/mine": "", "/ours": "", "/theirs": "",
	})
	toolboxtest.Must(t, s.FS.Chown("/mine", 100, 0))
	toolboxtest.Must(t, s.FS.Chmod("/mine", 0o400))
	toolboxtest.Must(t, s.FS.Chown("/ours", 0, 7))
	toolboxtest.Must(t, s.FS.Chmod("/ours", 0o060))
	toolboxtest.Must(t, s.FS.Chmod("/theirs", 0o640))
	test := func(args string) bool {
		c := &command.Call{Name: "test", Args: strings.Fields(args), FS: s.FS, Machine: s.Machine, Stdout: io.Discard, Stderr: io.Discard, Dir: "/"}
		status, err := filetool.Test(context.Background(), c)
		toolboxtest.Must(t, err)
		return status == 0
	}
	var as string
	rows := map[string][2]bool{ // as root, as app
		"-O /mine": {false, true}, "-G /mine": {true, false}, "-r /mine": {true, true}, "-w /mine": {true, false}, "-x /mine": {false, false},
		"-r /ours": {true, true}, "-w /ours": {true, true}, "-r /theirs": {true, false}, "-O /theirs": {true, false}, "-G /ours": {false, false},
	}
	for who, uid := range []int{0, 100} {
		gid := map[int]int{0: 0, 100: 101}[uid]
		s.FS.As(uid, gid)
		for args, want := range rows {
			if got := test(args); got != want[who] {
				t.Errorf("test %s as %d is %v", args, uid, got)
			}
		}
		var out strings.Builder
		for _, name := range []string{"whoami", "id"} {
			c := &command.Call{Name: name, FS: s.FS, Machine: s.Machine, Stdout: &out, Stderr: io.Discard, Dir: "/"}
			if status, err := toolbox.ShellTools()[name](context.Background(), c); status != 0 || err != nil {
				t.Fatal(status, err)
			}
		}
		as += out.String()
	}
	if want := "root\nuid=0(root) gid=0(root) groups=0(root)\napp\nuid=100(app) gid=101(app) groups=101(app),7(more)\n"; as != want {
		t.Errorf("they are\n%s", as)
	}
}
