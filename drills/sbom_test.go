package drills_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"
	"github.com/spdx/tools-golang/utils"
)

// syftModule is the module of the scanner that is the judge, which has SPDX's schema
// in it, too. .ci/run builds it into toolFolder.
const syftModule = "github.com/anchore/syft@v1.54.1"

// toolFolder holds tools that are built from Go modules.
func toolFolder() string {
	if dir := os.Getenv("KILN_TOOLS"); dir != "" {
		return dir
	}
	return "/tmp/kiln-ci-tools"
}

func syft(t *testing.T) string {
	t.Helper()
	path := filepath.Join(toolFolder(), "syft")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("there is no syft: GOBIN=%s go install %s: %v", toolFolder(), strings.Replace(syftModule, "@", "/cmd/syft@", 1), err)
	}
	return path
}

// moduleFolder is where the files of a module are, which is downloaded if need be.
func moduleFolder(t *testing.T, module string, env ...string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = t.TempDir()
	var m struct{ Dir string }
	if err := json.Unmarshal([]byte(output(t, cmd)), &m); err != nil || m.Dir == "" {
		t.Fatalf("go mod download %s: %v", module, err)
	}
	return m.Dir
}

// schemaOf compiles the first of some JSON schemas, which may refer to the others.
func schemaOf(t *testing.T, base string, files ...string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(base+strings.Replace(filepath.Base(file), ".schemax.", ".schema.", 1), doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(base + filepath.Base(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sbomRecipe is a server with a program of its own.
const sbomRecipe = `kiln: v1
name: server
version: 1.2.0
platforms: [linux/amd64]
essential: true
sources: [{archive: debian, suite: trixie}]
layers:
  - name: base
    packages:
      - nginx: serves
      - openssh-server: to log in
      - git: fetches what it serves
  - name: app
    files:
      - {path: /usr/bin/app, from: ./app, mode: "0755", why: the service}
      - {path: /etc/app.conf, content: "listen\n", why: its port}
      - {path: /srv/www, from: ./site, why: what it serves}
`

// The SBOMs of images are valid by the formats' own schemas and by other people's
// readers, and list exactly the packages, by name, version and architecture, that syft
// finds in the images; of a Go program, the modules that syft finds in it.
func TestSBOMsAreValidAndSyftFindsTheSame(t *testing.T) {
	real(t)
	scanner := syft(t)
	spdxSchema := schemaOf(t, "http://spdx.example/", filepath.Join(moduleFolder(t, syftModule, "GOMODCACHE="+filepath.Join(toolFolder(), "mod"), "GOFLAGS=-modcacherw"), "schema/spdx-json/spdx-schema-2.3.json"))
	cdx := filepath.Join(moduleFolder(t, "github.com/CycloneDX/cyclonedx-go@v0.12.0"), "schema")
	cdxSchema := schemaOf(t, "http://cyclonedx.org/schema/", filepath.Join(cdx, "bom-1.6.schema.json"), filepath.Join(cdx, "spdx.schema.json"), filepath.Join(cdx, "jsf-0.82.schemax.json"))
	for _, name := range []string{"base", "python", "java", "server"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if name == "server" {
				write(t, filepath.Join(dir, "kiln.yaml"), sbomRecipe)
				run(t, dir, "cp", kilnBinary(t), "app")
				write(t, filepath.Join(dir, "site", "index.html"), "<html>")
				write(t, filepath.Join(dir, "site", "css", "a.css"), "a {}")
			} else {
				dir = example(t, name)
			}
			build(t, dir, "--platform", "linux/amd64", "-o", "oci:image.oci", "-o", "docker-archive:image.tar", "-o", "spdx:built.spdx.json", "-o", "cyclonedx:built.cdx.json")
			run(t, dir, kilnBinary(t), "sbom", "oci:image.oci", "--files", "-o", "files.spdx.json")
			run(t, dir, kilnBinary(t), "sbom", "docker-archive:image.tar", "--files", "-o", "files.cdx.json")
			for _, file := range []string{"built", "files"} {
				checkSPDX(t, filepath.Join(dir, file+".spdx.json"), spdxSchema)
				checkCycloneDX(t, filepath.Join(dir, file+".cdx.json"), cdxSchema)
			}
			if name == "server" {
				namesFiles(t, filepath.Join(dir, "built.spdx.json"), "./usr/bin/app", "./etc/app.conf", "./srv/www/index.html", "./srv/www/css/a.css")
			}
			ours := spdxPackages(t, filepath.Join(dir, "built.spdx.json"))
			for _, image := range []string{"oci-dir:image.oci", "docker-archive:image.tar"} {
				found := syftPackages(t, dir, scanner, image)
				if !slices.Equal(ours, found) {
					t.Errorf("%s: the SBOM lists\n%s\nsyft finds\n%s", image, strings.Join(ours, "\n"), strings.Join(found, "\n"))
				}
			}
			t.Logf("%d packages and modules", len(ours))
		})
	}
}

// namesFiles checks that an SBOM has the files that no package brings.
func namesFiles(t *testing.T, path string, want ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := spdxjson.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		if !slices.ContainsFunc(doc.Files, func(f *spdx.File) bool { return f.FileName == w && len(f.Checksums) > 0 }) {
			t.Errorf("%s has no file %s", path, w)
		}
	}
}

func checkSPDX(t *testing.T, path string, schema *jsonschema.Schema) {
	t.Helper()
	text := validated(t, path, schema)
	doc, err := spdxjson.Read(bytes.NewReader(text))
	if err == nil {
		err = spdxlib.ValidateDocument(doc)
	}
	if err != nil {
		t.Errorf("%s: SPDX's Go tools: %v", path, err)
		return
	}
	described, err := spdxlib.GetDescribedPackageIDs(doc)
	if err != nil || len(described) != 1 {
		t.Errorf("%s describes %v: %v", path, described, err)
	}
	for _, p := range doc.Packages {
		if !p.FilesAnalyzed {
			continue
		}
		var files []*spdx.File
		for _, r := range doc.Relationships {
			if r.RefA.ElementRefID == p.PackageSPDXIdentifier && r.Relationship == "CONTAINS" {
				files = append(files, fileOf(doc, r.RefB.ElementRefID))
			}
		}
		if code, err := verificationCode(files); err != nil || code != p.PackageVerificationCode.Value {
			t.Errorf("%s: the verification code of %s is %s, want %s (%v)", path, p.PackageName, p.PackageVerificationCode.Value, code, err)
		}
	}
}

func fileOf(doc *spdx.Document, id spdx.ElementID) *spdx.File {
	for _, f := range doc.Files {
		if f.FileSPDXIdentifier == id {
			return f
		}
	}
	return nil
}

func verificationCode(files []*spdx.File) (string, error) {
	code, err := utils.GetVerificationCode(files, "")
	return code.Value, err
}

func checkCycloneDX(t *testing.T, path string, schema *jsonschema.Schema) {
	t.Helper()
	text := validated(t, path, schema)
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Errorf("%s: CycloneDX's Go library: %v", path, err)
		return
	}
	refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
	for _, c := range *bom.Components {
		if refs[c.BOMRef] {
			t.Errorf("%s: two components are %s", path, c.BOMRef)
		}
		refs[c.BOMRef] = true
	}
	for _, d := range *bom.Dependencies {
		for _, on := range append([]string{d.Ref}, *d.Dependencies...) {
			if !refs[on] {
				t.Errorf("%s: a dependency names %s, which is not there", path, on)
			}
		}
	}
}

