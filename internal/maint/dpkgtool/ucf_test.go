package dpkgtool_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/dpkgtool"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestUcf(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/usr/share/app/conf": "one\n", "/usr/share/app/conf2": "two\n", "/etc/edited": "mine\n"})
	s.OK("ucf --three-way --debconf-ok /usr/share/app/conf /etc/app.conf")
	s.Is("/etc/app.conf", "one\n")
	s.Is("/var/lib/ucf/hashfile", "5bbf5a52328e7439ae6e719dfe712200  /etc/app.conf\n")
	s.Is("/var/lib/ucf/cache/:etc:app.conf", "one\n")
	s.OK("ucf /usr/share/app/conf2 /etc/app.conf")
	s.Is("/etc/app.conf", "two\n")
	s.OK("ucf /usr/share/app/conf /etc/edited")
	s.Is("/etc/edited", "mine\n")
	s.Is("/etc/edited.ucf-dist", "one\n")
	s.OK("ucfr app /etc/app.conf")
	s.OK("ucfr app /etc/app.conf")
	s.Is("/var/lib/ucf/registry", "app \t /etc/app.conf\n")
	s.Fails("ucfr other /etc/app.conf", 4)
	s.OK("ucfr --purge app /etc/app.conf")
	s.Is("/var/lib/ucf/registry", "")
	s.OK("ucf --purge /etc/app.conf")
	if strings.Contains(s.File("/var/lib/ucf/hashfile"), "/etc/app.conf") {
		t.Error("purging leaves the sum")
	}
	s.Fails("ucf /etc/app.conf", 2)
	s.Refuses("ucf --frob a b", "--frob")
}

// ucf loads its own questions where it may ask them.
func TestUcfTemplates(t *testing.T) {
	const loads = "_debconf_talk X_LOADTEMPLATEFILE /var/lib/dpkg/info/ucf.templates ucf"
	for _, row := range []struct{ flags, running, want string }{{"", "", loads}, {"", "1", ""}, {"--debconf-ok", "1", loads}} {
		s := toolboxtest.New(t, map[string]string{"/var/lib/dpkg/info/ucf.templates": "", "/usr/share/debconf/confmodule": "", "/new": "x", "/etc/": ""})
		got := ""
		c := &command.Call{
			Name: "ucf", Args: append(strings.Fields(row.flags), "/new", "/etc/x"), Env: map[string]string{"DEBIAN_HAS_FRONTEND": row.running},
			FS: s.FS, Machine: s.Machine, Stdout: io.Discard, Stderr: io.Discard, Dir: "/",
		}
		c.Exec = func(_ context.Context, args []string, _ io.Reader, _, _ io.Writer) (int, error) {
			got += strings.Join(args, " ")
			return 0, nil
		}
		if status, err := dpkgtool.Ucf(context.Background(), c); status != 0 || err != nil {
			t.Fatal(status, err)
		}
		if got != row.want {
			t.Errorf("ucf %s with DEBIAN_HAS_FRONTEND=%q calls %q", row.flags, row.running, got)
		}
	}
}

// What is expected is what ucfq of Debian 12 says.
func TestUcfq(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/var/lib/ucf/registry": "app \t /etc/app\nweb \t /etc/web\ngone \t /etc/gone\n", "/etc/app": "x", "/etc/web": "x", "/etc/own": "x",
		"/var/lib/ucf/hashfile": "9dd4e461268c8034f5c8564e155c67a6  /etc/app\naaaa  /etc/web\n",
	})
	if out := s.OK("ucfq --with-colons /etc/app /etc/web /etc/gone /etc/own"); out != "/etc/app:app:Yes:No\n/etc/web:web:Yes:Yes\n/etc/gone:gone::\n/etc/own::Yes:\n" {
		t.Errorf("it says\n%s", out)
	}
	s.Refuses("ucfq /etc/app", "with-colons")
	s.Refuses("ucfq --with-colons app", "packages")
}
