package systemdb_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/systemdb"
)

// readHwdb lists the properties of an hwdb.bin as "MATCH key=value file:line priority",
// and fails where an offset leads nowhere.
func readHwdb(t *testing.T, b []byte) []string {
	t.Helper()
	u64 := func(at uint64) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	text := func(at uint64) string { return string(b[at : at+uint64(bytes.IndexByte(b[at:], 0))]) }
	if string(b[:8]) != "KSLPHHRH" || u64(16) != uint64(len(b)) || u64(24)+u64(64)+u64(72) != uint64(len(b)) {
		t.Fatalf("the header is %x", b[:80])
	}
	var found []string
	var walk func(at uint64, before string)
	walk = func(at uint64, before string) {
		before += text(u64(at))
		children, values := u64(at+8), u64(at+16)
		at += 24
		for range children {
			walk(u64(at+8), before+string(rune(b[at])))
			at += 16
		}
		for range values {
			line := binary.LittleEndian.Uint32(b[at+24:])
			priority := binary.LittleEndian.Uint16(b[at+28:])
			found = append(found, fmt.Sprintf("%s%s=%s %s:%d %d", before, text(u64(at)), text(u64(at+8)), text(u64(at+16)), line, priority))
			at += 32
		}
	}
	walk(u64(56), "")
	return found
}

func TestHwdb(t *testing.T) {
	const a, b = "/usr/lib/udev/hwdb.d/20-a.hwdb", "/usr/lib/udev/hwdb.d/30-b.hwdb"
	for _, row := range []struct {
		name    string
		sources []systemdb.Source
		want    []string
	}{
		{"nothing", nil, nil},
		{"one record", []systemdb.Source{{a, []byte("# c\npci:v1*\n ID_VENDOR=One # two\n  ID_X=a=b\n")}}, []string{"pci:v1* ID_VENDOR=One " + a + ":3 1", "pci:v1* ID_X=a=b " + a + ":4 1"}},
		{"two matches", []systemdb.Source{{a, []byte("b\nab\n K=v\n\nabc\n K=w")}}, []string{
			"abc K=w " + a + ":6 1", "ab K=v " + a + ":3 1", "b K=v " + a + ":3 1",
		}},
		{"a split node keeps what it had", []systemdb.Source{{a, []byte("abcd\n K=1\n\nabxy\n K=2\n\nab\n K=3\n")}}, []string{
			"abcd K=1 " + a + ":2 1", "abxy K=2 " + a + ":5 1", "ab K=3 " + a + ":8 1",
		}},
		{"a later file wins", []systemdb.Source{{a, []byte("m\n K=1\n A=0\n")}, {b, []byte("m\n K=2\n")}}, []string{"m A=0 " + a + ":3 1", "m K=2 " + b + ":2 2"}},
		{"lines that are passed over", []systemdb.Source{{a, []byte(" lost=1\nm\n\nn\n noequals\n =v\n K=v\nlost\n K=lost\n\n")}}, []string{"n K=v " + a + ":7 1"}},
		{"an empty value", []systemdb.Source{{a, []byte("m\n K=\n")}}, []string{"m K= " + a + ":2 1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := systemdb.WriteHwdb(row.sources, 257)
			if v := binary.LittleEndian.Uint64(got[8:]); v != 257 {
				t.Errorf("the version is %d", v)
			}
			if found := readHwdb(t, got); !slices.Equal(found, row.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(row.want, "\n"))
			}
		})
	}
}

// The end of a text that is there is not kept again.
func TestTextsAreShared(t *testing.T) {
	got := systemdb.WriteHwdb([]systemdb.Source{{"/f", []byte("m\n A=the whole text\n B=text\n C=whole text\n")}}, 257)
	if n := bytes.Count(got, []byte("text\x00")); n != 1 {
		t.Errorf("%d copies of the text\n%q", n, got[80:])
	}
}

// readCatalog lists the messages of a database as "ID LANGUAGE text".
func readCatalog(t *testing.T, b []byte) []string {
	t.Helper()
	n := binary.LittleEndian.Uint64(b[24:])
	if string(b[:8]) != "RHHHKSLP" || binary.LittleEndian.Uint64(b[16:]) != 40 || binary.LittleEndian.Uint64(b[32:]) != 56 {
		t.Fatalf("the header is %x", b[:40])
	}
	texts := b[40+56*n:]
	var found []string
	for i := range n {
		item := b[40+56*i:]
		at := binary.LittleEndian.Uint64(item[48:])
		text := texts[at : at+uint64(bytes.IndexByte(texts[at:], 0))]
		found = append(found, fmt.Sprintf("%x %s %s", item[:1], bytes.TrimRight(item[16:48], "\x00"), text))
	}
	return found
}

