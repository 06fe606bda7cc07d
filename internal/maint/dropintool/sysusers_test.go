package dropintool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/dropintool"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestSysusers(t *testing.T) {
	s := toolboxtest.Accounts(t, map[string]string{
		"/usr/lib/sysusers.d/a.conf": "# comment\nu one - \"The \\\"One\\\"\" /var/lib/one /bin/sh\nu! two 555 - -\ng three -\nu four -:users\nm one three\nm five users\nr - 900-910\n",
		"/etc/sysusers.d/b.conf":     "u b 44\n", "/usr/lib/sysusers.d/b.conf": "u shadowed 45\n", "/usr/lib/os-release": "ID=debian\n",
	})
	s.OK("systemd-sysusers a.conf b.conf")
	s.Ends("/etc/passwd", "one:x:909:909:The \"One\":/var/lib/one:/bin/sh\ntwo:x:555:555::/:/usr/sbin/nologin\nfour:x:908:100::/:/usr/sbin/nologin\n"+
		"b:x:44:44::/:/usr/sbin/nologin\nfive:x:907:907::/:/usr/sbin/nologin\n")
	s.Ends("/etc/group", "three:x:910:one\none:x:909:\ntwo:x:555:\nb:x:44:\nfive:x:907:\n")
	s.Ends("/etc/shadow", "two:!*:20000:::::1:\nfour:!*:20000::::::\nb:!*:20000::::::\nfive:!*:20000::::::\n")
	if !strings.Contains(s.File("/etc/group"), "users:x:100:five\n") {
		t.Errorf("group is\n%s", s.File("/etc/group"))
	}
}

func TestSysusersFreshShadow(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/etc/passwd": "root:*:0:0::/:/bin/sh\n", "/etc/group": "root:*:0:\n", "/usr/lib/sysusers.d/n.conf": "u! net - \"Network\"\n"})
	s.OK("systemd-sysusers")
	s.Is("/etc/shadow", "net:!*:20000:::::1:\n")
	s.Is("/etc/gshadow", "net:!*::\n")
	if i, err := s.FS.Stat("/etc/shadow"); err != nil || i.Perm() != 0 {
		t.Errorf("shadow is %v", i.Entry)
	}
	s.Fails("systemd-sysusers missing.conf", 1)
	s.Refuses("systemd-sysusers --image=x", "--image")
}

func TestBadSysusers(t *testing.T) {
	for _, line := range []string{"x a", "u", "u a:b -", "u a - \"open", "m a", "r - x-y", "r - 5-4", "u a - - relative", "u! -x", "g! a", "u a - a:b", "u a 1 2 3 4 5 6"} {
		if lines, err := dropintool.ParseSysusers(line + "\n"); err == nil {
			t.Errorf("%q is read as %+v", line, lines)
		}
	}
}

func FuzzSysusers(f *testing.F) {
	f.Add("u one - \"The One\" /var/lib/one\ng three 33\nm one three\nr - 900-910\nu! x /usr/bin\nu y 5:six\nu z 1:100")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := dropintool.ParseSysusers(text); err != nil || len(text) > 300 {
			return
		}
		s := toolboxtest.Accounts(t, map[string]string{"/usr/lib/sysusers.d/f.conf": text})
		if status, _, err := s.Call("systemd-sysusers f.conf"); status == 0 && err == nil {
			if _, _, err := s.Call("getent passwd"); err != nil {
				t.Errorf("passwd cannot be read back: %v\n%s", err, s.File("/etc/passwd"))
			}
		}
	})
}
