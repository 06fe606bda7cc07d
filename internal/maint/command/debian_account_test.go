package command_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/command"
)

func accounts(t *testing.T, more map[string]string) *system {
	files := map[string]string{
		"/etc/passwd":  "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
		"/etc/group":   "root:x:0:\nshadow:x:42:\nusers:x:100:\nnogroup:x:65534:\n",
		"/etc/shadow":  "root:*:20000:0:99999:7:::\nnobody:*:20000:0:99999:7:::\n",
		"/etc/gshadow": "root:*::\nshadow:*::\nusers:*::\nnogroup:*::\n",
		"/etc/skel/.p": "skel", "/var/lib/": "", "/etc/subuid": "old:100000:65536\n", "/etc/login.defs": "PASS_MAX_DAYS 99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\nUSERGROUPS_ENAB yes\nHOME_MODE 0700\n",
	}
	for p, c := range more {
		files[p] = c
	}
	return newSystem(t, files)
}

// last returns the last n lines of a file.
func (s *system) last(path string, n int) string {
	s.t.Helper()
	lines := strings.SplitAfter(s.file(path), "\n")
	return strings.Join(lines[max(0, len(lines)-1-n):], "")
}

func (s *system) ends(path, want string) {
	s.t.Helper()
	if got := s.last(path, strings.Count(want, "\n")); got != want {
		s.t.Errorf("%s ends with\n%s\nwant\n%s", path, got, want)
	}
}

func TestAdduserSystem(t *testing.T) {
	s := accounts(t, nil)
	status, out, err := s.callWords("adduser", "--system", "--group", "--home", "/var/lib/web", "--gecos", "Web server", "--quiet", "_web")
	if status != 0 || err != nil {
		t.Fatal(status, out, err)
	}
	s.ok("adduser --system --no-create-home --shell /bin/sh other")
	s.ok("adduser --system other")
	s.ends("/etc/passwd", "_web:x:100:101:Web server:/var/lib/web:/usr/sbin/nologin\nother:x:101:65534::/nonexistent:/bin/sh\n")
	s.ends("/etc/shadow", "_web:!:20000::::::\nother:!:20000::::::\n")
	s.ends("/etc/group", "_web:x:101:\n")
	s.ends("/etc/gshadow", "_web:!::\n")
	if i, err := s.fs.Stat("/var/lib/web"); err != nil || i.UID != 100 || i.GID != 101 || i.Perm() != 0o755 {
		t.Errorf("the home is %v, %v", i.Entry, err)
	}
	s.ok("adduser other _web")
	s.ends("/etc/group", "_web:x:101:other\n")
	s.ok("deluser other _web")
	s.ok("deluser --system other")
	s.ends("/etc/passwd", "_web:x:100:101:Web server:/var/lib/web:/usr/sbin/nologin\n")
	s.fails("adduser --system root", 13)
	s.fails("adduser --system a:b", 52)
	s.fails("deluser none", 12)
	s.refuses("adduser person", "nobody is there")
	s.refuses("adduser --encrypt-home x", "--encrypt-home")
}

func TestAdduserPerson(t *testing.T) {
	s := accounts(t, nil)
	s.ok("adduser --disabled-password --comment= me")
	s.ends("/etc/passwd", "me:x:1000:1000::/home/me:/bin/bash\n")
	s.ends("/etc/shadow", "me:!:20000:0:99999:7:::\n")
	s.is("/home/me/.p", "skel")
	s.is("/etc/subuid", "old:100000:65536\nme:165536:65536\n")
	if !strings.Contains(s.file("/etc/group"), "users:x:100:me\n") {
		t.Errorf("group is\n%s", s.file("/etc/group"))
	}
}

func TestUseradd(t *testing.T) {
	s := accounts(t, nil)
	s.ok("groupadd -r daemon1")
	s.ok("useradd -r -g daemon1 -d /var/lib/d -s /usr/sbin/nologin -M d")
	s.ok("useradd -r e")
	s.ok("useradd -m -G users,daemon1 me")
	s.ends("/etc/passwd", "d:x:999:999::/var/lib/d:/usr/sbin/nologin\ne:x:998:998::/home/e:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n")
	s.ends("/etc/shadow", "d:!:20000::::::\ne:!:20000::::::\nme:!:20000:0:99999:7:::\n")
	s.ends("/etc/group", "daemon1:x:999:me\ne:x:998:\nme:x:1000:\n")
	s.is("/home/me/.p", "skel")
	s.ok("usermod -a -G users d")
	s.ok("usermod -L -s /bin/false d")
	s.ok("gpasswd -d me daemon1")
	s.ok("passwd -l me")
	s.ok("chage -M 5 me")
	s.ends("/etc/shadow", "d:!:20000::::::\ne:!:20000::::::\nme:!:20000:0:5:7:::\n")
	s.fails("useradd e", 9)
	s.fails("useradd -g none x", 6)
	s.fails("useradd -u 0 x", 4)
	s.fails("groupadd users", 9)
	s.ok("groupadd -f users")
	s.fails("usermod -G none e", 6)
	s.refuses("passwd me", "password")
	s.refuses("useradd -Z x y", "-Z")
	s.stdin = "me:$y$hash\n"
	s.ok("chpasswd -e")
	s.ends("/etc/shadow", "me:$y$hash:20000:0:5:7:::\n")
	s.refuses("chpasswd", "plain text")
}

func TestGetent(t *testing.T) {
	s := accounts(t, nil)
	if got := s.ok("getent passwd root 65534"); !strings.HasPrefix(got, "root:x:0:") || !strings.Contains(got, "\nnobody:") {
		t.Errorf("got %q", got)
	}
	if got := s.ok("getent group shadow"); got != "shadow:x:42:\n" {
		t.Errorf("got %q", got)
	}
	s.fails("getent passwd nope", 2)
	s.refuses("getent netgroup x", "netgroup")
}

