package command_test

import (
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/command"
)

func units(t *testing.T) *system {
	s := newSystem(t, map[string]string{
		"/usr/lib/systemd/system/web.service":        "[Unit]\nAlias=no.service\n[Install]\nWantedBy=multi-user.target\nAlias=www.service\nAlso=web.socket\n",
		"/usr/lib/systemd/system/web.socket":         "[Install]\nWantedBy=sockets.target\n",
		"/usr/lib/systemd/system/getty@.service":     "[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n",
		"/usr/lib/systemd/system/plain.service":      "[Service]\n",
		"/usr/lib/systemd/system/debug.service":      "[Install]\nWantedBy=x.target\n",
		"/usr/lib/systemd/system-preset/90-x.preset": "disable debug.*\nenable *\n",
		"/lib": "-> usr/lib", "/etc/systemd/system/": "", "/var/lib/": "", "/usr/bin/systemctl": "#!",
	})
	s.machine.Enable = func(unit string) bool { return unit != "off.service" }
	return s
}

func TestUnitsAreEnabledWhenWanted(t *testing.T) {
	s := units(t)
	s.ok("deb-systemd-helper enable web.service")
	s.links(map[string]string{
		"/etc/systemd/system/multi-user.target.wants/web.service": "/usr/lib/systemd/system/web.service",
		"/etc/systemd/system/www.service":                         "/usr/lib/systemd/system/web.service",
		"/etc/systemd/system/sockets.target.wants/web.socket":     "/usr/lib/systemd/system/web.socket",
		"/etc/systemd/system/no.service":                          "",
	})
	const state = "/var/lib/systemd/deb-systemd-helper-enabled/"
	s.is(state+"multi-user.target.wants/web.service", "")
	if got := s.file(state + "web.service.dsh-also"); !strings.Contains(got, "/etc/systemd/system/sockets.target.wants/web.socket\n") || !strings.HasSuffix(got, "/etc/systemd/system/multi-user.target.wants/web.service\n") {
		t.Errorf("the state is\n%s", got)
	}
	s.fails("deb-systemd-helper --quiet debian-installed web.service", 0)
	s.fails("deb-systemd-helper --quiet debian-installed plain.service", 1)
	s.ok("deb-systemd-helper enable debug.service")
	s.links(map[string]string{"/etc/systemd/system/x.target.wants/debug.service": ""})
	s.ok("systemctl enable getty@tty1.service")
	s.links(map[string]string{"/etc/systemd/system/getty.target.wants/getty@tty1.service": "/usr/lib/systemd/system/getty@.service"})
	s.fails("systemctl is-enabled web.service", 0)
	s.fails("systemctl is-enabled debug", 1)
	s.fails("systemctl is-enabled none.service", 4)
	s.fails("systemctl enable none.service", 1)
	s.ok("systemctl disable web.service")
	s.links(map[string]string{"/etc/systemd/system/multi-user.target.wants/web.service": ""})
	s.refuses("systemctl frobnicate x", "frobnicate")
	s.refuses("deb-systemd-helper frobnicate x", "frobnicate")
}

// Units of packages stay off where the recipe does not ask for them, are recorded,
// and count as switched off by an administrator from then on.
func TestUnitsStayOff(t *testing.T) {
	s := units(t)
	s.machine.Enable = nil
	s.fails("deb-systemd-helper --quiet was-enabled web.service", 0)
	s.ok("deb-systemd-helper enable web.service")
	s.ok("systemctl enable web.socket")
	s.links(map[string]string{"/etc/systemd/system/multi-user.target.wants/web.service": "", "/etc/systemd/system/sockets.target.wants/web.socket": ""})
	s.fails("deb-systemd-helper --quiet was-enabled web.service", 1)
	want := []command.Note{
		{Package: "app", Script: "postinst", Kind: "enable", Subject: "web.service"}, {Package: "app", Script: "postinst", Kind: "enable", Subject: "web.socket"},
	}
	if !slices.Equal(s.machine.Notes, want) {
		t.Errorf("notes are %+v", s.machine.Notes)
	}
}

func TestMask(t *testing.T) {
	s := units(t)
	s.ok("deb-systemd-helper mask web.service")
	s.links(map[string]string{"/etc/systemd/system/web.service": "/dev/null"})
	s.fails("systemctl is-enabled web.service", 1)
	s.ok("deb-systemd-helper unmask web.service")
	s.links(map[string]string{"/etc/systemd/system/web.service": ""})
	s.ok("systemctl mask web.service")
	s.ok("deb-systemd-helper unmask web.service") // not masked by it
	s.links(map[string]string{"/etc/systemd/system/web.service": "/dev/null"})
}

func TestNothingRuns(t *testing.T) {
	s := units(t)
	for _, line := range []string{"systemctl --system daemon-reload", "systemctl start web", "deb-systemd-invoke restart web.service", "invoke-rc.d --skip-systemd-native web start", "service web restart", "udevadm trigger", "py3compile -p app"} {
		s.ok(line)
	}
	if len(s.machine.Notes) != 7 || s.machine.Notes[1].Subject != "web.service" {
		t.Errorf("notes are %+v", s.machine.Notes)
	}
	s.fails("invoke-rc.d web status", 4)
	s.fails("systemctl is-system-running", 1)
	s.fails("policy-rc.d web start", 101)
}

