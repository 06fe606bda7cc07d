package deb_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
	"kiln/internal/deb/debtest"
)

func open(b []byte) (*deb.Archive, error) {
	return deb.Open(bytes.NewReader(b), int64(len(b)))
}

func compressions() []string { return []string{"none", "gz", "xz", "zst"} }

func sample() debtest.Spec {
	return debtest.Spec{
		Name: "a", Version: "1.0-1", Architecture: "amd64", Time: 1_700_000_000,
		Fields:    []string{"Depends: b (>= 2)"},
		Conffiles: []string{"/etc/a.conf", "remove-on-upgrade /etc/old.conf"},
		Scripts:   []debtest.Script{{Name: "postinst", Content: "#!/bin/sh\n"}, {Name: "triggers", Content: "interest /x\n"}},
		Entries:   []debtest.Entry{{Path: "etc/a.conf", Content: "x\n"}, {Path: "usr/bin/a", Mode: 0o4755, Content: "binary"}},
	}
}

func TestArchive(t *testing.T) {
	for _, c := range compressions() {
		spec := sample()
		spec.Compression = c
		a, err := open(debtest.Build(spec))
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		if got := a.BuiltAt(); got != 1_700_000_000 {
			t.Errorf("%s: built at %d", c, got)
		}
		checkControl(t, c, a)
		checkData(t, c, a)
	}
}

func checkControl(t *testing.T, name string, a *deb.Archive) {
	t.Helper()
	got, err := a.Control()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	wantFiles := []deb.ControlFile{
		{Name: "conffiles", Mode: 0o644, Content: []byte("/etc/a.conf\nremove-on-upgrade /etc/old.conf\n")},
		{Name: "postinst", Mode: 0o755, Content: []byte("#!/bin/sh\n")},
		{Name: "triggers", Mode: 0o644, Content: []byte("interest /x\n")},
	}
	if diff := cmp.Diff(wantFiles, got.Files); diff != "" {
		t.Errorf("%s: files (-want +got):\n%s", name, diff)
	}
	wantConffiles := []deb.Conffile{{Path: "/etc/a.conf"}, {Path: "/etc/old.conf", RemoveOnUpgrade: true}}
	if diff := cmp.Diff(wantConffiles, got.Conffiles); diff != "" {
		t.Errorf("%s: conffiles (-want +got):\n%s", name, diff)
	}
	if got.Package.Name != "a" || got.Package.Depends.String() != "b (>= 2)" || got.Paragraph.Get("Maintainer") == "" {
		t.Errorf("%s: got %+v", name, got.Package)
	}
	if got.File("postinst") == nil || got.File("absent") != nil {
		t.Errorf("%s: File finds the wrong ones", name)
	}
}

func checkData(t *testing.T, name string, a *deb.Archive) {
	t.Helper()
	r, err := a.Data(deb.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	var names []string
	tr := tar.NewReader(bytes.NewReader(content))
	for h, err := tr.Next(); err != io.EOF; h, err = tr.Next() {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		names = append(names, h.Name)
	}
	want := []string{"./", "./etc/", "./etc/a.conf", "./usr/", "./usr/bin/", "./usr/bin/a"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("%s: (-want +got):\n%s", name, diff)
	}
}

func TestMembersThatMayStandThere(t *testing.T) {
	extra := []debtest.ArMember{{Name: "_gpgorigin", Content: []byte("odd")}}
	for name, h := range map[string]debtest.Hostile{
		"before control": {Extra: extra},
		"before data":    {Between: extra},
		"behind":         {After: []debtest.ArMember{{Name: "whatever"}, {Name: "sig/"}}},
		"minor version":  {FormatVersion: "2.17\nmore\n"},
	} {
		spec := sample()
		spec.Hostile = h
		a, err := open(debtest.Build(spec))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkData(t, name, a)
	}
}

func TestOpenRefuses(t *testing.T) {
	empty := func(names ...string) (all []debtest.ArMember) {
		for _, n := range names {
			all = append(all, debtest.ArMember{Name: n})
		}
		return all
	}
	rows := []struct {
		hostile debtest.Hostile
		want    string
	}{
		{debtest.Hostile{Before: empty("x")}, "its first member is not debian-binary"},
		{debtest.Hostile{FormatVersion: "3.0\n"}, `its format version is "3.0", not 2.x`},
		{debtest.Hostile{FormatVersion: "2.0"}, `its format version is "2.0", not 2.x`},
		{debtest.Hostile{FormatVersion: "2.x\n"}, `its format version is "2.x", not 2.x`},
		{debtest.Hostile{FormatVersion: "2.\n"}, `its format version is "2.", not 2.x`},
		{debtest.Hostile{Extra: empty("x")}, `unknown member "x" before data.tar`},
		{debtest.Hostile{Between: empty("x")}, `unknown member "x" before data.tar`},
		{debtest.Hostile{Extra: empty("data.tar.gz")}, `the member "data.tar.gz" comes before control.tar`},
		{debtest.Hostile{Between: empty("control.tar")}, `the member "control.tar" stands in the wrong place or is one too many`},
		{debtest.Hostile{After: empty("control.tar")}, `the member "control.tar" stands in the wrong place or is one too many`},
		{debtest.Hostile{After: empty("data.tar.xz")}, `the member "data.tar.xz" stands in the wrong place or is one too many`},
		{debtest.Hostile{After: empty("debian-binary")}, `the member "debian-binary" stands in the wrong place or is one too many`},
		{debtest.Hostile{NoData: true}, "it is truncated: it has no member data.tar"},
		{debtest.Hostile{NoData: true, NoControl: true}, "it is truncated: it has no member control.tar"},
		{debtest.Hostile{NoControl: true}, "comes before control.tar"},
		{debtest.Hostile{After: empty(strings.Split(strings.Repeat("x,", 80), ",")...)}, "it has more than 64 members"},
	}
	for _, r := range rows {
		_, err := open(debtest.Build(debtest.Spec{Hostile: r.hostile}))
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read the .deb: ") || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%+v: got %v, want an error with %s", r.hostile, err, r.want)
		}
	}
}

