package gschema_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/maint/gschema"
)

func folder(t *testing.T) []gschema.File {
	t.Helper()
	names, err := os.ReadDir("testdata/schemas")
	if err != nil {
		t.Fatal(err)
	}
	var files []gschema.File
	for _, n := range names {
		data, err := os.ReadFile("testdata/schemas/" + n.Name())
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, gschema.File{Name: n.Name(), Data: data})
	}
	return files
}

// testdata/gschemas.compiled is what glib-compile-schemas of Debian 13 (GLib 2.84)
// made of testdata/schemas.
func TestCompile(t *testing.T) {
	want, err := os.ReadFile("testdata/gschemas.compiled")
	if err != nil {
		t.Fatal(err)
	}
	files := folder(t)
	for range 2 { // in whatever order the files come
		got, warnings, err := gschema.Compile(files)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes, want %d, and not the same", len(got), len(want))
		}
		if len(warnings) != 3 || !strings.Contains(warnings[0], "no-such-key") || !strings.Contains(warnings[1], "localized key “title”") ||
			!strings.Contains(warnings[2], "Error parsing key “real”") {
			t.Errorf("the warnings are %q", warnings)
		}
		files[0], files[len(files)-1] = files[len(files)-1], files[0]
	}
}

func TestNoSchemas(t *testing.T) {
	got, warnings, err := gschema.Compile([]gschema.File{{Name: "readme.txt", Data: []byte("x")}})
	if got != nil || warnings != nil || err != nil {
		t.Errorf("got %q, %q, %v", got, warnings, err)
	}
}

// What the real tool would drop a whole file for is refused.
func TestRefused(t *testing.T) {
	wrap := func(s string) string { return "<schemalist><schema id='a'>" + s + "</schema></schemalist>" }
	for _, row := range []struct{ text, want string }{
		{"<schemalist><schema", "XML syntax error"},
		{"<x/>", "<x> is not known"},
		{wrap("<key name='k' type='i'><default>x</default></key>"), `"x" is not a number of type i`},
		{wrap("<key name='k' type='i'></key>"), "has no default"},
		{wrap("<key name='k' type='y'><default>256</default></key>"), "not a number of type y"},
		{wrap("<key name='k' type='(i'><default>1</default></key>"), "which is none"},
		{wrap("<key name='k' enum='no'><default>'x'</default></key>"), `"no" is not there`},
		{wrap("<key name='k' type='s' other='1'><default>'x'</default></key>"), `attribute "other"`},
		{wrap("<key name='k' type='i'><range max='3'/><default>4</default></key>"), "out of the range"},
		{wrap("<key name='k' type='s'><choices><choice value='aa'/></choices><default>'b'</default></key>"), "none of the names"},
		{wrap("<key name='k' type='i'><default>1</default></key><key name='k' type='i'><default>1</default></key>"), "given twice"},
		{wrap("<key name='k' type='as'><default>['a' 'b']</default></key>"), "a comma"},
		{wrap("<key name='k' type='s'><default>'a</default></key>"), "has no end"},
		{wrap("<key name='k' type='(ii)'><default>(1,)</default></key>"), "has 1 members"},
		{wrap("<override name='k'>1</override>"), "no key"},
		{"<schemalist><schema id='a' extends='b'/></schemalist>", "not there yet"},
		{"<schemalist><schema id='a' path='x'/></schemalist>", "slash"},
	} {
		_, _, err := gschema.Compile([]gschema.File{{Name: "a.gschema.xml", Data: []byte(row.text)}})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s\ngot %v, want %q", row.text, err, row.want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, name := range []string{"org.example.gschema.xml", "org.example.enums.xml"} {
		data, err := os.ReadFile("testdata/schemas/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, []byte("[a]\nk='v'\n"))
	}
	f.Fuzz(func(t *testing.T, data, override []byte) {
		files := []gschema.File{{Name: "a.gschema.xml", Data: data}, {Name: "a.gschema.override", Data: override}}
		first, _, err := gschema.Compile(files)
		second, _, again := gschema.Compile(files)
		if !bytes.Equal(first, second) || (err == nil) != (again == nil) {
			t.Error(cmp.Diff(first, second))
		}
	})
}
