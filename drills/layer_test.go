package drills_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const zonesRecipe = `kiln: v1
name: zones
platforms: [linux/amd64]
sources:
  - {archive: debian, suite: trixie}
layers:
  - name: libraries
    packages:
      - zlib1g: programs link to it
  - name: zones
    packages:
      - tzdata: {why: time zones, without: {debconf: nothing is asked}}
skip:
  - {package: libc6, why: nothing is restarted}
  - {package: tzdata, why: the time zone is UTC}
`

// A layer keeps its digest when a package of another layer changes its version, be
// it above or below; and when the version is again what it was, so is the image.
func TestLayersStandAloneWhenVersionsChange(t *testing.T) {
	real(t)
	dir := t.TempDir()
	recipe := filepath.Join(dir, "kiln.yaml")
	write(t, recipe, zonesRecipe)
	first := build(t, dir)
	before := layerDigests(first)
	for _, row := range []struct{ name, changed, same string }{
		{"tzdata", "zones", "libraries"},
		{"zlib1g", "libraries", "zones"},
	} {
		t.Run(row.name, func(t *testing.T) {
			write(t, recipe, zonesRecipe)
			same(t, first, build(t, dir))
			repack(t, dir, row.name)
			write(t, recipe, strings.Replace(zonesRecipe, "\nlayers:", "\n  - deb: "+row.name+".deb\nlayers:", 1))
			after := layerDigests(build(t, dir))
			if _, version := lockedDeb(t, dir, row.name); !strings.HasSuffix(version, "+drill1") {
				t.Fatalf("the lock has %s %s", row.name, version)
			}
			if after[row.same] != before[row.same] {
				t.Errorf("another version of %s changed the layer %s from %s to %s", row.name, row.same, before[row.same], after[row.same])
			}
			for _, layer := range []string{row.changed, "dpkg"} {
				if after[layer] == before[layer] {
					t.Errorf("another version of %s did not change the layer %s", row.name, layer)
				}
			}
		})
	}
	write(t, recipe, zonesRecipe)
	same(t, first, build(t, dir))
}

func layerDigests(r report) map[string]string {
	digests := map[string]string{}
	for _, l := range r.Images[0].Layers {
		digests[l.Name] = l.Digest
	}
	return digests
}

// repack makes name.deb of the locked package, with a version a little higher.
func repack(t *testing.T, dir, name string) {
	t.Helper()
	digest, version := lockedDeb(t, dir, name)
	from, tree := filepath.Join(sharedStore(t), "blobs", "sha256", digest[:2], digest), filepath.Join(t.TempDir(), name)
	run(t, dir, "dpkg-deb", "-R", from, tree)
	control := filepath.Join(tree, "DEBIAN", "control")
	data, err := os.ReadFile(control)
	if err != nil {
		t.Fatal(err)
	}
	write(t, control, strings.Replace(string(data), "\nVersion: "+version, "\nVersion: "+version+"+drill1", 1))
	run(t, dir, "dpkg-deb", "--root-owner-group", "-b", tree, filepath.Join(dir, name+".deb"))
}

// lockedDeb is what the lock says of a package: the digest of its .deb in
// hexadecimal digits, and its version.
func lockedDeb(t *testing.T, dir, name string) (digest, version string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "kiln.lock"))
	if err != nil {
		t.Fatal(err)
	}
	var l struct {
		Platforms map[string]struct {
			Packages []struct{ Name, Version, SHA256 string }
		}
	}
	if err := json.Unmarshal(data, &l); err != nil {
		t.Fatal(err)
	}
	for _, p := range l.Platforms["linux/amd64"].Packages {
		if p.Name == name {
			return p.SHA256, p.Version
		}
	}
	t.Fatalf("no %s in the lock", name)
	return "", ""
}
