package deb_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
)

func readAll(r io.Reader) ([]*deb.Paragraph, error) { return allOf(deb.NewReader(r)) }

func allOf(reader *deb.Reader) ([]*deb.Paragraph, error) {
	var all []*deb.Paragraph
	for {
		p, err := reader.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
}

func TestReader(t *testing.T) {
	in := "\n\nPackage: a\nDescription: short\n long\n .\n\tmore  \nEmpty:\nOdd  :  x \t\n\n\nConffiles:\n /etc/x abc\n"
	want := []*deb.Paragraph{
		{Line: 3, Fields: []deb.Field{{"Package", "a"}, {"Description", "short\n long\n .\n\tmore"}, {"Empty", ""}, {"Odd", "x"}}},
		{Line: 12, Fields: []deb.Field{{"Conffiles", "\n /etc/x abc"}}},
	}
	readers := map[string]*deb.Reader{
		"whole":     deb.NewReader(strings.NewReader(in)),
		"bytes":     deb.NewReader(iotest.OneByteReader(strings.NewReader(in))),
		"early end": deb.NewReader(iotest.DataErrReader(strings.NewReader(in))),
		"text":      deb.NewTextReader([]byte(in)),
	}
	for name, r := range readers {
		got, err := allOf(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParagraph(t *testing.T) {
	in := "Package: a\nSHA256:\n 00 1 x\n 11 2 y\nEmpty:\n"
	all, err := readAll(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	p := all[0]
	if got := p.Get("pACKAGE"); got != "a" {
		t.Errorf("got %q", got)
	}
	if _, ok := p.Lookup("empty"); !ok {
		t.Error("the empty field is not found")
	}
	if _, ok := p.Lookup("absent"); ok || p.Get("absent") != "" {
		t.Error("an absent field is found")
	}
	if diff := cmp.Diff([]string{"Package", "SHA256", "Empty"}, p.Names()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"00 1 x", "11 2 y"}, p.Lines("SHA256")); diff != "" {
		t.Error(diff)
	}
	if p.Lines("Package") != nil {
		t.Error("a field of one line has continuation lines")
	}
	var out bytes.Buffer
	if n, err := p.WriteTo(&out); err != nil || n != int64(len(in)) || out.String() != in {
		t.Errorf("wrote %d bytes, %v: %q", n, err, out.String())
	}
}

func TestReaderRefuses(t *testing.T) {
	long := strings.Repeat("x", 17<<20)
	rows := []struct{ in, want string }{
		{"A: b", "cannot read the paragraph at line 1: the file ends inside line 1"},
		{"A: b\nC", "cannot read the paragraph at line 1: the file ends inside line 2"},
		{"A: b\nC: d\n\nE", "the file ends inside line 4"},
		{"A\n", `cannot read line 1: no colon after the field name "A"`},
		{"A: b\n: d\n", `cannot read line 2: no field name before ": d"`},
		{"A: b\n#c: d\n", `cannot read line 2: field name "#c" starts with "#"`},
		{"-----BEGIN PGP SIGNED MESSAGE-----\n", "cannot read line 1"},
		{"-A: b\n", `field name "-A" starts with "-"`},
		{"A b: c\n", `no colon after the field name "A"`},
		{"é: c\n", `a field name holds "\xc3"`},
		{" a\n", "cannot read line 1: no field name"},
		{"A: b\n \n c\n", `cannot read line 2: blank line in the value of field "A"`},
		{"A: b\n c\n\t \nD: e\n", `cannot read line 3: blank line in the value of field "A"`},
		{"A: b\r\n\r\nC: d\r\n", "cannot read line 2: no field name"},
		{"A: b\nC: d\na: e\n", `cannot read the paragraph up to line 3: field "a" stands there twice`},
		{"A: b\nC: \x00\n", "NUL byte in line 2"},
		{"A: " + long + "\n", "it is above 16777216 bytes"},
		{"A: b\n" + manyFields(1000), "it has more than 1000 fields"},
	}
	for _, r := range rows {
		for _, reader := range []*deb.Reader{deb.NewReader(strings.NewReader(r.in)), deb.NewTextReader([]byte(r.in))} {
			var err error
			for err == nil {
				_, err = reader.Next()
			}
			if !strings.Contains(err.Error(), r.want) {
				t.Errorf("%.40q: got %v, want an error with %s", r.in, err, r.want)
			}
			if _, again := reader.Next(); again != err {
				t.Errorf("%.40q: the error goes away: %v", r.in, again)
			}
		}
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("F" + strings.Repeat("x", i%30) + strings.Repeat("y", i/30) + ": z\n")
	}
	return b.String()
}

func TestReaderPassesErrorsOn(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := readAll(io.MultiReader(strings.NewReader("A: b\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// FuzzParagraph checks that what reads prints to something that reads the same.
func FuzzParagraph(f *testing.F) {
	f.Add("A: b\n c\n\nD:\n e\n")
	f.Add("A:\nB :  \t x\n")
	f.Fuzz(func(t *testing.T, s string) {
		first, err := readAll(strings.NewReader(s))
		atHand, failed := allOf(deb.NewTextReader([]byte(s)))
		if diff := cmp.Diff(first, atHand); diff != "" || (err == nil) != (failed == nil) {
			t.Fatalf("%q at hand (-stream +text): %v, want %v\n%s", s, failed, err, diff)
		}
		if err != nil {
			return
		}
		var printed strings.Builder
		for _, p := range first {
			printed.WriteString(p.String() + "\n")
			p.Line = 0
		}
		second, err := readAll(strings.NewReader(printed.String()))
		if err != nil {
			t.Fatalf("%q prints as %q, which is refused: %v", s, printed.String(), err)
		}
		for _, p := range second {
			p.Line = 0
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%q (-first +second):\n%s", s, diff)
		}
	})
}

// TestStatusReal reads the dpkg database of this machine: every stanza parses,
// and prints as it stood.
func TestStatusReal(t *testing.T) {
	needReal(t)
	content, err := os.ReadFile("/var/lib/dpkg/status")
	if err != nil {
		t.Fatal(err)
	}
	all, err := readAll(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	for _, p := range all {
		if _, err := deb.ParsePackage(p); err != nil {
			t.Error(err)
		}
		printed.WriteString(p.String() + "\n")
	}
	if diff := cmp.Diff(string(content), printed.String()); diff != "" {
		t.Errorf("(-file +printed):\n%s", diff)
	}
}
