package mimeinfo_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/maint/mimeinfo"
)

// filesOf reads all files below a folder, by their names from it.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		all[strings.TrimPrefix(p, dir+"/")] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// compile makes the database of a folder's descriptions.
func compile(t *testing.T, dir, version string) map[string]string {
	t.Helper()
	var sources []mimeinfo.File
	for name, text := range filesOf(t, dir) {
		sources = append(sources, mimeinfo.File{Name: name, Data: []byte(text)})
	}
	db, err := mimeinfo.Read(sources)
	if err != nil {
		t.Fatal(err)
	}
	files, err := db.Files(version)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range files {
		got[f.Name] = string(f.Data)
	}
	return got
}

// What testdata/trixie holds was written by update-mime-database of Debian 13.
func TestAsTheTool(t *testing.T) {
	if diff := cmp.Diff(filesOf(t, "testdata/trixie"), compile(t, "testdata/packages", "2.4")); diff != "" {
		t.Errorf("(-the tool +kiln)\n%s", diff)
	}
}

// The host's own descriptions, nine hundred types, with the host's own tool.
func TestAgainstTheTool(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("compares with update-mime-database: KILN_TEST=real")
	}
	packages := "/usr/share/mime/packages"
	if other := os.Getenv("KILN_MIME_PACKAGES"); other != "" { // another Debian's
		packages = other
	}
	dir := t.TempDir()
	for _, words := range [][]string{{"cp", "-r", packages, dir + "/packages"}, {"update-mime-database", dir}} {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", words, err, out)
		}
	}
	got := compile(t, dir+"/packages", "")
	if err := os.RemoveAll(dir + "/packages"); err != nil {
		t.Fatal(err)
	}
	want := filesOf(t, dir)
	got["version"] = want["version"]
	if len(want) < 500 {
		t.Fatalf("the tool wrote %d files only", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-the tool +kiln)\n%s", diff[:min(len(diff), 4000)])
	}
}

// What the tool would skip with a warning, and what might come out of it otherwise
// than it went in, stops.
func TestWhatIsNotKnownStops(t *testing.T) {
	const head, end = `<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">`, `</mime-info>`
	for what, text := range map[string]string{
		"not XML":        "<mime-info",
		"no namespace":   "<mime-info/>",
		"other root":     `<x xmlns="http://www.freedesktop.org/standards/shared-mime-info"/>`,
		"no type":        head + "<mime-type/>" + end,
		"other element":  head + `<x/>` + end,
		"no pattern":     head + `<mime-type type="a/b"><glob/></mime-type>` + end,
		"weight":         head + `<mime-type type="a/b"><glob pattern="*.x" weight="200"/></mime-type>` + end,
		"empty magic":    head + `<mime-type type="a/b"><magic/></mime-type>` + end,
		"offset":         head + `<mime-type type="a/b"><magic><match type="byte" value="1"/></magic></mime-type>` + end,
		"value":          head + `<mime-type type="a/b"><magic><match type="byte" value="256" offset="0"/></magic></mime-type>` + end,
		"mask":           head + `<mime-type type="a/b"><magic><match type="string" value="a" mask="0xffff" offset="0"/></magic></mime-type>` + end,
		"magic type":     head + `<mime-type type="a/b"><magic><match type="float" value="a" offset="0"/></magic></mime-type>` + end,
		"alias":          head + `<mime-type type="a/b"><alias/></mime-type>` + end,
		"namespace":      head + `<mime-type type="a/b"><root-XML namespaceURI="x y" localName="z"/></mime-type>` + end,
		"tree":           head + `<mime-type type="a/b"><treemagic><treematch/></treemagic></mime-type>` + end,
		"foreign":        head + `<mime-type type="a/b"><x:y xmlns:x="urn:x"/></mime-type>` + end,
		"broken line":    head + "<mime-type type=\"a/b\"><unknown a=\"x\ny\"/></mime-type>" + end,
		"CDATA":          head + `<mime-type type="a/b"><comment><![CDATA[x]]></comment></mime-type>` + end,
		"own entity":     `<!DOCTYPE mime-info [<!ENTITY e "x">]>` + head + end,
		"two elements":   head + end + head + end,
		"unknown entity": head + `<mime-type type="a/b"><comment>&e;</comment></mime-type>` + end,
	} {
		if _, err := mimeinfo.Read([]mimeinfo.File{{Name: "a.xml", Data: []byte(text)}}); err == nil {
			t.Errorf("%s is no error", what)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"<mime-info/>", `<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info"><mime-type type="a/b"><magic><match type="string" value="\1\x" offset="0:9"/></magic><glob pattern="*.é"/></mime-type></mime-info>`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		db, err := mimeinfo.Read([]mimeinfo.File{{Name: "a.xml", Data: []byte(text)}})
		if err != nil {
			return
		}
		if _, err := db.Files("1"); err != nil {
			t.Error(err)
		}
	})
}