func TestUpdateRcD(t *testing.T) {
	s := newSystem(t, map[string]string{"/etc/init.d/web": "#!/bin/sh\n### BEGIN INIT INFO\n# Default-Start:     2 3\n# Default-Stop: 0\n### END INIT INFO\n# Default-Start: 9\n"})
	s.ok("update-rc.d web defaults")
	s.links(map[string]string{"/etc/rc2.d/K01web": "../init.d/web", "/etc/rc0.d/K01web": "../init.d/web", "/etc/rc2.d/S01web": "", "/etc/rc9.d/K01web": ""})
	s.ok("update-rc.d web remove")
	s.machine.Enable = func(string) bool { return true }
	s.ok("update-rc.d web defaults")
	s.links(map[string]string{"/etc/rc2.d/S01web": "../init.d/web", "/etc/rc3.d/S01web": "../init.d/web", "/etc/rc0.d/K01web": "../init.d/web"})
	s.ok("update-rc.d web disable")
	s.links(map[string]string{"/etc/rc2.d/K01web": "../init.d/web", "/etc/rc2.d/S01web": ""})
	s.fails("update-rc.d none defaults", 1)
	s.refuses("update-rc.d web frob", "frob")
}

func TestTmpfiles(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/etc/passwd": "root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\n", "/etc/group": "root:x:0:\nadm:x:4:\n", "/usr/lib/os-release": "ID=debian\n", "/var/old/f": "x",
		"/usr/share/factory/etc/fact/a": "a", "/etc/": "",
		"/usr/lib/tmpfiles.d/t.conf": `# comment
d /var/cache/web/deep 0750 web adm 1d
d /var/old :0700 :web -
f /etc/f 0600 - - - one\ttwo\x21
L /etc/l - - - - ../target
L+ /var/old/f - - - - /gone
C /etc/fact
C /etc/missing - - - - /none
z /var/cache/* 0711 - -
d /run/web
d /run/lock/web
f /dev/null2
d! /boot-only
d /id/%m
d /name/%o
R /var/old
a+ /var/old - - - - u:web:r
f /etc/cred^ - - - - x
f^ /etc/cred2 - - - - x
`})
	s.ok("systemd-tmpfiles --create t.conf")
	s.is("/etc/f", "one\ttwo!")
	s.is("/etc/fact/a", "a")
	s.links(map[string]string{"/etc/l": "../target", "/var/old/f": "/gone"})
	for p, want := range map[string]uint32{"/var/cache/web": 0o711, "/var/cache/web/deep": 0o750, "/var/old": 0o755, "/etc/f": 0o600, "/run/lock/web": 0o755, "/name/debian": 0o755} {
		if i, err := s.fs.Stat(p); err != nil || i.Perm() != want {
			t.Errorf("%s is %v, %v", p, i.Entry, err)
		}
	}
	for _, p := range []string{"/run/web", "/dev/null2", "/boot-only", "/id", "/etc/missing", "/etc/cred2"} {
		if _, err := s.fs.Lstat(p); err == nil {
			t.Errorf("%s was made", p)
		}
	}
	s.fails("systemd-tmpfiles --create none.conf", 1)
	s.ok("systemd-tmpfiles --clean")
	s.refuses("systemd-tmpfiles --create --root=/x", "one root")
	s.refuses("systemd-tmpfiles --frob", "--frob")
}

func TestTmpfilesUnknownUser(t *testing.T) {
	s := newSystem(t, map[string]string{"/usr/lib/tmpfiles.d/t.conf": "d /var/a - nobody -\nd /var/b\n"})
	s.fails("systemd-tmpfiles --create t.conf", 65)
	if _, err := s.fs.Stat("/var/b"); err != nil {
		t.Error("the good line was not carried out")
	}
}

func TestBadTmpfiles(t *testing.T) {
	for _, line := range []string{"d", "y /x", "d relative", "d /x 0999", "d /x \"open", "d* /x", "f~ /x - - - - Zm9v"} {
		if lines, err := command.ParseTmpfiles(line + "\n"); err == nil {
			t.Errorf("%q is read as %+v", line, lines)
		}
	}
}

func FuzzTmpfiles(f *testing.F) {
	f.Add("d /a/b 0750 root adm\nf+ /x ~:0644 - - - text\\n\nL+ /l - - - - t\nZ /a ~2755\nC /c - - - - /a\nw /x - - - - y")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := command.ParseTmpfiles(text); err != nil || len(text) > 300 {
			return
		}
		s := newSystem(t, map[string]string{"/etc/passwd": "root:x:0:0::/:/bin/sh\n", "/etc/group": "adm:x:4:\n", "/usr/lib/tmpfiles.d/f.conf": text})
		_, _, _ = s.call("systemd-tmpfiles --create f.conf")
		if _, err := s.fs.Tree(); err != nil {
			t.Error(err)
		}
	})
}

