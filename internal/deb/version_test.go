package deb_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"kiln/internal/deb"
)

// needReal skips a test that needs the real dpkg unless KILN_TEST=real.
func needReal(t *testing.T) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs the real dpkg: set KILN_TEST=real")
	}
}

func sign(n int) string {
	switch {
	case n < 0:
		return "<"
	case n > 0:
		return ">"
	}
	return "="
}

// tableLines returns the lines of a table that testdata/versions.go made.
func tableLines(t *testing.T, name string, least int) []string {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if len(lines) < least {
		t.Fatalf("%s has %d lines, want at least %d", name, len(lines), least)
	}
	return lines
}

func TestCompareAsDpkg(t *testing.T) {
	for _, line := range tableLines(t, "versions.txt", 10_000) {
		var a, b, want string
		if _, err := fmt.Sscan(line, &a, &b, &want); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got := sign(deb.Compare(a, b)); got != want {
			t.Errorf("Compare(%q, %q): got %s, dpkg says %s", a, b, got, want)
		}
		if back, forth := deb.Compare(b, a), deb.Compare(a, b); sign(-back) != sign(forth) {
			t.Errorf("Compare(%q, %q) is %d, and %d the other way round", a, b, forth, back)
		}
		for _, v := range []string{a, b} {
			if err := deb.CheckVersion(v); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestCheckVersionAsDpkg(t *testing.T) {
	for _, line := range tableLines(t, "validity.txt", 500) {
		quoted, verdict, _ := cutLast(line)
		v, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		err = deb.CheckVersion(v)
		if (err == nil) != (verdict == "valid") {
			t.Errorf("CheckVersion(%q): %v, but dpkg says %s", v, err, verdict)
		}
	}
}

func cutLast(line string) (before, after string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return line, "", false
	}
	return line[:i], line[i+1:], true
}

// TestVersionTablesReal asks the dpkg at hand again for every verdict in the tables.
func TestVersionTablesReal(t *testing.T) {
	needReal(t)
	op := map[string]string{"<": "lt", "=": "eq", ">": "gt"}
	for _, line := range tableLines(t, "versions.txt", 10_000) {
		f := strings.Fields(line)
		if err := exec.Command("dpkg", "--compare-versions", f[0], op[f[2]], f[1]).Run(); err != nil {
			t.Errorf("dpkg does not say %q: %v", line, err)
		}
	}
	for _, line := range tableLines(t, "validity.txt", 500) {
		quoted, verdict, _ := cutLast(line)
		v, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatal(err)
		}
		err = exec.Command("dpkg", "--validate-version", "--", v).Run()
		if (err == nil) != (verdict == "valid") {
			t.Errorf("dpkg does not say that %q is %s: %v", v, verdict, err)
		}
	}
}

func TestSatisfies(t *testing.T) {
	rows := []struct {
		have, op, want string
		ok             bool
	}{
		{"1.0", "", "", true},
		{"1.0", "<<", "1.0", false},
		{"1.0~rc1", "<<", "1.0", true},
		{"1.0", "<=", "1.0-0", true},
		{"1.1", "<=", "1.0", false},
		{"1:1.0", "=", "1.0", false},
		{"0:1.0", "=", "1.0", true},
		{"1.0", ">=", "1.0~", true},
		{"1.0~", ">=", "1.0", false},
		{"1.0+b1", ">>", "1.0", true},
		{"1.0", ">>", "1.0", false},
		{"1.0", "~>", "1.0", false},
	}
	for _, r := range rows {
		if got := deb.Satisfies(r.have, r.op, r.want); got != r.ok {
			t.Errorf("Satisfies(%q, %q, %q) = %t", r.have, r.op, r.want, got)
		}
	}
}

func TestCompareDoesNotAllocate(t *testing.T) {
	n := testing.AllocsPerRun(100, func() {
		if deb.Compare("1:2.41-12+deb13u1", "01:2.041-12+deb13u1~bpo12") <= 0 {
			t.Error("wrong order")
		}
	})
	if n != 0 {
		t.Errorf("Compare allocates %v times", n)
	}
}

// FuzzCompare checks that Compare is a total order over all strings.
func FuzzCompare(f *testing.F) {
	f.Add("1.0", "1.0~", "1:0")
	f.Add("0", "-0", ":")
	f.Add("1-", "1", "1-0~")
	f.Add("a:1", "00:1", "+0:1")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if deb.Compare(a, a) != 0 {
			t.Errorf("%q is not equal to itself", a)
		}
		ab, ba := deb.Compare(a, b), deb.Compare(b, a)
		if sign(ab) != sign(-ba) {
			t.Errorf("Compare(%q, %q) is %d, and %d the other way round", a, b, ab, ba)
		}
		if ab <= 0 && deb.Compare(b, c) <= 0 && deb.Compare(a, c) > 0 {
			t.Errorf("%q <= %q <= %q, but not the first to the last", a, b, c)
		}
		if ab == 0 && sign(deb.Compare(a, c)) != sign(deb.Compare(b, c)) {
			t.Errorf("%q = %q, but not so seen from %q", a, b, c)
		}
	})
}
