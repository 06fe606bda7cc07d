package sbom_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdxlib"

	"kiln"
	"kiln/internal/sbom"
)

func digest(s string) kiln.Digest { return kiln.DigestOf([]byte(s)) }

func file(path string) sbom.File {
	sum := sha1.Sum([]byte(path))
	return sbom.File{Path: path, Layer: 1, Size: int64(len(path)), SHA1: hex.EncodeToString(sum[:]), SHA256: digest(path)}
}

// scene is an image of two layers; its packages, files and texts stand in the order
// that is given.
func scene(order []int, files bool) *sbom.Inventory {
	source := &sbom.Source{Name: "gcc-14", Version: "14.2.0-19", PURL: "pkg:deb/debian/gcc-14@14.2.0-19?arch=source&distro=debian-13"}
	packages := []sbom.Package{
		{Name: "libstdc++6", Version: "14.2.0-19", Architecture: "amd64", PURL: "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=debian-13", Owner: "libstdc++6", Source: source,
			Checksum: digest("a"), FileName: "pool/main/g/gcc-14/libstdc++6_14.2.0-19_amd64.deb", Supplier: &sbom.Supplier{Name: "Debian GCC Maintainers", Email: "debian-gcc@lists.example.org", Organization: true},
			Homepage: "https://gcc.example.org/", Summary: "GNU <Standard> C++ Library", Comes: "archive debian/trixie", Licence: sbom.Licence{Concluded: "GPL-3.0-or-later", Note: "words"}},
		{Name: "libgcc-s1", Version: "14.2.0-19", Architecture: "amd64", PURL: "pkg:deb/debian/libgcc-s1@14.2.0-19?arch=amd64&distro=debian-13", Source: source, Layer: sbom.NoLayer, Licence: sbom.Licence{Note: "no copyright file"}},
		{Name: "zlib1g", Version: "1:1.3", Architecture: "amd64", PURL: "pkg:deb/debian/zlib1g@1:1.3?arch=amd64&distro=debian-13", Layer: 1, Supplier: &sbom.Supplier{Name: "A. Person"},
			Licence: sbom.Licence{Declared: "LicenseRef-b AND LicenseRef-a", Texts: []string{"LicenseRef-b", "LicenseRef-a"}}},
	}
	own := []sbom.File{file("usr/bin/app"), file("etc/app.conf"), file("usr/bin/tool")}
	own[0].Go = &sbom.GoBinary{Go: "1.26.8", Main: sbom.GoModule{Path: "example.org/app", Version: "v1.0.0"}, Modules: []sbom.GoModule{{Path: "example.org/x/y", Version: "v0.1.0"}}}
	own[2].Go = &sbom.GoBinary{Go: "1.26.8", Main: sbom.GoModule{Path: "example.org/tool"}, Modules: []sbom.GoModule{{Path: "example.org/x/y", Version: "v0.1.0"}}}
	own[1].Comes = "recipe: layers[app].files[0], default port"
	texts := []sbom.Text{{ID: "LicenseRef-a", Name: "a", Text: "do \"it\"\n"}, {ID: "LicenseRef-b", Name: "b", Text: "do"}, {ID: "LicenseRef-unused", Name: "c", Text: "x"}}
	f := &sbom.Inventory{
		Tool: "kiln-1.4", Name: "web", Version: "1.2.0", Platform: kiln.Platform{OS: "linux", Architecture: "amd64"}, Digest: digest("manifest"), Created: 1_700_000_000,
		Layers: []sbom.Layer{{Name: "base", Digest: digest("base")}, {Name: "app", Digest: digest("app")}},
	}
	if files {
		packages[0].Files = []sbom.File{file("usr/lib/b"), file("usr/lib/a")}
		packages[1].Files = []sbom.File{}
		packages[2].Files = []sbom.File{file("usr/lib/z")}
	}
	for _, i := range order {
		f.Packages, f.Files, f.Texts = append(f.Packages, packages[i]), append(f.Files, own[i]), append(f.Texts, texts[i])
	}
	return f
}

var orders = [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}

// writers are the two formats.
var writers = map[string]func(*sbom.Inventory) ([]byte, error){"spdx": sbom.SPDX, "cyclonedx": sbom.CycloneDX}

