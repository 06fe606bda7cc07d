package drills_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kernelRecipe is a kernel, and the depmod of the same release to judge its indexes by.
const kernelRecipe = `kiln: v1
name: kernel
platforms: [linux/amd64]
essential: true
sources:
  - {archive: debian, suite: trixie}
layers:
  - name: base
    packages:
      - kmod: depmod
      - udev: devices
      - linux-image-cloud-amd64: the kernel
`

// The indexes of a kernel's modules are, byte for byte, those that the image's own depmod makes.
func TestDepmodsIndexes(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), kernelRecipe)
	build(t, dir, "--platform", "linux/amd64", "-o", "folder:root")
	root := filepath.Join(dir, "root")
	releases, err := os.ReadDir(filepath.Join(root, "usr/lib/modules"))
	if err != nil || len(releases) != 1 {
		t.Fatalf("the kernels are %v (%v)", releases, err)
	}
	release := releases[0].Name()
	folder := filepath.Join(root, "usr/lib/modules", release)
	made := indexes(t, folder)
	for name := range made {
		if !strings.HasPrefix(name, "modules.builtin") && name != "modules.order" {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	libs := filepath.Join(root, "usr/lib/x86_64-linux-gnu")
	run(t, dir, filepath.Join(libs, "ld-linux-x86-64.so.2"), "--argv0", "depmod", "--library-path", libs, filepath.Join(root, "usr/bin/kmod"), "-b", root, release)
	want := indexes(t, folder)
	if len(made) != len(want) || len(want) < 14 {
		t.Errorf("there are %d files modules.*, depmod makes %d", len(made), len(want))
	}
	for name, content := range want {
		if !bytes.Equal(made[name], content) {
			t.Errorf("%s is not as depmod makes it: %d bytes, depmod's has %d", name, len(made[name]), len(content))
		}
	}
}

// indexes reads the files modules.* of a folder.
func indexes(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "modules.*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, p := range paths {
		content, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(p)] = content
	}
	return all
}