func TestShells(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/usr/share/debianutils/shells": "# comment\n/bin/sh\n", "/usr/share/debianutils/shells.d/bash": "/bin/bash\n", "/bin": "-> usr/bin", "/usr/bin/sh": "", "/etc/": "", "/var/lib/": "",
	})
	s.ok("update-shells")
	s.is("/etc/shells", "# comment\n/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n")
	s.is("/var/lib/shells.state", "/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n")
	s.ok("add-shell /opt/zsh")
	s.ok("remove-shell /usr/bin/bash")
	must(t, s.fs.Remove("/usr/share/debianutils/shells.d/bash"))
	s.ok("update-shells --verbose")
	s.is("/etc/shells", "# comment\n/bin/sh\n/usr/bin/sh\n/opt/zsh\n")
	s.refuses("update-shells --root /x", "own files")
}

func TestUcf(t *testing.T) {
	s := newSystem(t, map[string]string{"/usr/share/app/conf": "one\n", "/usr/share/app/conf2": "two\n", "/etc/edited": "mine\n"})
	s.ok("ucf --three-way --debconf-ok /usr/share/app/conf /etc/app.conf")
	s.is("/etc/app.conf", "one\n")
	s.is("/var/lib/ucf/hashfile", "5bbf5a52328e7439ae6e719dfe712200  /etc/app.conf\n")
	s.is("/var/lib/ucf/cache/:etc:app.conf", "one\n")
	s.ok("ucf /usr/share/app/conf2 /etc/app.conf")
	s.is("/etc/app.conf", "two\n")
	s.ok("ucf /usr/share/app/conf /etc/edited")
	s.is("/etc/edited", "mine\n")
	s.is("/etc/edited.ucf-dist", "one\n")
	s.ok("ucfr app /etc/app.conf")
	s.ok("ucfr app /etc/app.conf")
	s.is("/var/lib/ucf/registry", "app \t /etc/app.conf\n")
	s.fails("ucfr other /etc/app.conf", 4)
	s.ok("ucfr --purge app /etc/app.conf")
	s.is("/var/lib/ucf/registry", "")
	s.ok("ucf --purge /etc/app.conf")
	if strings.Contains(s.file("/var/lib/ucf/hashfile"), "/etc/app.conf") {
		t.Error("purging leaves the sum")
	}
	s.fails("ucf /etc/app.conf", 2)
	s.refuses("ucf --frob a b", "--frob")
}

func TestLdconfigRefuses(t *testing.T) {
	s := newSystem(t, map[string]string{"/usr/lib/glibc-hwcaps/x": "", "/etc/": ""})
	s.refuses("ldconfig", "glibc-hwcaps")
	s.refuses("ldconfig -r /x", "one root")
	s.machine.Arch = "m68k"
	s.refuses("ldconfig", "m68k")
}

// A tree without libraries has a cache of no entries, and links that lead nowhere go.
func TestLdconfigEmpty(t *testing.T) {
	s := newSystem(t, map[string]string{"/etc/": "", "/usr/lib/libgone.so.1": "-> libgone.so.1.2", "/usr/lib/libtext.so": "/* GNU ld script */", "/lib": "-> usr/lib"})
	s.ok("ldconfig")
	s.links(map[string]string{"/usr/lib/libgone.so.1": ""})
	if got := s.file("/etc/ld.so.cache"); !strings.HasPrefix(got, "glibc-ld.so.cache1.1\x00\x00\x00\x00") {
		t.Errorf("the cache begins with %q", got[:24])
	}
}

func TestSmallTools(t *testing.T) {
	s := newSystem(t, map[string]string{"/bin": "-> usr/bin", "/usr/bin/x": "", "/etc/locale.gen": "# en_US.UTF-8 UTF-8\n"})
	if got := s.ok("dpkg-realpath /bin/x"); got != "/usr/bin/x\n" {
		t.Errorf("realpath is %q", got)
	}
	if got := s.ok("dpkg-realpath /bin/none"); got != "/usr/bin/none\n" {
		t.Errorf("realpath is %q", got)
	}
	s.ok("locale-gen")
	s.ok("update-locale LANG=C.UTF-8 LC_TIME=C")
	s.ok("update-locale LC_TIME")
	s.is("/etc/locale.conf", "#  File generated by update-locale\nLANG=C.UTF-8\n")
	s.ok("systemd-machine-id-setup")
	s.is("/etc/machine-id", "")
	must(t, s.fs.WriteFile("/etc/locale.gen", []byte("de_DE.UTF-8 UTF-8\n"), 0o644))
	s.refuses("locale-gen", "de_DE.UTF-8")
	s.refuses("dpkg-reconfigure tzdata", "answer them in the recipe")
}

// Every command has a reason where it is not honoured, and stands in the table once.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range command.DebianCommands() {
		if seen[c.Name] || c.Run == nil || c.Treatment != command.Honour && c.Why == "" {
			t.Errorf("%q: twice, without a function or without a reason", c.Name)
		}
		seen[c.Name] = true
	}
}