func written(t *testing.T, name string, f *sbom.Inventory) []byte {
	t.Helper()
	b, err := writers[name](f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// In whatever order an inventory comes, and whether it was kept meanwhile or not, the bytes
// are the same; and the inventory is left as it was.
func TestSameBytes(t *testing.T) {
	for _, files := range []bool{false, true} {
		for name := range writers {
			want := written(t, name, scene(orders[0], files))
			for _, order := range orders {
				f := scene(order, files)
				if diff := cmp.Diff(string(want), string(written(t, name, f))); diff != "" {
					t.Errorf("%s of %v: %s", name, order, diff)
				}
				if diff := cmp.Diff(scene(order, files), f); diff != "" {
					t.Errorf("%s of %v changed the inventory: %s", name, order, diff)
				}
				if files {
					continue // a kept inventory has none
				}
				text, err := f.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				kept, err := sbom.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(written(t, name, kept))); diff != "" {
					t.Errorf("%s of %v, kept: %s", name, order, diff)
				}
			}
		}
	}
}

// A document that says anything else is another document.
func TestIdentity(t *testing.T) {
	uuid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	for name := range writers {
		seen := map[string]string{}
		for what, change := range map[string]func(*sbom.Inventory){
			"nothing":   func(*sbom.Inventory) {},
			"tool":      func(f *sbom.Inventory) { f.Tool = "kiln-1.5" },
			"image":     func(f *sbom.Inventory) { f.Digest = digest("other") },
			"epoch":     func(f *sbom.Inventory) { f.Created++ },
			"a licence": func(f *sbom.Inventory) { f.Packages[0].Licence.Concluded = "MIT" },
			"a file":    func(f *sbom.Inventory) { f.Files = f.Files[1:] },
			"its files": func(f *sbom.Inventory) { f.Packages[0].Files = []sbom.File{file("usr/lib/a")} },
		} {
			f := scene(orders[0], false)
			change(f)
			id := uuid.FindString(string(written(t, name, f)))
			if id == "" || seen[id] != "" {
				t.Errorf("%s: %s has the identity %q, as %q has", name, what, id, seen[id])
			}
			seen[id] = what
		}
	}
}

// What other people's readers make of it.
func TestJudges(t *testing.T) {
	schema := cyclonedxSchema(t)
	for _, files := range []bool{false, true} {
		doc, err := spdxjson.Read(bytes.NewReader(written(t, "spdx", scene(orders[3], files))))
		if err == nil {
			err = spdxlib.ValidateDocument(doc)
		}
		if err != nil {
			t.Fatalf("SPDX's Go tools: %v", err)
		}
		var purls []string
		for _, p := range doc.Packages {
			for _, r := range p.PackageExternalReferences {
				purls = append(purls, r.Locator)
			}
		}
		image := "pkg:oci/web@" + string(digest("manifest")) + "?arch=amd64"
		want := []string{
			image, "pkg:deb/debian/libgcc-s1@14.2.0-19?arch=amd64&distro=debian-13", "pkg:deb/debian/gcc-14@14.2.0-19?arch=source&distro=debian-13",
			"pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=debian-13", "pkg:deb/debian/zlib1g@1:1.3?arch=amd64&distro=debian-13",
			"pkg:golang/example.org/app@v1.0.0", "pkg:golang/stdlib@1.26.8", "pkg:golang/example.org/x/y@v0.1.0", "pkg:golang/example.org/tool",
		}
		if diff := cmp.Diff(want, purls); diff != "" {
			t.Error(diff)
		}
		text := written(t, "cyclonedx", scene(orders[3], files))
		parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = schema.Validate(parsed)
		}
		if err != nil {
			t.Errorf("CycloneDX's schema: %v", err)
		}
		var bom cyclonedx.BOM
		if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
			t.Fatalf("CycloneDX's Go library: %v", err)
		}
		i := slices.IndexFunc(*bom.Components, func(c cyclonedx.Component) bool { return c.Name == "zlib1g" })
		if l := (*(*bom.Components)[i].Licenses)[0]; l.Expression != "LicenseRef-b AND LicenseRef-a" || l.Acknowledgement == nil || *l.Acknowledgement != cyclonedx.LicenseAcknowledgementDeclared {
			t.Errorf("zlib1g has the licence %+v", l)
		}
	}
}

