package deb_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
	"kiln/internal/deb/debtest"
)

// run returns what a peer tool prints.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=1600000000")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	return out
}

func write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// packageDir lays a package out as dpkg-deb -b wants it. Its content is the
// control file of a package of this machine and its shared files.
func packageDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	fields := string(run(t, "dpkg-query", "-W", "-f", "Package: ${Package}\nVersion: ${Version}\nArchitecture: ${Architecture}\n"+
		"Maintainer: ${Maintainer}\nPre-Depends: ${Pre-Depends}\nDepends: ${Depends}\nBreaks: ${Breaks}\nDescription: ${Description}\n", "dpkg"))
	var control strings.Builder
	for line := range strings.Lines(fields) {
		if !strings.HasSuffix(line, ": \n") {
			control.WriteString(line)
		}
	}
	write(t, dir+"/DEBIAN/control", control.String(), 0o644)
	write(t, dir+"/DEBIAN/conffiles", "/etc/example.conf\nremove-on-upgrade /etc/gone.conf\n", 0o644)
	write(t, dir+"/DEBIAN/postinst", "#!/bin/sh\nset -e\n", 0o755)
	write(t, dir+"/etc/example.conf", "x=1\n", 0o644)
	write(t, dir+"/usr/share/"+strings.Repeat("long/", 60)+"name", "deep\n", 0o644)
	for _, name := range strings.Fields(string(run(t, "dpkg-query", "-L", "dpkg"))) {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && strings.HasPrefix(name, "/usr/share/") {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir+name, string(content), info.Mode().Perm())
		}
	}
	return dir
}

// TestDpkgDebReal reads packages that the real dpkg-deb built, in every
// compression, and compares with what dpkg-deb reads from them.
func TestDpkgDebReal(t *testing.T) {
	needReal(t)
	dir := packageDir(t)
	for _, args := range [][]string{
		{"-Znone"}, {"-Zgzip"}, {"-Zgzip", "-z9"}, {"-Zxz"}, {"-Zxz", "-z9", "-Sextreme"}, {"-Zzstd"}, {"-Zzstd", "-z22"},
		{"-Zxz", "--uniform-compression"}, {"-Zzstd", "--uniform-compression"}, {"-Zgzip", "--no-uniform-compression"},
	} {
		file := filepath.Join(t.TempDir(), "x.deb")
		run(t, "dpkg-deb", append(append([]string{"--root-owner-group"}, args...), "-b", dir, file)...)
		compareWithDpkgDeb(t, strings.Join(args, " "), file)
	}
}

// TestDebtestReal shows that what debtest builds is a .deb to dpkg-deb too.
func TestDebtestReal(t *testing.T) {
	needReal(t)
	for _, c := range compressions() {
		spec := sample()
		spec.Compression = c
		file := filepath.Join(t.TempDir(), "x.deb")
		write(t, file, string(debtest.Build(spec)), 0o644)
		compareWithDpkgDeb(t, "debtest "+c, file)
	}
}

func compareWithDpkgDeb(t *testing.T, name, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dataOf(t, content), run(t, "dpkg-deb", "--fsys-tarfile", file); !bytes.Equal(got, want) {
		t.Errorf("%s: the data archives differ: %d bytes, want %d", name, len(got), len(want))
	}
	a, err := open(content)
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Control()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if diff := cmp.Diff(string(run(t, "dpkg-deb", "-f", file)), c.Paragraph.String()); diff != "" {
		t.Errorf("%s: control (-dpkg +kiln):\n%s", name, diff)
	}
	for _, f := range c.Files {
		if diff := cmp.Diff(string(run(t, "dpkg-deb", "-I", file, f.Name)), string(f.Content)); diff != "" {
			t.Errorf("%s: %s (-dpkg +kiln):\n%s", name, f.Name, diff)
		}
	}
	if got := strconv.FormatInt(int64(a.BuiltAt()), 10); !bytes.Contains(content[:68], []byte(got)) {
		t.Errorf("%s: built at %s, which the first header does not say", name, got)
	}
}

// TestDpkgRefusesTooReal shows that dpkg-deb refuses what kiln does of these.
func TestDpkgRefusesTooReal(t *testing.T) {
	needReal(t)
	for name, h := range map[string]debtest.Hostile{
		"version":           {FormatVersion: "3.0\n"},
		"no line feed":      {FormatVersion: "2.0"},
		"first member":      {Before: []debtest.ArMember{{Name: "x"}}},
		"premature":         {Between: []debtest.ArMember{{Name: "x"}}},
		"no control":        {NoControl: true},
		"truncated":         {Truncate: 200},
		"truncated data":    {TruncateData: 20},
		"other compression": {DataName: "data.tar.xz"},
		"unknown":           {DataName: "data.tar.rar"},
	} {
		content := debtest.Build(debtest.Spec{Entries: []debtest.Entry{{Path: "x", Content: "y"}}, Hostile: h})
		file := filepath.Join(t.TempDir(), "x.deb")
		write(t, file, string(content), 0o644)
		if err := exec.Command("dpkg-deb", "--fsys-tarfile", file).Run(); err == nil {
			t.Errorf("%s: dpkg-deb takes it", name)
		}
		a, err := open(content)
		if err == nil {
			var r io.ReadCloser
			if r, err = a.Data(deb.Limits{}); err == nil {
				_, err = io.Copy(io.Discard, r)
			}
		}
		if err == nil {
			t.Errorf("%s: kiln takes it", name)
		}
	}
}
