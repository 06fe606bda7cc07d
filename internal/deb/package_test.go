package deb_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
	"kiln/internal/deb/debtest"
)

const stanza = `Package: libfoo1
Source: foo (2:1.0-3)
Version: 2:1.0-3+b1
Installed-Size: 123
Architecture: amd64
Multi-Arch: same
Essential: yes
Section: libs
Priority: optional
Pre-Depends: dpkg (>= 1.15.6~)
Depends: libc6 (>= 2.41), a | b:any
Recommends: r
Suggests: not, kept ???
Conflicts: c
Breaks: d (<< 2)
Replaces: d (<< 2)
Provides: v, w (= 1.0)
Description: x
 y
Filename: ./pool/f/foo.deb
Size: 4567
SHA256: 00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff
`

func wantPackage() *deb.Package {
	return &deb.Package{
		Name: "libfoo1", Version: "2:1.0-3+b1", Architecture: "amd64", Source: "foo", SourceVersion: "2:1.0-3",
		MultiArch: "same", Section: "libs", Priority: "optional", Essential: true, InstalledSize: 123,
		PreDepends: deb.Relations{{{Name: "dpkg", Op: ">=", Version: "1.15.6~"}}},
		Depends:    deb.Relations{{{Name: "libc6", Op: ">=", Version: "2.41"}}, {{Name: "a"}, {Name: "b", Qualifier: "any"}}},
		Recommends: deb.Relations{{{Name: "r"}}},
		Conflicts:  deb.Relations{{{Name: "c"}}},
		Breaks:     deb.Relations{{{Name: "d", Op: "<<", Version: "2"}}},
		Replaces:   deb.Relations{{{Name: "d", Op: "<<", Version: "2"}}},
		Provides:   deb.Relations{{{Name: "v"}}, {{Name: "w", Op: "=", Version: "1.0"}}},
		Filename:   "pool/f/foo.deb", Size: 4567,
		SHA256: "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	}
}

func parseOne(s string) (*deb.Package, error) {
	p, err := deb.NewReader(strings.NewReader(s)).Next()
	if err != nil {
		return nil, err
	}
	return deb.ParsePackage(p)
}

func TestParsePackage(t *testing.T) {
	got, err := parseOne(stanza)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantPackage(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err = parseOne("package: a\nVERSION: 1\narchitecture: all\nInstalled-Size: some\n")
	if err != nil {
		t.Fatal(err)
	}
	want := &deb.Package{Name: "a", Version: "1", Architecture: "all", Source: "a", SourceVersion: "1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadPackages(t *testing.T) {
	var in strings.Builder
	const n = 1500 // more than any slab holds
	for range n {
		in.WriteString(stanza + "\n")
	}
	got, err := deb.ReadPackages(strings.NewReader(in.String()))
	if err != nil || len(got) != n {
		t.Fatalf("%d packages, %v", len(got), err)
	}
	want := wantPackage()
	for i, p := range got {
		if diff := cmp.Diff(want, p); diff != "" {
			t.Fatalf("package %d (-want +got):\n%s", i, diff)
		}
	}
	if got, err := deb.ReadPackages(strings.NewReader("\n")); got != nil || err != nil {
		t.Errorf("an empty index gives %v, %v", got, err)
	}
}

func TestParsePackageRefuses(t *testing.T) {
	rows := []struct{ field, want string }{
		{"Package:", "a package name is missing"},
		{"Package: a b", `package name "a b" is not valid`},
		{"Package: ../a", `package name "../a" is not valid`},
		{"Version:", `version "" is not valid: it is empty`},
		{"Version: 1/2", "may not hold"},
		{"Version: 1\n 2", "may not hold"},
		{"Architecture: a/b", `architecture "a/b" is not valid`},
		{"Architecture: all\nMulti-Arch: same", `Multi-Arch: same, which architecture "all" cannot be`},
		{"Multi-Arch: yes", `field Multi-Arch: "yes" is none of`},
		{"Essential: maybe", `field Essential: "maybe" is neither yes nor no`},
		{"Source: ?", `field Source: package name "?" is not valid`},
		{"Source: a (1", `field Source: "a (1" is not NAME (VERSION)`},
		{"Source: a (1) b", `field Source: "a (1) b" is not NAME (VERSION)`},
		{"Source: a (x)", `version "x" is not valid`},
		{"Depends: a,,b", "field Depends: cannot read the relationship field"},
		{"Conflicts: a | b", `field Conflicts: "a | b" has alternatives`},
		{"Breaks: a | b", `field Breaks: "a | b" has alternatives`},
		{"Replaces: a | b", `field Replaces: "a | b" has alternatives`},
		{"Provides: a | b", `field Provides: "a | b" has alternatives`},
		{"Provides: a (>= 1)", `field Provides: "a (>= 1)" has the operator ">="`},
		{"Filename: /etc/passwd", "is not a path inside the archive"},
		{"Filename: pool/../../x", "is not a path inside the archive"},
		{"Filename: pool/a\tb", "is not a path inside the archive"},
		{"Filename: ./", "names no file"},
		{"Filename: pool/", "names no file"},
		{"SHA256: 00", `"00" has not 64 digits`},
		{"SHA256: " + strings.Repeat("x", 64), "is not hexadecimal"},
		{"Size: 0", `"0" is not a positive number`},
		{"Size: -1", `"-1" is not a positive number`},
		{"Size: +1", `"+1" is not a positive number`},
		{"Size: 99999999999999999999", "is not a positive number"},
	}
	for _, r := range rows {
		in := replaceField(r.field)
		if _, err := parseOne(in); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%q: got %v, want an error with %s", r.field, err, r.want)
		}
		_, err := deb.ReadPackages(strings.NewReader("\n" + in))
		if err == nil || !strings.Contains(err.Error(), r.want) || !strings.Contains(err.Error(), "at line 2") {
			t.Errorf("%q in an index: got %v, want an error at line 2 with %s", r.field, err, r.want)
		}
	}
}

// replaceField returns the stanza with the fields of text in place of its own.
func replaceField(text string) string {
	out := stanza
	for _, line := range strings.Split(text, "\n") {
		name, _, ok := strings.Cut(line, ":")
		if ok {
			out = dropField(out, name)
		}
	}
	return out + text + "\n"
}

func dropField(s, name string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, name+":") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestPackageNeedsFields(t *testing.T) {
	for _, name := range []string{"Package", "Version", "Architecture"} {
		_, err := parseOne(dropField(stanza, name))
		if err == nil || !strings.Contains(err.Error(), "it has no field "+name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for _, name := range []string{"Package", "Version", "Architecture", "Filename", "Size", "SHA256"} {
		_, err := deb.ReadPackages(strings.NewReader(dropField(stanza, name)))
		if err == nil || !strings.Contains(err.Error(), "it has no field "+name) {
			t.Errorf("an index without %s: %v", name, err)
		}
	}
	_, err := deb.ReadPackages(strings.NewReader(stanza + "SECTION: x\n"))
	if err == nil || !strings.Contains(err.Error(), `field "SECTION" stands there twice`) {
		t.Errorf("got %v", err)
	}
}

func TestStanzaOfDebtest(t *testing.T) {
	spec := debtest.Spec{Name: "a", Version: "1:2-3", Fields: []string{"Depends: b"}}
	built := debtest.Build(spec)
	got, err := deb.ReadPackages(strings.NewReader(debtest.Stanza(spec, built, "pool/"+debtest.FileName(spec))))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Filename != "pool/a_2-3_all.deb" || got[0].Size != int64(len(built)) || got[0].Depends.String() != "b" {
		t.Errorf("got %+v", got)
	}
}

// FuzzReadPackages checks that the quick way to read an index says what the plain
// way does.
func FuzzReadPackages(f *testing.F) {
	f.Add([]byte(stanza))
	f.Add([]byte(stanza + "\n" + strings.ReplaceAll(stanza, "libfoo1", "b") + "\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		quick, err := deb.ReadPackages(bytes.NewReader(in))
		plain, plainErr := readPlainly(in)
		if err != nil {
			return
		}
		if plainErr != nil {
			t.Fatalf("only the plain way refuses: %v", plainErr)
		}
		if diff := cmp.Diff(plain, quick); diff != "" {
			t.Errorf("(-plain +quick):\n%s", diff)
		}
	})
}

func readPlainly(in []byte) ([]*deb.Package, error) {
	r := deb.NewReader(bytes.NewReader(in))
	var all []*deb.Package
	for {
		p, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		pkg, err := deb.ParsePackage(p)
		if err != nil {
			return nil, err
		}
		all = append(all, pkg)
	}
}

func BenchmarkReadPackages(b *testing.B) {
	in := []byte(strings.Repeat(stanza+"\n", 10_000))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := deb.ReadPackages(bytes.NewReader(in)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	for b.Loop() {
		deb.Compare("1:2.41-12+deb13u1", "1:2.41-12+deb13u10")
	}
}