func TestOpenRefusesDamage(t *testing.T) {
	good := string(debtest.Build(debtest.Spec{}))
	rows := []struct{ name, in, want string }{
		{"other file", "PK\x03\x04" + good, "it is no ar archive"},
		{"header end", strings.Replace(good, "`\n", "`\r", 1), "the member header at offset 8 is damaged"},
		{"size", strings.Replace(good, "4         `", "0x4       `", 1), `the size of member "debian-binary" is "0x4", which is not a number`},
		{"negative size", strings.Replace(good, "4         `", "-4        `", 1), "which is not a number"},
		{"time", strings.Replace(good, "1735689600", "1735 89600", 1), `the time of member "debian-binary"`},
	}
	for _, r := range rows {
		if r.in == good {
			t.Errorf("%s: the damage missed", r.name)
		}
		if _, err := open([]byte(r.in)); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: got %v, want an error with %s", r.name, err, r.want)
		}
	}
}

// TestTruncated cuts a .deb at every length: no cut goes unnoticed.
func TestTruncated(t *testing.T) {
	for _, c := range compressions() {
		spec := sample()
		spec.Compression = c
		whole := debtest.Build(spec)
		if whole[len(whole)-1] == '\n' && c != "none" {
			whole = whole[:len(whole)-1] // padding, which may be missing
		}
		for n := range whole {
			if _, err := open(whole[:n]); !errors.Is(err, deb.ErrTruncated) {
				t.Fatalf("%s cut to %d of %d bytes: got %v", c, n, len(whole), err)
			}
		}
	}
}

func TestTruncatedData(t *testing.T) {
	for _, c := range compressions()[1:] {
		for _, n := range []int{1, 4, 20} {
			spec := sample()
			spec.Compression = c
			spec.Hostile.TruncateData = n
			if _, err := readData(spec, deb.Limits{}); !errors.Is(err, deb.ErrTruncated) {
				t.Errorf("%s less %d bytes: got %v", c, n, err)
			}
		}
	}
	spec := sample()
	for _, c := range compressions()[1:] {
		spec.Compression, spec.Hostile.Data = c, []byte{}
		if _, err := readData(spec, deb.Limits{}); !errors.Is(err, deb.ErrTruncated) {
			t.Errorf("%s of no bytes: got %v", c, err)
		}
	}
}

func readData(spec debtest.Spec, limit deb.Limits) (int64, error) {
	a, err := open(debtest.Build(spec))
	if err != nil {
		return 0, err
	}
	r, err := a.Data(limit)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return io.Copy(io.Discard, r)
}

// TestDamagedData flips each bit of some bytes in compressed data: no reader may
// come to io.EOF with other content than was written.
func TestDamagedData(t *testing.T) {
	for _, c := range compressions()[1:] {
		spec := sample()
		spec.Compression = c
		whole := debtest.Build(spec)
		want := dataOf(t, whole)
		start := bytes.Index(whole, []byte("data.tar")) + 60
		for at := start; at < len(whole)-1; at += 3 {
			damaged := bytes.Clone(whole)
			damaged[at] ^= 1 << (at % 8)
			a, err := open(damaged)
			if err != nil {
				t.Fatal(err)
			}
			r, err := a.Data(deb.Limits{})
			if err != nil {
				continue
			}
			if got, err := io.ReadAll(r); err == nil && !bytes.Equal(got, want) {
				t.Errorf("%s: byte %d damaged, and nothing said", c, at-start)
			}
		}
	}
}

