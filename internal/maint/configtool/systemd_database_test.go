package configtool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/toolbox/toolboxtest"
)

// onePackage is a database of one package.
type onePackage command.Status

func (p onePackage) Lookup(name string) (command.Status, bool) {
	return command.Status(p), name == p.Name
}
func (p onePackage) Names() []string { return []string{p.Name} }

func TestSystemdHwdb(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/usr/lib/udev/hwdb.d/20-a.hwdb": "m\n KEY=packaged\n", "/usr/lib/udev/hwdb.d/30-b.hwdb": "n\n KEY=masked\n", "/usr/lib/udev/hwdb.d/README": "x\n X=not read\n",
		"/etc/udev/hwdb.d/20-a.hwdb": "m\n KEY=of the host\n", "/etc/udev/hwdb.d/30-b.hwdb": "-> /dev/null",
	})
	s.Refuses("systemd-hwdb --usr update", "the package udev is not there")
	s.Machine.Packages = onePackage{Name: "udev", Version: "257.13-1~deb13u1"}
	s.OK("systemd-hwdb --usr update")
	got := s.File("/usr/lib/udev/hwdb.bin")
	if !strings.HasPrefix(got, "KSLPHHRH\x01\x01\x00") || !strings.Contains(got, "of the host\x00/etc/udev/hwdb.d/20-a.hwdb\x00") {
		t.Errorf("the database is %q", got)
	}
	for _, no := range []string{"packaged", "masked", "not read"} {
		if strings.Contains(got, no) {
			t.Errorf("the database has %q", no)
		}
	}
	if info, err := s.FS.Stat("/usr/lib/udev/hwdb.bin"); err != nil || info.Perm() != 0o444 {
		t.Errorf("the mode is %o (%v)", info.Perm(), err)
	}
	s.OK("systemd-hwdb update")
	if s.File("/etc/udev/hwdb.bin") != got {
		t.Error("the host's database is another")
	}
	for _, f := range []string{"/etc/udev/hwdb.d/20-a.hwdb", "/etc/udev/hwdb.d/30-b.hwdb", "/usr/lib/udev/hwdb.d/20-a.hwdb", "/usr/lib/udev/hwdb.d/30-b.hwdb"} {
		toolboxtest.Must(t, s.FS.Remove(f))
	}
	s.OK("systemd-hwdb update")
	if s.FS.Present("/etc/udev/hwdb.bin") {
		t.Error("a database without sources stays")
	}
	s.Refuses("systemd-hwdb query m", "the tree's own database")
	s.Refuses("systemd-hwdb update --root /x", "the tree's own database")
}

func TestJournalctl(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/usr/lib/systemd/": ""})
	s.OK("journalctl --update-catalog")
	if s.FS.Present("/var/lib/systemd/catalog") {
		t.Error("there is a catalog without messages")
	}
	s = toolboxtest.New(t, map[string]string{"/usr/lib/systemd/catalog/a.catalog": "-- 00000000000000000000000000000001\nSubject: x\n"})
	s.OK("journalctl --update-catalog --root=/")
	if got := s.File("/var/lib/systemd/catalog/database"); !strings.HasPrefix(got, "RHHHKSLP") || !strings.Contains(got, "Subject: x\n") {
		t.Errorf("the catalog is %q", got)
	}
	s.OK("journalctl --flush")
	if n := s.Machine.Notes; len(n) != 1 || n[0].Subject != "--flush" {
		t.Errorf("the notes are %v", n)
	}
	s.Refuses("journalctl --update-catalog --root=/x", "the tree's own catalog")
	toolboxtest.Must(t, s.FS.WriteFile("/usr/lib/systemd/catalog/b.catalog", []byte("text\n"), 0o644))
	s.Fails("journalctl --update-catalog", 1)
}