func TestCatalog(t *testing.T) {
	id := func(n int) string { return fmt.Sprintf("-- %02x%030d", n, 0) }
	for _, row := range []struct {
		name      string
		sources   []systemdb.Source
		want      []string
		wantError string
	}{
		{"sorted by id and language", []systemdb.Source{
			{"/c/a.de.catalog", []byte("# c\n\n" + id(2) + "\nSubject: zwei\n\nText\n\n" + id(1) + "\nSubject: eins\n")},
			{"/c/a.catalog", []byte(id(1) + "\nSubject: one\n")},
		}, []string{"01  Subject: one\n", "01 de Subject: eins\n", "02 de Subject: zwei\n\nText\n"}, ""},
		{"a language of its own", []systemdb.Source{{"/c/a.catalog", []byte(id(1) + " fr\nSubject: un\n")}}, []string{"01 fr Subject: un\n"}, ""},
		{"the second of a message adds headers", []systemdb.Source{
			{"/c/a.catalog", []byte(id(1) + "\nSubject: one\n\nBody\n")}, {"/c/b.catalog", []byte(id(1) + "\nSupport: two\n\nOther\n")},
		}, []string{"01  Support: two\nSubject: one\n\nOther\n"}, ""},
		{"no messages", []systemdb.Source{{"/c/a.catalog", []byte("# nothing\n")}}, nil, ""},
		{"text without an id", []systemdb.Source{{"/c/a.catalog", []byte("\ntext\n")}}, nil, `"/c/a.catalog", line 2: there is text before`},
		{"an id without text", []systemdb.Source{{"/c/a.catalog", []byte(id(1) + "\n\n" + id(2) + "\nx\n")}}, nil, "line 3: a message has no text"},
		{"a language that is too short", []systemdb.Source{{"/c/a.catalog", []byte(id(1) + " f\nx\n")}}, nil, `line 1: the language "f"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := systemdb.WriteCatalog(row.sources)
			if row.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), row.wantError) {
					t.Fatalf("the error is %v, want %q", err, row.wantError)
				}
				return
			}
			if err != nil || (got == nil) != (row.want == nil) {
				t.Fatalf("%v, %d bytes", err, len(got))
			}
			if got == nil {
				return
			}
			if found := readCatalog(t, got); !slices.Equal(found, row.want) {
				t.Errorf("got\n%q\nwant\n%q", found, row.want)
			}
		})
	}
}

// journalctl makes the same database of the same messages.
func TestAgainstJournalctl(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("has journalctl compile a catalog: KILN_TEST=real")
	}
	root := t.TempDir()
	var sources []systemdb.Source
	for i, text := range []string{
		"# comment\n; another\n\n-- 0100000000000000000000000000000f\nSubject: one\nSupport: x\n\nA text\n\n\nof two paragraphs\n-- no header\n",
		"-- 0100000000000000000000000000000f de\nSubject: eins\n\n-- 000000000000000000000000000000ff\nSubject: zero\n\nof two paragraphs\n-- no header\n",
		"-- 0100000000000000000000000000000F\nDefined-By: second\n\nthe other text\n",
	} {
		path := fmt.Sprintf("/usr/lib/systemd/catalog/%d.catalog", i)
		sources = append(sources, systemdb.Source{Path: path, Text: []byte(text)})
		if err := os.MkdirAll(root+"/usr/lib/systemd/catalog", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("journalctl", "--update-catalog", "--root="+root).CombinedOutput(); err != nil {
		t.Fatalf("journalctl: %v\n%s", err, out)
	}
	want, err := os.ReadFile(root + "/var/lib/systemd/catalog/database")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := systemdb.WriteCatalog(sources); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\nkiln\n%q\njournalctl\n%q", err, got, want)
	}
}

// Whatever comes in, what goes out can be read, and is the same each time.
func FuzzHwdb(f *testing.F) {
	f.Add([]byte("pci:v1*\n ID_VENDOR=One\n\npci:v12\npci:v1\n X=1\n"), []byte("pci:v1*\n ID_VENDOR=Two\n"))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		sources := []systemdb.Source{{"/a", one}, {"/b", two}}
		got := systemdb.WriteHwdb(sources, 1)
		readHwdb(t, got)
		if !bytes.Equal(got, systemdb.WriteHwdb(sources, 1)) {
			t.Error("two runs differ")
		}
	})
}

func FuzzCatalog(f *testing.F) {
	f.Add([]byte("-- 00000000000000000000000000000001\nSubject: x\n\ntext\n\n-- 00000000000000000000000000000002 de\ny\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := systemdb.WriteCatalog([]systemdb.Source{{"/c/a.catalog", text}}); err == nil && got != nil {
			readCatalog(t, got)
		}
	})
}