func dataOf(t *testing.T, b []byte) []byte {
	t.Helper()
	a, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Data(deb.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestWrongCompression(t *testing.T) {
	rows := []struct{ is, name, want string }{
		{"xz", "data.tar.gz", `cannot read the member "data.tar.gz": its content is xz, not gzip as its name says`},
		{"gz", "data.tar", "its content is gzip, not uncompressed as its name says"},
		{"zst", "data.tar.xz", "its content is zstd, not xz as its name says"},
		{"gz", "data.tar.zst", "its content is gzip, not zstd as its name says"},
		{"none", "data.tar.gz", `cannot read the member "data.tar.gz": its content is not gzip as its name says`},
		{"none", "data.tar.xz", "its content is not xz as its name says"},
		{"none", "data.tar.zst", "its content is not zstd as its name says"},
		{"gz", "data.tar.bz2", `unknown compression ".bz2": want none, .gz, .xz or .zst`},
	}
	for _, r := range rows {
		_, err := readData(debtest.Spec{Compression: r.is, Hostile: debtest.Hostile{DataName: r.name}}, deb.Limits{})
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s as %s: got %v, want an error with %s", r.is, r.name, err, r.want)
		}
	}
}

func TestBomb(t *testing.T) {
	for _, c := range compressions() {
		spec := debtest.Spec{Compression: c, Hostile: debtest.Hostile{Bomb: 1 << 20}}
		if n, err := readData(spec, deb.Limits{Size: 1 << 19}); !errors.Is(err, deb.ErrBomb) || n > 1<<19 {
			t.Errorf("%s: size: %d bytes came, %v", c, n, err)
		}
		if _, err := readData(spec, deb.Limits{Size: 1 << 21}); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
	big := debtest.Spec{Compression: "zst", Hostile: debtest.Hostile{Bomb: 80 << 20}}
	if _, err := readData(big, deb.Limits{}); !errors.Is(err, deb.ErrBomb) {
		t.Errorf("ratio: %v", err)
	}
	if _, err := readData(big, deb.Limits{Ratio: 1 << 40}); err != nil {
		t.Errorf("ratio allowed: %v", err)
	}
	control := debtest.Spec{Compression: "zst", Hostile: debtest.Hostile{ControlBomb: 65 << 20}}
	a, err := open(debtest.Build(control))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Control(); !errors.Is(err, deb.ErrBomb) {
		t.Errorf("control: %v", err)
	}
}

func TestControlRefuses(t *testing.T) {
	script := func(name string, typ byte) debtest.Spec {
		return debtest.Spec{Scripts: []debtest.Script{{Name: name, Type: typ, Link: "control"}}}
	}
	rows := []struct {
		spec debtest.Spec
		want string
	}{
		{script("postinst", 'l'), `"./postinst" is not a regular file`},
		{script("postinst", 'h'), `"./postinst" is not a regular file`},
		{script("postinst", 'p'), `"./postinst" is not a regular file`},
		{script("sub", 'd'), `"./sub" is not a regular file`},
		{script("../postinst", 'f'), `"../postinst" is not a file name`},
		{script("/postinst", 'f'), `"/postinst" is not a file name`},
		{script("./a/b", 'f'), `"./a/b" is not a file name`},
		{script("./..", 'f'), `"./.." is not a file name`},
		{script("control", 'f'), `"control" stands there twice`},
		{debtest.Spec{Scripts: []debtest.Script{{Name: "prerm"}, {Name: "prerm"}}}, `"prerm" stands there twice`},
		{debtest.Spec{Control: "\n"}, "the control file is empty"},
		{debtest.Spec{Control: "Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\n"}, "more than one paragraph"},
		{debtest.Spec{Control: "Package: a\n"}, `cannot read the package "a" at line 1: it has no field Version`},
		{debtest.Spec{Control: "Package: a"}, "the file ends inside line 1"},
		{debtest.Spec{Conffiles: []string{"etc/x"}}, `conffiles: "etc/x" is neither an absolute path`},
		{debtest.Spec{Conffiles: []string{"keep /etc/x"}}, `conffiles: "keep /etc/x" is neither`},
		{debtest.Spec{Conffiles: []string{"remove-on-upgrade"}}, `conffiles: "" is not an absolute path`},
		{debtest.Spec{Conffiles: []string{"/etc/../x"}}, `conffiles: "/etc/../x" is not an absolute path without ".."`},
		{debtest.Spec{Conffiles: []string{"/etc/x", "/etc//x"}}, `conffiles: "/etc//x" stands there twice`},
		{debtest.Spec{Scripts: []debtest.Script{{Name: "conffiles", Content: "/etc/x"}}}, "conffiles: the last line has no line feed"},
	}
	for _, r := range rows {
		a, err := open(debtest.Build(r.spec))
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Control()
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read the control archive: ") || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%+v: got %v, want an error with %s", r.spec, err, r.want)
		}
	}
}

func FuzzArchive(f *testing.F) {
	for _, c := range compressions() {
		spec := sample()
		spec.Compression = c
		f.Add(debtest.Build(spec))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := open(b)
		if err != nil {
			return
		}
		if c, err := a.Control(); err == nil && (c.Package.Name == "" || c.Paragraph.Get("Package") != c.Package.Name) {
			t.Errorf("control without a name: %+v", c.Package)
		}
		r, err := a.Data(deb.Limits{Size: 1 << 20})
		if err != nil {
			return
		}
		defer r.Close()
		if n, _ := io.Copy(io.Discard, r); n > 1<<20 {
			t.Errorf("%d bytes came through a limit of 1 MiB", n)
		}
	})
}
