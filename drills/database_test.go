package drills_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed lists "name version architecture" of the packages that dpkg finds
// installed in a root, sorted.
func listed(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	for _, line := range strings.Split(run(t, "", "dpkg", "--root="+root, "-l"), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 4 || strings.HasPrefix(line, "||/") || strings.HasPrefix(line, "|") {
			continue
		}
		if fields[0] != "ii" {
			t.Errorf("dpkg lists %q", line)
			continue
		}
		name, _, _ := strings.Cut(fields[1], ":")
		all = append(all, name+" "+fields[2]+" "+fields[3])
	}
	slices.Sort(all)
	return all
}

// What umoci unpacks from the layout is a root in which dpkg finds the locked
// packages, and nothing to complain of.
func TestDpkgInTheUnpackedImage(t *testing.T) {
	real(t)
	dir := example(t, "base")
	build(t, dir, "--platform", "linux/amd64", "-o", "oci:image.oci")
	run(t, dir, "umoci", "unpack", "--rootless", "--image", "image.oci:"+refName(t, dir), "bundle")
	root := filepath.Join(dir, "bundle", "rootfs")
	want := lockedPackages(t, filepath.Join(dir, "kiln.lock"), "linux/amd64")
	if got := listed(t, root); !slices.Equal(got, want) {
		t.Errorf("dpkg lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, check := range []string{"--audit", "--verify"} {
		if out := run(t, dir, "dpkg", "--root="+root, check); out != "" {
			t.Errorf("dpkg %s says %s", check, out)
		}
	}
}

// Of a layout with two platforms, skopeo finds the index and each platform's image.
func TestSkopeoFindsEachPlatform(t *testing.T) {
	real(t)
	dir := example(t, "base")
	r := build(t, dir, "-o", "oci:image.oci", "-o", "oci-archive:image.tar")
	for _, arch := range []string{"amd64", "arm64"} {
		img := r.platform(t, "linux/"+arch)
		var want []string
		for _, l := range img.Layers {
			want = append(want, l.Digest)
		}
		for _, from := range []string{"oci:image.oci", "oci-archive:image.tar"} {
			var seen struct {
				Digest, Architecture, Os string
				Layers                   []string
			}
			if err := json.Unmarshal([]byte(run(t, dir, "skopeo", "inspect", "--override-arch", arch, from)), &seen); err != nil {
				t.Fatal(err)
			}
			if seen.Digest != r.Index || seen.Architecture != arch || seen.Os != "linux" || !slices.Equal(seen.Layers, want) {
				t.Errorf("%s for %s: %+v, want the index %s and the layers %q", from, arch, seen, r.Index, want)
			}
			alone := "dir:" + arch + "-" + strings.Split(from, ":")[0]
			run(t, dir, "skopeo", "copy", "--override-arch", arch, from, alone)
			if err := json.Unmarshal([]byte(run(t, dir, "skopeo", "inspect", alone)), &seen); err != nil || seen.Digest != img.Digest {
				t.Errorf("%s for %s: the manifest is %s, want %s (%v)", from, arch, seen.Digest, img.Digest, err)
			}
		}
	}
}

const foreignRecipe = `kiln: v1
name: foreign
platforms: [linux/amd64]
sources:
  - {archive: debian, suite: trixie, pockets: []}
layers:
  - name: new
    packages:
      - zlib1g: new programs link to it
  - name: old
    packages:
      - zlib1g:i386: old programs link to it
skip:
  - {package: libc6, why: nothing is restarted}
`

// Real packages of a foreign architecture stand beside the native ones, and dpkg
// knows both.
func TestForeignArchitecture(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), foreignRecipe)
	r := build(t, dir, "-o", "folder:root")
	root := filepath.Join(dir, "root")
	want := lockedPackages(t, filepath.Join(dir, "kiln.lock"), "linux/amd64")
	if got := listed(t, root); !slices.Equal(got, want) {
		t.Errorf("dpkg lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	native, foreign := 0, 0
	for _, p := range want {
		switch {
		case strings.HasSuffix(p, " amd64"):
			native++
		case strings.HasSuffix(p, " i386"):
			foreign++
		}
	}
	if native < 2 || foreign != native || r.Images[0].Packages != len(want) {
		t.Errorf("%d packages for amd64, %d for i386, %d reported", native, foreign, r.Images[0].Packages)
	}
	for _, check := range []string{"--audit", "--verify"} {
		if out := run(t, dir, "dpkg", "--root="+root, check); out != "" {
			t.Errorf("dpkg %s says %s", check, out)
		}
	}
	if out := run(t, dir, "dpkg", "--root="+root, "--print-foreign-architectures"); out != "i386\n" {
		t.Errorf("foreign architectures: %q", out)
	}
	for _, loader := range []string{"usr/lib64/ld-linux-x86-64.so.2", "usr/lib/ld-linux.so.2"} {
		if _, err := os.Lstat(filepath.Join(root, loader)); err != nil {
			t.Error(err)
		}
	}
}
