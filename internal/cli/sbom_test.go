package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

const machineReadable = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: A
License: GPL-2+ or House

License: House
 As you like.
`

// sbomScene is an archive whose packages declare their licence, only show it, or share
// the documents of another, and a recipe with files of its own, a Go program among them.
func sbomScene(t *testing.T) *scene {
	t.Helper()
	documents := func(text string) func(*debtest.Spec) {
		return func(s *debtest.Spec) {
			s.Entries[0].Content = text
			s.Fields = append(s.Fields, "Homepage: https://alpha.example.org/", "Source: alpha-src (0.9)")
		}
	}
	a := alpha("1.0", "amd64")
	documents(machineReadable)(&a.Spec)
	lib := libalpha("1.0", "amd64")
	lib.Spec.Entries[0] = debtest.Entry{Path: "usr/share/doc/libalpha", Link: "alpha"}
	b := beta("1.0")
	documents("Free as in /usr/share/common-licenses/GPL-3 it is.\n")(&b.Spec)
	s := newScene(t, apttest.New(later(0, a, lib, b)))
	s.recipe(recipeText + "      - {path: /usr/share/app, from: ./app, mode: \"0644\", why: the service}\n" +
		"secrets: {accept: [{path: /usr/share/app, why: these tests hold what secrets look like}]}\n")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", program, s.path("web/app")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return s
}

// An SBOM is the same bytes, whether it stands beside the image, is an output of the
// build, or is asked for: of the recipe, or of the image in any form that has a record.
func TestSBOMIsTheSameFromEverywhere(t *testing.T) {
	t.Parallel()
	s := sbomScene(t)
	s.does("build", "web", "-o", "oci:web.oci", "-o", "oci-archive:web.tar", "-o", "docker-archive:web.docker.tar", "-o", "spdx:built.spdx.json", "-o", "cyclonedx:built.cdx.json")
	beside := s.beside("web.oci")
	for _, format := range []struct{ name, extension, artifact string }{
		{"spdx-json", ".spdx.json", "application/spdx+json"},
		{"cyclonedx-json", ".cdx.json", "application/vnd.cyclonedx+json"},
	} {
		want := s.read("built" + format.extension)
		if beside[format.artifact] != want {
			t.Errorf("%s: what stands beside the image differs from the output", format.name)
		}
		for _, arg := range []string{"web", "web/kiln.yaml", "oci:web.oci", "web.tar", "docker-archive:web.docker.tar"} {
			if got := s.does("sbom", arg, "--format", format.name).stdout; got != want {
				t.Errorf("%s of %s differs from the output of the build", format.name, arg)
			}
		}
		s.does("sbom", "web", "--files", "-o", "recipe"+format.extension)
		s.does("sbom", "web.oci", "--files", "-o", "image"+format.extension)
		if s.read("recipe"+format.extension) != s.read("image"+format.extension) {
			t.Errorf("%s with files: that of the image differs from that of the recipe", format.name)
		}
	}
	// Another store, another folder, another compression of nothing: the same.
	s.remove("store")
	if got := s.does("sbom", "web", "--format", "spdx-json").stdout; got != s.read("built.spdx.json") {
		t.Error("with a new store, the SBOM differs")
	}
}

// beside are the blobs of the artifacts beside the image of a layout, by artifactType.
func (s *scene) beside(layout string) map[string]string {
	s.t.Helper()
	type index struct {
		Manifests []struct {
			Digest, ArtifactType string
			Annotations          map[string]string
		}
	}
	blob := func(digest string) string {
		return s.read(layout + "/blobs/sha256/" + strings.TrimPrefix(digest, "sha256:"))
	}
	var top, list index
	parse := func(text string, to any) {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			s.t.Fatal(err)
		}
	}
	parse(s.read(layout+"/index.json"), &top)
	parse(blob(top.Manifests[0].Annotations["vnd.kiln.referrers"]), &list)
	found := map[string]string{}
	for _, d := range list.Manifests {
		var m struct {
			Subject struct{ Digest string }
			Layers  []struct{ Digest string }
		}
		parse(blob(d.Digest), &m)
		if m.Subject.Digest != top.Manifests[0].Digest {
			s.t.Errorf("%s is of %s, not of the image", d.ArtifactType, m.Subject.Digest)
		}
		found[d.ArtifactType] = blob(m.Layers[0].Digest)
	}
	return found
}

// sbomFacts is what kiln sbom --json tells.
type sbomFacts struct {
	Packages []struct {
		Name, PURL, FileName, Homepage string
		Source                         struct{ Name, Version, PURL string }
		Licence                        struct{ Declared, Concluded, Note string }
		Layer                          int
		Files                          []struct{ Path string }
	}
	Files []struct {
		Path, SHA1, Comes string
		Go                *struct{ Main struct{ Path string } }
	}
}

func (s *scene) facts(args ...string) (f sbomFacts) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.does(append([]string{"sbom", "--json"}, args...)...).stdout), &f); err != nil {
		s.t.Fatal(err)
	}
	return f
}

func TestSBOMTells(t *testing.T) {
	t.Parallel()
	s := sbomScene(t)
	f := s.facts("web", "--files")
	var got []string
	for _, p := range f.Packages {
		got = append(got, p.PURL, p.Source.PURL, p.Licence.Declared+"|"+p.Licence.Concluded)
		for _, file := range p.Files {
			got = append(got, file.Path)
		}
	}
	want := []string{
		"pkg:deb/test/alpha@1.0?arch=amd64", "pkg:deb/test/alpha-src@0.9?arch=source", "GPL-2.0-or-later OR LicenseRef-House-d96501e22191|",
		"etc/alpha.conf", "usr/bin/alpha", "usr/bin/alpha-again", "usr/share/alpha/version", "usr/share/doc/alpha/copyright",
		"pkg:deb/test/beta@1.0?arch=all", "pkg:deb/test/alpha-src@0.9?arch=source", "|GPL-3.0-only",
		"usr/share/beta/noise", "usr/share/beta/version", "usr/share/doc/beta/copyright",
		"pkg:deb/test/libalpha@1.0?arch=amd64", "pkg:deb/test/libalpha@1.0?arch=source", "GPL-2.0-or-later OR LicenseRef-House-d96501e22191|",
		"usr/lib/libalpha.so.1", "usr/share/libalpha/version",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	plain := s.facts("web")
	if len(plain.Files) != 2 || plain.Files[0].Path != "etc/app.conf" || plain.Files[0].Comes != "recipe: layers[app].files[0], default port" ||
		plain.Files[1].Path != "usr/share/app" || plain.Files[1].Go == nil || plain.Files[1].Go.Main.Path != "kiln" {
		t.Errorf("of no package are %+v", plain.Files)
	}
	if !slices.ContainsFunc(f.Files, func(x struct {
		Path, SHA1, Comes string
		Go                *struct{ Main struct{ Path string } }
	}) bool {
		return x.Path == "var/lib/dpkg/status"
	}) {
		t.Error("with --files, the package database is not among them")
	}
	table := s.does("sbom", "web").stdout
	for _, want := range []string{"alpha     1.0", "GPL-3.0-only (concluded)", "Go program kiln", "3 packages, licence declared of 2, concluded of 1, unknown of 0; 2 files of no package"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}

// Where the rules or the recipe leave the documents out of the image, the licence is
// known all the same; from a tree alone it is not, and that is told.
func TestSBOMOfATreeAlone(t *testing.T) {
	t.Parallel()
	s := sbomScene(t)
	s.edit("web/kiln.yaml", "      - beta: the data\n", "      - beta: {why: the data, drop: [/usr/share/doc/**]}\n")
	s.does("build", "web", "-o", "oci:web.oci", "-o", "tar:root.tar")
	if f := s.facts("oci:web.oci"); f.Packages[1].Licence.Concluded != "GPL-3.0-only" {
		t.Errorf("of the image: %+v", f.Packages[1])
	}
	o := s.does("sbom", "tar:root.tar")
	if !strings.Contains(o.stderr, "no record of a build") || !strings.Contains(o.stdout, "unknown: the image does not hold the package's copyright file") {
		t.Errorf("of the tree: %s", o)
	}
	f := s.facts("tar:root.tar", "--files")
	if len(f.Packages) != 3 || f.Packages[0].Licence.Declared == "" || len(f.Packages[0].Files) == 0 {
		t.Errorf("of the tree: %+v", f.Packages)
	}
}

func TestSBOMRefuses(t *testing.T) {
	t.Parallel()
	s := sbomScene(t)
	s.does("build", "web", "-o", "oci:web.oci")
	s.refuses("sbom web --format xml", 2, `cannot write an SBOM as "xml"`, "try: --format spdx-json")
	s.refuses("sbom web -o out.txt", 2, "does not say which format", "try: --format spdx-json")
	s.refuses("sbom web/kiln.lock", 2, "a lock is no image", "try: kiln sbom web")
	s.refuses("sbom web --platform linux/arm64", 1, "the recipe names only")
	s.refuses("sbom nowhere.oci", 1, "nowhere.oci")
	s.refuses("sbom web --format spdx-json -o no/such/a.spdx.json", 1, "cannot write the SBOM")
	var empty bytes.Buffer
	empty.Write(make([]byte, 1024))
	s.write("empty.tar", empty.String())
	s.refuses("sbom tar:empty.tar", 1, "has no package database", "try: name the recipe that it was built from: kiln sbom RECIPE")
	// Facts of another image beside this one are not told as its own.
	s.edit("web/kiln.yaml", "8080", "8081")
	s.does("build", "web", "-o", "oci:other.oci")
	if s.beside("web.oci")["application/spdx+json"] == s.beside("other.oci")["application/spdx+json"] {
		t.Error("two images have one SBOM")
	}
}
