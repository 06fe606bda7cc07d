package changelog_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
	"kiln/internal/deb/changelog"
)

const sample = `hello (2.12-3) trixie-security; urgency=HIGH (a reason), binary-only=yes

  [ A. Person ]
  * Fix an overflow (CVE-2025-12345, cve-2025-0001). Closes: #1003,
    bug#1001
  * Closes:1002, 7

  * Last.

 -- A. Person <a@example.org>  Sat, 01 Mar 2025 12:00:00 +0100

# a comment
hello (2.12-2) unstable experimental; urgency=medium

  * CVE-2025-12345678 and CVE-99-1.
 -- B <b@example.org> Fri, 28 Feb 2025 12:00:00 +0100
something else
 neither a change

hello (1:2.12-1) unstable; priority=x
  * No trailer.
Local variables:
mode: debian-changelog
hello (2.0-1) unstable; urgency=low
`

func TestParse(t *testing.T) {
	got, err := changelog.Parse(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := []changelog.Entry{
		{
			Source: "hello", Version: "2.12-3", Distributions: []string{"trixie-security"}, Urgency: "high", BinaryOnly: true,
			Changes: []string{
				"  [ A. Person ]", "  * Fix an overflow (CVE-2025-12345, cve-2025-0001). Closes: #1003,", "    bug#1001", "  * Closes:1002, 7", "", "  * Last.",
			},
			Maintainer: "A. Person <a@example.org>", Date: "Sat, 01 Mar 2025 12:00:00 +0100",
			Closes: []int{7, 1001, 1002, 1003}, CVEs: []string{"CVE-2025-0001", "CVE-2025-12345"},
		},
		{
			Source: "hello", Version: "2.12-2", Distributions: []string{"unstable", "experimental"}, Urgency: "medium",
			Changes:    []string{"  * CVE-2025-12345678 and CVE-99-1."},
			Maintainer: "B <b@example.org>", Date: "Fri, 28 Feb 2025 12:00:00 +0100", CVEs: []string{"CVE-2025-12345678"},
		},
		{Source: "hello", Version: "1:2.12-1", Distributions: []string{"unstable"}, Changes: []string{"  * No trailer."}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "it has no entry",
		"Version 2.12\n\n* something\n": "it has no entry",
		"a (1) b; urgency=low\n" + strings.Repeat("x", 2<<20): "a line is too long",
	} {
		if _, err := changelog.Parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: error %v, want %q", text, err, want)
		}
	}
}

func TestBetween(t *testing.T) {
	var all []changelog.Entry
	for _, v := range []string{"1:1.0-1", "2.0-2", "2.0-1", "2.0~rc1-1", "1.0-1"} {
		all = append(all, changelog.Entry{Version: v})
	}
	for _, row := range []struct {
		old, new string
		want     string
		cut      bool
	}{
		{"1.0-1", "2.0-1", "2.0-1 2.0~rc1-1", false},
		{"2.0-1", "1:1.0-1", "1:1.0-1 2.0-2", false},
		{"2.0-1", "2.0-1+b1", "", false},
		{"0.9-1", "1.0-1", "1.0-1", true},
		{"2.0-2", "2.0-1", "", false},
	} {
		list, cut := changelog.Between(all, row.old, row.new)
		var got []string
		for _, e := range list {
			got = append(got, e.Version)
		}
		if strings.Join(got, " ") != row.want || cut != row.cut {
			t.Errorf("%s to %s: %q, cut %v", row.old, row.new, got, cut)
		}
	}
}

// Of the files in a package's folder of documents those of Debian count.
func TestOf(t *testing.T) {
	zip := func(text string) []byte {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return buf.Bytes()
	}
	entry := func(source, version string) string {
		return source + " (" + version + ") unstable; urgency=low\n\n  * x\n\n -- A <a@example.org>  Sun, 01 Mar 2026 10:00:00 +0000\n"
	}
	for _, row := range []struct {
		summary string
		files   map[string][]byte
		want    string
		err     string
	}{
		{summary: "none", files: map[string][]byte{"copyright": []byte("x")}},
		{summary: "Debian's and upstream's", files: map[string][]byte{"changelog.Debian.gz": zip(entry("a", "1-1")), "changelog.gz": zip(entry("a", "0.1"))}, want: "1-1"},
		{summary: "upstream's alone", files: map[string][]byte{"changelog.gz": zip("Version 1\n\n * words\n")}},
		{summary: "upstream's in the same form", files: map[string][]byte{"changelog.gz": zip(entry("other", "1"))}},
		{summary: "a native package", files: map[string][]byte{"changelog.gz": zip(entry("a", "1"))}, want: "1"},
		{summary: "not compressed", files: map[string][]byte{"changelog.Debian": []byte(entry("a", "1-1"))}, want: "1-1"},
		{summary: "a rebuild", files: map[string][]byte{"changelog.Debian.gz": zip(entry("a", "1-1")), "changelog.Debian.amd64.gz": zip(entry("a", "1-1+b1"))}, want: "1-1+b1 1-1"},
		{summary: "damaged", files: map[string][]byte{"changelog.Debian.gz": []byte("x")}, err: "cannot decompress changelog.Debian.gz"},
		{summary: "empty", files: map[string][]byte{"changelog.Debian": {}}, err: "it has no entry"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			all, err := changelog.Of(row.files, "a")
			if row.err != "" != (err != nil) || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Fatalf("error %v, want %q", err, row.err)
			}
			var got []string
			for _, e := range all {
				got = append(got, e.Version)
			}
			if strings.Join(got, " ") != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("a (1) b c; urgency=low\r\n\r\n  * x\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := changelog.Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		var again strings.Builder
		for _, e := range all {
			fmt.Fprintf(&again, "%s (%s) %s; urgency=%s\n\n%s\n\n", e.Source, e.Version, strings.Join(e.Distributions, " "), e.Urgency, strings.Join(e.Changes, "\n"))
			if !slices.IsSorted(e.Closes) || !slices.IsSorted(e.CVEs) {
				t.Errorf("not sorted: %+v", e)
			}
		}
		twice, err := changelog.Parse(strings.NewReader(again.String()))
		if err != nil || len(twice) != len(all) {
			t.Fatalf("%d entries became %d: %v", len(all), len(twice), err)
		}
		for i := range all {
			if !slices.Equal(all[i].Changes, twice[i].Changes) || all[i].Version != twice[i].Version {
				t.Errorf("%+v became %+v", all[i], twice[i])
			}
		}
	})
}

// dpkg is asked for its opinion of every changelog of this machine.
func TestDpkgAgrees(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks dpkg-parsechangelog: set KILN_TEST=real")
	}
	files, err := filepath.Glob("/usr/share/doc/*/changelog.Debian.gz")
	if err != nil {
		t.Fatal(err)
	}
	native := []string{"/usr/share/doc/dpkg/changelog.gz", "/usr/share/doc/base-files/changelog.gz"} // they are Debian's own
	checked, entries := 0, 0
	for _, file := range append(native, files...) {
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
			continue
		}
		n := compareWithDpkg(t, file)
		checked, entries = checked+1, entries+n
		if checked == 150 {
			break
		}
	}
	if checked < 50 {
		t.Errorf("only %d changelogs are there", checked)
	}
	t.Logf("%d changelogs, %d entries", checked, entries)
}