func TestShadowconfig(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/etc/passwd": "root:*:0:0:root:/root:/bin/bash\nnew:x:998:998::/:/bin/sh\n", "/etc/group": "root:*:0:\nshadow:*:42:\nnew:x:998:root\n",
		"/etc/shadow": "new:!*:20000:::::1:\n", "/etc/gshadow": "new:!*::\n", "/etc/login.defs": "PASS_MAX_DAYS 99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\n",
	})
	s.ok("shadowconfig on")
	s.is("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnew:x:998:998::/:/bin/sh\n")
	s.is("/etc/shadow", "new:!*:20000:::::1:\nroot:*:20000:0:99999:7:::\n")
	s.is("/etc/gshadow", "new:!*::root\nroot:*::\nshadow:*::\n")
	if i, err := s.fs.Stat("/etc/gshadow"); err != nil || i.Perm() != 0o640 || i.GID != 42 {
		t.Errorf("gshadow is %v", i.Entry)
	}
	s.refuses("shadowconfig off", "always")
}

func TestUpdatePasswd(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/etc/passwd": "root:x:0:0:Me:/root:/bin/zsh\nbin:x:2:2:bin:/old:/bin/sh\n", "/etc/group": "root:x:0:\nlocal:x:50:\n",
		"/usr/share/base-passwd/passwd.master": "root:*:0:0:root:/root:/bin/bash\nbin:*:2:2:bin:/bin:/usr/sbin/nologin\nirc:*:39:39:ircd:/run/ircd:/usr/sbin/nologin\n",
		"/usr/share/base-passwd/group.master":  "root:*:0:\nirc:*:39:\n",
	})
	s.fails("update-passwd --dry-run", 3)
	s.ok("update-passwd --verbose")
	s.is("/etc/passwd", "root:x:0:0:Me:/root:/bin/zsh\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\nirc:*:39:39:ircd:/run/ircd:/usr/sbin/nologin\n")
	s.is("/etc/group", "root:x:0:\nlocal:x:50:\nirc:*:39:\n")
	s.fails("update-passwd --dry-run", 0)
}

func TestSysusers(t *testing.T) {
	s := accounts(t, map[string]string{
		"/usr/lib/sysusers.d/a.conf": "# comment\nu one - \"The \\\"One\\\"\" /var/lib/one /bin/sh\nu! two 555 - -\ng three -\nu four -:users\nm one three\nm five users\nr - 900-910\n",
		"/etc/sysusers.d/b.conf":     "u b 44\n", "/usr/lib/sysusers.d/b.conf": "u shadowed 45\n", "/usr/lib/os-release": "ID=debian\n",
	})
	s.ok("systemd-sysusers a.conf b.conf")
	s.ends("/etc/passwd", "one:x:909:909:The \"One\":/var/lib/one:/bin/sh\ntwo:x:555:555::/:/usr/sbin/nologin\nfour:x:908:100::/:/usr/sbin/nologin\n"+
		"b:x:44:44::/:/usr/sbin/nologin\nfive:x:907:907::/:/usr/sbin/nologin\n")
	s.ends("/etc/group", "three:x:910:one\none:x:909:\ntwo:x:555:\nb:x:44:\nfive:x:907:\n")
	s.ends("/etc/shadow", "two:!*:20000:::::1:\nfour:!*:20000::::::\nb:!*:20000::::::\nfive:!*:20000::::::\n")
	if !strings.Contains(s.file("/etc/group"), "users:x:100:five\n") {
		t.Errorf("group is\n%s", s.file("/etc/group"))
	}
}

func TestSysusersFreshShadow(t *testing.T) {
	s := newSystem(t, map[string]string{"/etc/passwd": "root:*:0:0::/:/bin/sh\n", "/etc/group": "root:*:0:\n", "/usr/lib/sysusers.d/n.conf": "u! net - \"Network\"\n"})
	s.ok("systemd-sysusers")
	s.is("/etc/shadow", "net:!*:20000:::::1:\n")
	s.is("/etc/gshadow", "net:!*::\n")
	if i, err := s.fs.Stat("/etc/shadow"); err != nil || i.Perm() != 0 {
		t.Errorf("shadow is %v", i.Entry)
	}
	s.fails("systemd-sysusers missing.conf", 1)
	s.refuses("systemd-sysusers --image=x", "--image")
}

func TestBadSysusers(t *testing.T) {
	for _, line := range []string{"x a", "u", "u a:b -", "u a - \"open", "m a", "r - x-y", "r - 5-4", "u a - - relative", "u! -x", "g! a", "u a - a:b", "u a 1 2 3 4 5 6"} {
		if lines, err := command.ParseSysusers(line + "\n"); err == nil {
			t.Errorf("%q is read as %+v", line, lines)
		}
	}
}

func FuzzSysusers(f *testing.F) {
	f.Add("u one - \"The One\" /var/lib/one\ng three 33\nm one three\nr - 900-910\nu! x /usr/bin\nu y 5:six\nu z 1:100")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := command.ParseSysusers(text); err != nil || len(text) > 300 {
			return
		}
		s := accounts(t, map[string]string{"/usr/lib/sysusers.d/f.conf": text})
		if status, _, err := s.call("systemd-sysusers f.conf"); status == 0 && err == nil {
			if _, _, err := s.call("getent passwd"); err != nil {
				t.Errorf("passwd cannot be read back: %v\n%s", err, s.file("/etc/passwd"))
			}
		}
	})
}
