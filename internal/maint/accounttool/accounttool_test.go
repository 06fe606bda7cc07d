package accounttool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestAdduserSystem(t *testing.T) {
	s := toolboxtest.Accounts(t, nil)
	status, out, err := s.CallWords("adduser", "--system", "--group", "--home", "/var/lib/web", "--gecos", "Web server", "--quiet", "_web")
	if status != 0 || err != nil {
		t.Fatal(status, out, err)
	}
	s.OK("adduser --system --no-create-home --shell /bin/sh other")
	s.OK("adduser --system other")
	s.Ends("/etc/passwd", "_web:x:100:101:Web server:/var/lib/web:/usr/sbin/nologin\nother:x:101:65534::/nonexistent:/bin/sh\n")
	s.Ends("/etc/shadow", "_web:!:20000::::::\nother:!:20000::::::\n")
	s.Ends("/etc/group", "_web:x:101:\n")
	s.Ends("/etc/gshadow", "_web:!::\n")
	if i, err := s.FS.Stat("/var/lib/web"); err != nil || i.UID != 100 || i.GID != 101 || i.Perm() != 0o755 {
		t.Errorf("the home is %v, %v", i.Entry, err)
	}
	s.OK("adduser other _web")
	s.Ends("/etc/group", "_web:x:101:other\n")
	s.OK("deluser other _web")
	s.OK("deluser --system other")
	s.Ends("/etc/passwd", "_web:x:100:101:Web server:/var/lib/web:/usr/sbin/nologin\n")
	s.Fails("adduser --system root", 13)
	s.Fails("adduser --system a:b", 52)
	s.Fails("deluser none", 12)
	s.Refuses("adduser person", "nobody is there")
	s.Refuses("adduser --encrypt-home x", "--encrypt-home")
}

func TestAdduserPerson(t *testing.T) {
	s := toolboxtest.Accounts(t, nil)
	s.OK("adduser --disabled-password --comment= me")
	s.Ends("/etc/passwd", "me:x:1000:1000::/home/me:/bin/bash\n")
	s.Ends("/etc/shadow", "me:!:20000:0:99999:7:::\n")
	s.Is("/home/me/.p", "skel")
	s.Is("/etc/subuid", "old:100000:65536\nme:165536:65536\n")
	if !strings.Contains(s.File("/etc/group"), "users:x:100:me\n") {
		t.Errorf("group is\n%s", s.File("/etc/group"))
	}
}

func TestUseradd(t *testing.T) {
	s := toolboxtest.Accounts(t, nil)
	s.OK("groupadd -r daemon1")
	s.OK("useradd -r -g daemon1 -d /var/lib/d -s /usr/sbin/nologin -M d")
	s.OK("useradd -r e")
	s.OK("useradd -m -G users,daemon1 me")
	s.Ends("/etc/passwd", "d:x:999:999::/var/lib/d:/usr/sbin/nologin\ne:x:998:998::/home/e:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n")
	s.Ends("/etc/shadow", "d:!:20000::::::\ne:!:20000::::::\nme:!:20000:0:99999:7:::\n")
	s.Ends("/etc/group", "daemon1:x:999:me\ne:x:998:\nme:x:1000:\n")
	s.Is("/home/me/.p", "skel")
	s.OK("usermod -a -G users d")
	s.OK("usermod -L -s /bin/false d")
	s.OK("gpasswd -d me daemon1")
	s.OK("passwd -l me")
	s.OK("chage -M 5 me")
	s.Ends("/etc/shadow", "d:!:20000::::::\ne:!:20000::::::\nme:!:20000:0:5:7:::\n")
	s.Fails("useradd e", 9)
	s.Fails("useradd -g none x", 6)
	s.Fails("useradd -u 0 x", 4)
	s.Fails("groupadd users", 9)
	s.OK("groupadd -f users")
	s.Fails("usermod -G none e", 6)
	s.Refuses("passwd me", "password")
	s.Refuses("useradd -Z x y", "-Z")
	s.Stdin = "me:$y$hash\n"
	s.OK("chpasswd -e")
	s.Ends("/etc/shadow", "me:$y$hash:20000:0:5:7:::\n")
	s.Refuses("chpasswd", "plain text")
}

func TestGetent(t *testing.T) {
	s := toolboxtest.Accounts(t, nil)
	if got := s.OK("getent passwd root 65534"); !strings.HasPrefix(got, "root:x:0:") || !strings.Contains(got, "\nnobody:") {
		t.Errorf("got %q", got)
	}
	if got := s.OK("getent group shadow"); got != "shadow:x:42:\n" {
		t.Errorf("got %q", got)
	}
	s.Fails("getent passwd nope", 2)
	s.Refuses("getent netgroup x", "netgroup")
}

func TestShadowconfig(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/etc/passwd": "root:*:0:0:root:/root:/bin/bash\nnew:x:998:998::/:/bin/sh\n", "/etc/group": "root:*:0:\nshadow:*:42:\nnew:x:998:root\n",
		"/etc/shadow": "new:!*:20000:::::1:\n", "/etc/gshadow": "new:!*::\n", "/etc/login.defs": "PASS_MAX_DAYS 99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\n",
	})
	s.OK("shadowconfig on")
	s.Is("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnew:x:998:998::/:/bin/sh\n")
	s.Is("/etc/shadow", "new:!*:20000:::::1:\nroot:*:20000:0:99999:7:::\n")
	s.Is("/etc/gshadow", "new:!*::root\nroot:*::\nshadow:*::\n")
	if i, err := s.FS.Stat("/etc/gshadow"); err != nil || i.Perm() != 0o640 || i.GID != 42 {
		t.Errorf("gshadow is %v", i.Entry)
	}
	s.Refuses("shadowconfig off", "always")
}

func TestUpdatePasswd(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/etc/passwd": "root:x:0:0:Me:/root:/bin/zsh\nbin:x:2:2:bin:/old:/bin/sh\n", "/etc/group": "root:x:0:\nlocal:x:50:\n",
		"/usr/share/base-passwd/passwd.master": "root:*:0:0:root:/root:/bin/bash\nbin:*:2:2:bin:/bin:/usr/sbin/nologin\nirc:*:39:39:ircd:/run/ircd:/usr/sbin/nologin\n",
		"/usr/share/base-passwd/group.master":  "root:*:0:\nirc:*:39:\n",
	})
	s.Fails("update-passwd --dry-run", 3)
	s.OK("update-passwd --verbose")
	s.Is("/etc/passwd", "root:x:0:0:Me:/root:/bin/zsh\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\nirc:*:39:39:ircd:/run/ircd:/usr/sbin/nologin\n")
	s.Is("/etc/group", "root:x:0:\nlocal:x:50:\nirc:*:39:\n")
	s.Fails("update-passwd --dry-run", 0)
}
