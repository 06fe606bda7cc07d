package debtest_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
	"kiln/internal/deb/debtest"
)

func TestSameSpecSameBytes(t *testing.T) {
	for _, c := range []string{"", "none", "gz", "xz", "zst"} {
		spec := debtest.Spec{Compression: c, Entries: []debtest.Entry{
			{Path: "a/b", Content: "x", Xattrs: map[string]string{"user.b": "1", "user.a": "2", "security.capability": "3"}}}}
		if !bytes.Equal(debtest.Build(spec), debtest.Build(spec)) {
			t.Errorf("compression %q: two builds differ", c)
		}
	}
}

// TestEntries shows how each kind of entry reaches the data archive.
func TestEntries(t *testing.T) {
	spec := debtest.Spec{Time: 7, Entries: []debtest.Entry{
		{Path: "usr/bin/x", Mode: 0o4755, UID: 3, GID: 4, Time: 9, Content: "abc"},
		{Path: "usr/bin/y", Type: 'h', Link: "usr/bin/x"},
		{Path: "usr/share/", Mode: 0o2775},
		{Path: "bin", Link: "/usr/bin"},
		{Path: "dev/null", Type: 'c', Major: 1, Minor: 3},
		{Path: "run/p", Type: 'p'},
		{Path: "../x", Verbatim: true},
		{Path: "/abs", Verbatim: true, Type: 'h', Link: "/etc/passwd"},
	}}
	want := []string{
		"5 ./ 755 0:0 7  0", "5 ./usr/ 755 0:0 7  0", "5 ./usr/bin/ 755 0:0 7  0",
		"0 ./usr/bin/x 4755 3:4 9  3", "1 ./usr/bin/y 644 0:0 7 ./usr/bin/x 0",
		"5 ./usr/share/ 2775 0:0 7  0", "2 ./bin 777 0:0 7 /usr/bin 0",
		"5 ./dev/ 755 0:0 7  0", "3 ./dev/null 644 0:0 7  0", "5 ./run/ 755 0:0 7  0", "6 ./run/p 644 0:0 7  0",
		"0 ../x 644 0:0 7  0", "1 /abs 644 0:0 7 /etc/passwd 0",
	}
	if diff := cmp.Diff(want, list(t, spec)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	bare := debtest.Spec{Bare: true, Entries: []debtest.Entry{{Path: "a/b"}}}
	if diff := cmp.Diff([]string{fmt.Sprintf("0 ./a/b 644 0:0 %d  0", debtest.DefaultTime)}, list(t, bare)); diff != "" {
		t.Errorf("bare (-want +got):\n%s", diff)
	}
}

func list(t *testing.T, spec debtest.Spec) []string {
	t.Helper()
	b := debtest.Build(spec)
	a, err := deb.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := a.Data(deb.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	var lines []string
	r := tar.NewReader(data)
	for h, err := r.Next(); err != io.EOF; h, err = r.Next() {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%c %s %o %d:%d %d %s %d",
			h.Typeflag, h.Name, h.Mode, h.Uid, h.Gid, h.ModTime.Unix(), h.Linkname, h.Size))
	}
	return lines
}

func TestControlText(t *testing.T) {
	got := debtest.ControlText(debtest.Spec{Name: "a", Fields: []string{"Description: mine", "Depends: b"}})
	want := "Package: a\nVersion: 1.0\nArchitecture: all\nDescription: mine\nDepends: b\nMaintainer: Test <test@example.org>\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := debtest.ControlText(debtest.Spec{Control: "X: y\n"}); got != "X: y\n" {
		t.Errorf("got %q", got)
	}
}

func TestUnknownCompressionPanics(t *testing.T) {
	defer func() {
		if p, _ := recover().(string); !strings.HasPrefix(p, "bug: ") {
			t.Errorf("got %q", p)
		}
	}()
	debtest.Build(debtest.Spec{Compression: "rar"})
}
