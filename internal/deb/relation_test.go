package deb_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb"
)

func TestParseRelations(t *testing.T) {
	rows := []struct {
		in   string
		want deb.Relations
		back string // canonical form; in where empty
	}{
		{"", nil, ""},
		{" \n ", nil, ""},
		{"libc6", deb.Relations{{{Name: "libc6"}}}, ""},
		{"a | b, c", deb.Relations{{{Name: "a"}, {Name: "b"}}, {{Name: "c"}}}, ""},
		{"a|b,c", deb.Relations{{{Name: "a"}, {Name: "b"}}, {{Name: "c"}}}, "a | b, c"},
		{"a\n ,\n b", deb.Relations{{{Name: "a"}}, {{Name: "b"}}}, "a, b"},
		{"libc6 (>= 2.41)", deb.Relations{{{Name: "libc6", Op: ">=", Version: "2.41"}}}, ""},
		{"libc6(>=2.41 )", deb.Relations{{{Name: "libc6", Op: ">=", Version: "2.41"}}}, "libc6 (>= 2.41)"},
		{"a (<< 1), b (<= 1), c (= 1:2-3), d (>> 0~)", deb.Relations{
			{{Name: "a", Op: "<<", Version: "1"}}, {{Name: "b", Op: "<=", Version: "1"}},
			{{Name: "c", Op: "=", Version: "1:2-3"}}, {{Name: "d", Op: ">>", Version: "0~"}}}, ""},
		{"a (< 1), b (> 1), c (1)", deb.Relations{
			{{Name: "a", Op: "<=", Version: "1"}}, {{Name: "b", Op: ">=", Version: "1"}}, {{Name: "c", Op: "=", Version: "1"}}},
			"a (<= 1), b (>= 1), c (= 1)"},
		{"python3:any (>= 3.13~)", deb.Relations{{{Name: "python3", Qualifier: "any", Op: ">=", Version: "3.13~"}}}, ""},
		{"gcc:native, libc6:i386", deb.Relations{{{Name: "gcc", Qualifier: "native"}}, {{Name: "libc6", Qualifier: "i386"}}}, ""},
		{"a [amd64 arm64] | b [!s390x] <!nocheck> <cross !stage1>", deb.Relations{{
			{Name: "a", Architectures: []string{"amd64", "arm64"}},
			{Name: "b", Architectures: []string{"!s390x"}, Profiles: [][]string{{"!nocheck"}, {"cross", "!stage1"}}}}}, ""},
		{"g++ (>= 4:14) [any-amd64]<!nodoc>", deb.Relations{{
			{Name: "g++", Op: ">=", Version: "4:14", Architectures: []string{"any-amd64"}, Profiles: [][]string{{"!nodoc"}}}}},
			"g++ (>= 4:14) [any-amd64] <!nodoc>"},
	}
	for _, r := range rows {
		got, err := deb.ParseRelations(r.in)
		if err != nil {
			t.Errorf("%q: %v", r.in, err)
			continue
		}
		if diff := cmp.Diff(r.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", r.in, diff)
		}
		want := r.back
		if want == "" {
			want = strings.TrimSpace(r.in)
		}
		if got.String() != want {
			t.Errorf("%q prints as %q, want %q", r.in, got.String(), want)
		}
	}
}

func TestParseRelationsRefuses(t *testing.T) {
	rows := []struct{ in, want string }{
		{",", "a package name is missing"},
		{"a,", "a package name is missing"},
		{"a,,b", "a package name is missing"},
		{"a |", "a package name is missing"},
		{"| a", "a package name is missing"},
		{"a b", `unexpected "b" after "a"`},
		{"+a", `package name "+a" is not valid`},
		{"a/b", `package name "a/b" is not valid`},
		{"${shlibs:Depends}", "is not valid"},
		{"a:", `architecture qualifier "" of "a" is not valid`},
		{"a:b_c", `architecture qualifier "b_c" of "a" is not valid`},
		{"a (", `the version bound of "a" has no end`},
		{"a (>= 1", `the version bound of "a" has no end`},
		{"a (>= 1 2)", `the version bound of "a" has no end`},
		{"a ()", `bound of "a": version "" is not valid`},
		{"a (>= x)", `version "x" is not valid`},
		{"a (=> 1)", `unknown operator "=>"`},
		{"a (<> 1)", `unknown operator "<>"`},
		{"a (== 1)", `unknown operator "=="`},
		{"a (>= 1) (<< 2)", `unexpected "(<< 2)"`},
		{"a [", `architecture list of "a": no closing ']'`},
		{"a []", `architecture list of "a": it is empty`},
		{"a [amd64 !i386]", "mixes names"},
		{"a [_]", `architecture "_" in the list of "a" is not valid`},
		{"a <", `build profiles of "a": no closing '>'`},
		{"a <>", `build profiles of "a": it is empty`},
		{"a <!>", `build profile "!" of "a" is not valid`},
	}
	for _, r := range rows {
		_, err := deb.ParseRelations(r.in)
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%q: got %v, want an error with %s", r.in, err, r.want)
		}
	}
}