// cyclonedxSchema is CycloneDX's own, which its Go library brings along.
func cyclonedxSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	const base = "http://cyclonedx.org/schema/"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for file, name := range map[string]string{"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schemax.json": "jsf-0.82.schema.json"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = c.AddResource(base+name, doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(base + "bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The relations of SPDX: what contains what, and comes from what.
func TestRelations(t *testing.T) {
	doc, err := spdxjson.Read(bytes.NewReader(written(t, "spdx", scene(orders[0], true))))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range doc.Relationships {
		a, b := string(r.RefA.ElementRefID), string(r.RefB.ElementRefID)
		for _, hash := range []*string{&a, &b} {
			for _, kind := range []string{"File-", "GoModule-"} {
				if strings.HasPrefix(*hash, kind) {
					*hash = kind
				}
			}
		}
		got = append(got, a+" "+r.Relationship+" "+b)
	}
	want := []string{
		"DOCUMENT DESCRIBES Image", "Image CONTAINS Layer-0", "Image CONTAINS Layer-1",
		"Image CONTAINS Package-libgcc-s1-amd64", "Package-libgcc-s1-amd64 GENERATED_FROM Source-gcc-14-14.2.0-19",
		"Layer-0 CONTAINS Package-libstdc.2B.2B6-amd64", "Package-libstdc.2B.2B6-amd64 GENERATED_FROM Source-gcc-14-14.2.0-19",
		"Package-libstdc.2B.2B6-amd64 CONTAINS File-", "Package-libstdc.2B.2B6-amd64 CONTAINS File-",
		"Layer-1 CONTAINS Package-zlib1g-amd64", "Package-zlib1g-amd64 CONTAINS File-",
		"Layer-1 CONTAINS Files-1", "Files-1 CONTAINS File-",
		"Files-1 CONTAINS File-", "File- GENERATED_FROM GoModule-", "File- STATIC_LINK GoModule-", "File- STATIC_LINK GoModule-",
		"Files-1 CONTAINS File-", "File- GENERATED_FROM GoModule-", "File- STATIC_LINK GoModule-", "File- STATIC_LINK GoModule-",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPURL(t *testing.T) {
	for want, p := range map[string]sbom.PURL{
		"pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19%2Bdeb13u1~x?arch=amd64&distro=debian-13": {Type: "deb", Namespace: "debian", Name: "libstdc++6", Version: "1:14.2.0-19+deb13u1~x", Qualifiers: [][2]string{{"distro", "debian-13"}, {"arch", "amd64"}}},
		"pkg:deb/my%20vendor/app@1?arch=all":                                                {Type: "deb", Namespace: "my vendor", Name: "app", Version: "1", Qualifiers: [][2]string{{"arch", "all"}, {"distro", ""}}},
		"pkg:golang/example.org/a%25b/c":                                                    {Type: "golang", Namespace: "example.org/a%b", Name: "c"},
		"pkg:golang/stdlib@1.26.8":                                                          {Type: "golang", Name: "stdlib", Version: "1.26.8"},
		"pkg:deb/debian/a%2Fb@1%3F2?arch=x%26y":                                             {Type: "deb", Namespace: "debian", Name: "a/b", Version: "1?2", Qualifiers: [][2]string{{"arch", "x&y"}}},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A program tells what it is made of; a test's names no modules but its own.
func TestReadContent(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sbom.ReadContent(bytes.NewReader(program), int64(len(program)))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(program)
	if c.SHA1 != hex.EncodeToString(sum[:]) {
		t.Errorf("its SHA-1 is %s", c.SHA1)
	}
	if want := strings.TrimPrefix(runtime.Version(), "go"); c.Go == nil || c.Go.Main.Path != "kiln" || c.Go.Go != strings.Fields(want)[0] {
		t.Errorf("it tells %+v", c.Go)
	}
	for _, text := range []string{"", "ab", "\x7fELF", "#!/bin/sh\n"} {
		c, err := sbom.ReadContent(strings.NewReader(text), int64(len(text)))
		if sum := sha1.Sum([]byte(text)); err != nil || c.Go != nil || c.SHA1 != hex.EncodeToString(sum[:]) {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	if _, err := sbom.ReadContent(strings.NewReader("abc"), 4); err == nil {
		t.Error("a file that ends too early is none")
	}
	if _, err := sbom.ReadContent(io.MultiReader(strings.NewReader("abcd"), broken{}), 4); err == nil {
		t.Error("a verdict at the end was not heard")
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"x":             "invalid character",
		`{"format":99}`: "it has the format 99, and this kiln knows 1",
		`{"format":1,"packages":[{"name":"a","layer":0}]}`: `the package "a" is in the layer 0 of 0`,
		`{"format":1,"files":[{"path":"a","layer":-2}]}`:   `the file "a" is in the layer -2 of 0`,
	} {
		if _, err := sbom.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