func validated(t *testing.T, path string, schema *jsonschema.Schema) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = schema.Validate(doc)
	}
	if err != nil {
		t.Errorf("%s: %.2000s", path, err.Error())
	}
	return text
}

// spdxPackages lists what an SBOM says is installed, binary packages and Go modules,
// without the sources that they were built from.
func spdxPackages(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := spdxjson.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range doc.Packages {
		for _, r := range p.PackageExternalReferences {
			_, qualifiers, _ := strings.Cut(r.Locator, "?arch=")
			arch, _, _ := strings.Cut(qualifiers, "&")
			switch {
			case strings.HasPrefix(r.Locator, "pkg:deb/debian/") && arch != "source":
				list = append(list, fmt.Sprintf("deb %s %s %s", p.PackageName, p.PackageVersion, arch))
			case strings.HasPrefix(r.Locator, "pkg:golang/"):
				list = append(list, fmt.Sprintf("go-module %s %s", p.PackageName, p.PackageVersion))
			}
		}
	}
	slices.Sort(list)
	return list
}

func syftPackages(t *testing.T, dir, scanner, image string) []string {
	t.Helper()
	var found struct {
		Artifacts []struct {
			Name, Version, Type string
			Metadata            struct{ Architecture string }
		}
	}
	cmd := exec.Command(scanner, "scan", "-q", image, "-o", "json")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SYFT_CHECK_FOR_APP_UPDATE=false")
	if err := json.Unmarshal([]byte(output(t, cmd)), &found); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, a := range found.Artifacts {
		switch a.Type {
		case "deb":
			list = append(list, fmt.Sprintf("deb %s %s %s", a.Name, a.Version, a.Metadata.Architecture))
		case "go-module":
			version := a.Version
			if a.Name == "stdlib" {
				version = strings.TrimPrefix(version, "go")
			}
			if version == "UNKNOWN" || version == "(devel)" {
				version = ""
			}
			list = append(list, fmt.Sprintf("go-module %s %s", a.Name, version))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Licences are found for at least nine of ten packages of the parity sets.
func TestLicencesOfTheParitySets(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), allParitySets())
	var facts struct {
		Packages []struct {
			Name    string
			Licence struct{ Declared, Concluded, Note string }
		}
	}
	if err := json.Unmarshal([]byte(run(t, dir, kilnBinary(t), "sbom", ".", "--json", "--store", sharedStore(t))), &facts); err != nil {
		t.Fatal(err)
	}
	declared, concluded := 0, 0
	for _, p := range facts.Packages {
		switch {
		case p.Licence.Declared != "":
			declared++
		case p.Licence.Concluded != "":
			concluded++
		default:
			t.Logf("no licence known: %s: %s", p.Name, p.Licence.Note)
		}
	}
	all := len(facts.Packages)
	t.Logf("%d packages: licence declared of %d, concluded of %d, unknown of %d", all, declared, concluded, all-declared-concluded)
	if all < 300 || (declared+concluded)*10 < all*9 {
		t.Errorf("licences are known of %d of %d packages, want nine of ten of at least 300", declared+concluded, all)
	}
}
