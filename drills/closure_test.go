package drills_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kiln"
	"kiln/internal/closure"
	"kiln/internal/tree"
)

// sambaRecipe has a program that cannot start, by a fault of Debian 13's own.
const sambaRecipe = `kiln: v1
name: samba
platforms: [linux/amd64]
sources: [{archive: debian, suite: trixie}]
layers:
  - name: base
    packages:
      - samba: it has a library that ld.so does not find
closure:
  accept:
    - {path: /usr/lib/*/samba/libmscat-private-samba.so.0, missing: libsamba-debug-private-samba.so.0, why: the drill is about it}
`

// Which libraries are not found is what the image's own dynamic linker says, for
// each program and library of it.
func TestLibrariesAreFoundAsLdSoFindsThem(t *testing.T) {
	real(t)
	for _, name := range []string{"base", "debug", "python", "java", "minbase", "samba"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			switch name {
			case "samba":
				write(t, filepath.Join(dir, "kiln.yaml"), sambaRecipe)
			case "minbase":
				data, err := os.ReadFile("../bench/recipes/minbase/kiln.yaml")
				if err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(dir, "kiln.yaml"), string(data))
			default:
				dir = example(t, name)
			}
			build(t, dir, "--platform", "linux/amd64", "-o", "tar:root.tar", "-o", "folder:root")
			unresolved := closure.Unresolved(closureInput(t, filepath.Join(dir, "root.tar")))
			lacking := 0
			for p, want := range unresolved {
				got := traced(t, filepath.Join(dir, "root"), p)
				slices.Sort(want)
				if want = slices.Compact(want); !slices.Equal(got, want) {
					t.Errorf("%s: kiln says that %v are not found, ld.so %v", p, want, got)
				}
				if want != nil {
					lacking++
				}
			}
			t.Logf("%d programs and libraries, %d of them lack something", len(unresolved), lacking)
			if len(unresolved) < 5 || name == "samba" && lacking == 0 {
				t.Errorf("%d programs and libraries, %d lacking: that is no test", len(unresolved), lacking)
			}
		})
	}
}

func closureInput(t *testing.T, file string) closure.Input {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	contents := tree.Bytes{}
	entries, err := tree.ReadTar(f, func(r io.Reader) (kiln.Digest, int64, error) {
		b, err := io.ReadAll(r)
		return contents.Add(b), int64(len(b)), err
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := tree.Of(entries...)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := closure.Gather(root, contents)
	if err != nil {
		t.Fatal(err)
	}
	return closure.Input{Tree: root, Contents: contents, Facts: facts}
}

// traced has the image's dynamic linker load a file as ldd does, and returns the
// libraries that it does not find, sorted.
func traced(t *testing.T, root, path string) []string {
	t.Helper()
	cmd := exec.Command("/lib64/ld-linux-x86-64.so.2", "/"+path)
	cmd.Env, cmd.Dir = []string{"LD_TRACE_LOADED_OBJECTS=1"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if out.Len() == 0 && err != nil && !strings.Contains(errs.String(), "statically linked") {
		t.Fatalf("%s: %v\n%s", path, err, errs.String())
	}
	var missing []string
	for line := range strings.Lines(out.String()) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), " => not found"); ok {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// The examples lack nothing, and nothing of them had to be accepted.
func TestExamplesLackNothing(t *testing.T) {
	real(t)
	for _, name := range exampleNames {
		dir := example(t, name)
		cmd := exec.Command(kilnBinary(t), "build", "--json", "--store", sharedStore(t), "-o", "oci:image.oci")
		cmd.Dir = dir
		var r struct {
			Images []struct {
				Platform string
				Findings []closure.Finding
			}
		}
		if err := json.Unmarshal([]byte(output(t, cmd)), &r); err != nil {
			t.Fatal(err)
		}
		for _, img := range r.Images {
			for _, f := range img.Findings {
				t.Errorf("%s, %s: %s", name, img.Platform, f)
			}
		}
		if len(r.Images) != 2 {
			t.Errorf("%s: images for %d platforms", name, len(r.Images))
		}
	}
}