func compareWithDpkg(t *testing.T, file string) int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	got, err := changelog.Parse(bytes.NewReader(text))
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return 0
	}
	cmd := exec.Command("dpkg-parsechangelog", "--all", "--format", "rfc822", "-l", "-")
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	want := entriesOf(t, out)
	// dpkg stops at the first heading of the form of 1994, which its own changelog
	// has in the midst of the usual ones.
	if filepath.Base(filepath.Dir(file)) == "dpkg" {
		got = got[:min(len(got), len(want))]
	}
	if len(want) != len(got) {
		t.Errorf("%s: %d entries, dpkg finds %d", file, len(got), len(want))
		return 0
	}
	for i := range want {
		got[i].BinaryOnly, got[i].CVEs = false, nil
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("%s: (-dpkg +kiln):\n%s", file, diff)
			return 0
		}
	}
	return len(want)
}

// entriesOf reads dpkg's answer.
func entriesOf(t *testing.T, out []byte) []changelog.Entry {
	t.Helper()
	var all []changelog.Entry
	r := deb.NewReader(bytes.NewReader(append(out, '\n')))
	for {
		p, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		e := changelog.Entry{
			Source: p.Get("Source"), Version: p.Get("Version"), Distributions: strings.Fields(p.Get("Distribution")), Urgency: p.Get("Urgency"),
			Maintainer: p.Get("Maintainer"), Date: p.Get("Date"), Changes: []string{},
		}
		for n := range strings.FieldsSeq(p.Get("Closes")) {
			number, err := strconv.Atoi(n)
			if err != nil {
				t.Fatal(err)
			}
			e.Closes = append(e.Closes, number)
		}
		for line := range strings.Lines(p.Get("Changes")) {
			line = strings.TrimRight(strings.TrimPrefix(line, " "), " \t\n")
			if line == "." {
				line = ""
			}
			e.Changes = append(e.Changes, line)
		}
		for len(e.Changes) > 0 && !strings.HasPrefix(e.Changes[0], "  ") { // the heading again
			e.Changes = e.Changes[1:]
		}
		all = append(all, e)
	}
}