// TestRelationsStandAlone checks that appending to one dependency, which shares
// its memory with the next, does not change that one.
func TestRelationsStandAlone(t *testing.T) {
	rs, err := deb.ParseRelations("a | b, c")
	if err != nil {
		t.Fatal(err)
	}
	longer := append(rs[0], deb.Relation{Name: "x"})
	if got := longer.String() + ", " + rs[1].String(); got != "a | b | x, c" {
		t.Errorf("got %q", got)
	}
}

func TestAppliesTo(t *testing.T) {
	rows := []struct {
		list, arch string
		want       bool
	}{
		{"", "amd64", true},
		{"[amd64]", "amd64", true},
		{"[amd64]", "arm64", false},
		{"[amd64 arm64]", "arm64", true},
		{"[!amd64]", "amd64", false},
		{"[!amd64]", "arm64", true},
		{"[!amd64 !arm64]", "arm64", false},
		{"[any]", "riscv64", true},
		{"[linux-any]", "riscv64", true},
		{"[kfreebsd-any]", "amd64", false},
		{"[!linux-any]", "amd64", false},
		{"[any-amd64]", "amd64", true},
		{"[any-arm]", "armhf", true},
		{"[linux-arm]", "armhf", true},
		{"[any-arm]", "arm64", false},
	}
	for _, r := range rows {
		rs, err := deb.ParseRelations("x " + r.list)
		if err != nil {
			t.Fatal(err)
		}
		if got := rs[0][0].AppliesTo(r.arch); got != r.want {
			t.Errorf("%s on %s: got %t", r.list, r.arch, got)
		}
	}
}

func TestSatisfiedBy(t *testing.T) {
	bound := deb.Relation{Name: "x", Op: ">=", Version: "2"}
	for version, want := range map[string]bool{"2": true, "1": false, "": false} {
		if got := bound.SatisfiedBy(version); got != want {
			t.Errorf("%q: got %t", version, got)
		}
	}
	if !(deb.Relation{Name: "x"}).SatisfiedBy("") {
		t.Error("no bound must be met by an unversioned Provides")
	}
}

func TestArchitecture(t *testing.T) {
	want := map[string][2]string{
		"linux/amd64":   {"amd64", "x86_64-linux-gnu"},
		"linux/arm64":   {"arm64", "aarch64-linux-gnu"},
		"linux/arm/v7":  {"armhf", "arm-linux-gnueabihf"},
		"linux/386":     {"i386", "i386-linux-gnu"},
		"linux/ppc64le": {"ppc64el", "powerpc64le-linux-gnu"},
		"linux/riscv64": {"riscv64", "riscv64-linux-gnu"},
		"linux/s390x":   {"s390x", "s390x-linux-gnu"},
	}
	got := map[string][2]string{}
	for _, p := range kiln.Platforms() {
		arch, err := deb.Architecture(p)
		if err != nil {
			t.Fatal(err)
		}
		got[p.String()] = [2]string{arch, deb.MultiarchTuple(arch)}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := deb.Architecture(kiln.Platform{OS: "windows", Architecture: "amd64"})
	if kiln.CodeOf(err) != kiln.User || len(kiln.HintsOf(err)) == 0 {
		t.Errorf("got %v with hints %q", err, kiln.HintsOf(err))
	}
	if got := deb.MultiarchTuple("all"); got != "" {
		t.Errorf("architecture all has the tuple %q", got)
	}
}

// FuzzRelations checks that what parses prints to something that parses to the same.
func FuzzRelations(f *testing.F) {
	f.Add("a:any (>= 1:2~-3) [!amd64] <!x y> <z> | b(1), c")
	f.Add("a\n (<\t1 )")
	f.Add("a [any]<x>|b")
	f.Fuzz(func(t *testing.T, s string) {
		first, err := deb.ParseRelations(s)
		if err != nil {
			return
		}
		second, err := deb.ParseRelations(first.String())
		if err != nil {
			t.Fatalf("%q prints as %q, which is refused: %v", s, first.String(), err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%q (-first +second):\n%s", s, diff)
		}
	})
}
