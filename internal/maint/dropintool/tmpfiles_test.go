package dropintool_test

import (
	"testing"

	"kiln/internal/maint/dropintool"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestTmpfiles(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
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
d /var/mail 2775 root mail
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
	s.OK("systemd-tmpfiles --create t.conf")
	s.Is("/etc/f", "one\ttwo!")
	s.Is("/etc/fact/a", "a")
	s.Links(map[string]string{"/etc/l": "../target", "/var/old/f": "/gone"})
	for p, want := range map[string]uint32{"/var/cache/web": 0o711, "/var/cache/web/deep": 0o750, "/var/old": 0o755, "/etc/f": 0o600, "/run/lock/web": 0o755, "/name/debian": 0o755} {
		if i, err := s.FS.Stat(p); err != nil || i.Perm() != want {
			t.Errorf("%s is %v, %v", p, i.Entry, err)
		}
	}
	if i, err := s.FS.Stat("/var/mail"); err != nil || i.GID != 8 {
		t.Errorf("/var/mail is %v, %v", i.Entry, err)
	}
	for _, p := range []string{"/run/web", "/dev/null2", "/boot-only", "/id", "/etc/missing", "/etc/cred2"} {
		if _, err := s.FS.Lstat(p); err == nil {
			t.Errorf("%s was made", p)
		}
	}
	s.Fails("systemd-tmpfiles --create none.conf", 1)
	s.OK("systemd-tmpfiles --clean")
	s.Refuses("systemd-tmpfiles --create --root=/x", "one root")
	s.Refuses("systemd-tmpfiles --frob", "--frob")
}

func TestTmpfilesUnknownUser(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/usr/lib/tmpfiles.d/t.conf": "d /var/a - nosuch -\nd /var/b\n"})
	s.Fails("systemd-tmpfiles --create t.conf", 65)
	if _, err := s.FS.Stat("/var/b"); err != nil {
		t.Error("the good line was not carried out")
	}
}

func TestBadTmpfiles(t *testing.T) {
	for _, line := range []string{"d", "y /x", "d relative", "d /x 0999", "d /x \"open", "d* /x", "f~ /x - - - - Zm9v"} {
		if lines, err := dropintool.ParseTmpfiles(line + "\n"); err == nil {
			t.Errorf("%q is read as %+v", line, lines)
		}
	}
}

func FuzzTmpfiles(f *testing.F) {
	f.Add("d /a/b 0750 root adm\nf+ /x ~:0644 - - - text\\n\nL+ /l - - - - t\nZ /a ~2755\nC /c - - - - /a\nw /x - - - - y")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := dropintool.ParseTmpfiles(text); err != nil || len(text) > 300 {
			return
		}
		s := toolboxtest.New(t, map[string]string{"/etc/passwd": "root:x:0:0::/:/bin/sh\n", "/etc/group": "adm:x:4:\n", "/usr/lib/tmpfiles.d/f.conf": text})
		_, _, _ = s.Call("systemd-tmpfiles --create f.conf")
		if _, err := s.FS.Tree(); err != nil {
			t.Error(err)
		}
	})
}
