package oci_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/oci"
)

// tool runs another maker's tool as a judge. It runs with KILN_TEST=real only,
// and must be there then.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr(err))
	}
	return string(out)
}

func stderr(err error) string {
	if e, ok := err.(*exec.ExitError); ok {
		return string(e.Stderr)
	}
	return ""
}

func needReal(t *testing.T) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs docker, podman, skopeo and umoci: set KILN_TEST=real")
	}
}

func TestSkopeoInspectsWithoutARef(t *testing.T) {
	needReal(t)
	st, s := openStore(t), newSample(t)
	one, two := manifestFor(t, st, s, amd64(), oci.Gzip), manifestFor(t, st, s, armv7(), oci.Gzip)
	for name, ix := range map[string]oci.Index{"one": indexOf(t, st, one), "two": indexOf(t, st, one, two)} {
		dir, file := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out.tar")
		if err := oci.WriteLayout(t.Context(), st, ix, dir, nil); err != nil {
			t.Fatal(err)
		}
		if err := oci.WriteLayoutTar(t.Context(), st, ix, file, nil); err != nil {
			t.Fatal(err)
		}
		for _, ref := range []string{"oci:" + dir, "oci:" + dir + ":1.4.0", "oci-archive:" + file} {
			var got struct {
				Architecture string
				Layers       []string
				Env          []string
			}
			out := tool(t, "skopeo", "--override-os", "linux", "--override-arch", "amd64", "inspect", ref)
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if got.Architecture != "amd64" || len(got.Layers) != 2 || got.Layers[0] != string(one.Layers[0].Digest) {
				t.Errorf("%s %s: %s", name, ref, out)
			}
		}
	}
}

// The docker archive is read as such, with what only docker's configuration has;
// copied into a layout its layers keep their diff ids. Zstd layers expand to the
// same tar.
func TestSkopeoCopies(t *testing.T) {
	needReal(t)
	st, s := openStore(t), newSample(t)
	m := manifestFor(t, st, s, amd64(), oci.Gzip)
	file, dir := filepath.Join(t.TempDir(), "web.tar"), filepath.Join(t.TempDir(), "out")
	if err := oci.WriteDockerArchive(t.Context(), st, indexOf(t, st, m), "web:1.4.0", file, nil); err != nil {
		t.Fatal(err)
	}
	if got := tool(t, "skopeo", "inspect", "--config", "--raw", "docker-archive:"+file); got != readBlob(t, st, m.Config.Digest) {
		t.Errorf("configuration read: %s", got)
	}
	tool(t, "skopeo", "--insecure-policy", "copy", "docker-archive:"+file, "oci:"+dir+":x")
	var config struct {
		RootFS struct {
			DiffIDs []kiln.Digest `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal([]byte(tool(t, "skopeo", "inspect", "--config", "--raw", "oci:"+dir+":x")), &config); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(goldenDiffIDs(), config.RootFS.DiffIDs); diff != "" {
		t.Errorf("diff ids (-want +got):\n%s", diff)
	}
	z := manifestFor(t, st, s, amd64(), oci.Zstd)
	zdir, plain := filepath.Join(t.TempDir(), "zstd"), filepath.Join(t.TempDir(), "plain")
	if err := oci.WriteLayout(t.Context(), st, indexOf(t, st, z), zdir, nil); err != nil {
		t.Fatal(err)
	}
	tool(t, "skopeo", "--insecure-policy", "copy", "--dest-decompress", "oci:"+zdir, "dir:"+plain)
	for _, d := range goldenDiffIDs() {
		if _, ok := readDir(t, plain)[d.Hex()]; !ok {
			t.Errorf("no layer expands to %s", d)
		}
	}
}

func TestUmociUnpacks(t *testing.T) {
	needReal(t)
	st, s := openStore(t), newSample(t)
	ix := indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Gzip))
	dir, bundle := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "bundle")
	if err := oci.WriteLayout(t.Context(), st, ix, dir, nil); err != nil {
		t.Fatal(err)
	}
	tool(t, "umoci", "unpack", "--rootless", "--image", dir+":1.4.0", bundle)
	t.Cleanup(func() { os.Chmod(filepath.Join(bundle, "rootfs", "usr"), 0o755) })
	got, err := os.ReadFile(filepath.Join(bundle, "rootfs", "etc", "app.conf"))
	if err != nil || string(got) != "listen=:8080\n" {
		t.Errorf("etc/app.conf %q, %v", got, err)
	}
	one, err := os.Stat(filepath.Join(bundle, "rootfs", "usr", "bin", "tool"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.Stat(filepath.Join(bundle, "rootfs", "usr", "bin", "tool2"))
	if err != nil || !os.SameFile(one, two) || one.Mode()&os.ModeSetuid == 0 {
		t.Errorf("tool %v, tool2 %v, %v: want one setuid file", one.Mode(), two, err)
	}
}

// Every engine shows the tree without what the upper layer removed, and with what
// took the place of something of another kind.
func TestEnginesHonourWhiteouts(t *testing.T) {
	needReal(t)
	st, s := openStore(t), removing(t)
	m := manifestFor(t, st, s, amd64(), oci.Gzip)
	dir, file := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out.tar")
	if err := oci.WriteLayout(t.Context(), st, indexOf(t, st, m), dir, nil); err != nil {
		t.Fatal(err)
	}
	if err := oci.WriteDockerArchive(t.Context(), st, indexOf(t, st, m), "kiln-whiteouts:1", file, nil); err != nil {
		t.Fatal(err)
	}
	check := func(who string, got []string) {
		t.Helper()
		if diff := cmp.Diff(afterRemoving(), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", who, diff)
		}
	}
	bundle := filepath.Join(t.TempDir(), "bundle")
	tool(t, "umoci", "unpack", "--rootless", "--image", dir+":1.4.0", bundle)
	check("umoci", listFolder(t, filepath.Join(bundle, "rootfs")))
	check("docker", exported(t, file, "docker"))
	// The limits are for machines where podman's defaults are above what is allowed.
	check("podman", exported(t, file, "podman", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"))

	// Through skopeo the layers come out as they went in, and podman reads what it wrote.
	copied := filepath.Join(t.TempDir(), "copied.tar")
	tool(t, "skopeo", "--insecure-policy", "copy", "oci:"+dir+":1.4.0", "docker-archive:"+copied+":kiln-whiteouts:2")
	var config struct {
		RootFS struct {
			DiffIDs []kiln.Digest `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal([]byte(tool(t, "skopeo", "inspect", "--config", "--raw", "docker-archive:"+copied)), &config); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]kiln.Digest{m.Layers[0].DiffID, m.Layers[1].DiffID}, config.RootFS.DiffIDs); diff != "" {
		t.Errorf("diff ids after skopeo (-want +got):\n%s", diff)
	}
	check("docker after skopeo", exported(t, copied, "docker"))
}

// exported loads an archive into an engine and lists what a container of it holds
// below the folder a, sorted. Container and image are removed again: an engine that
// has a layer does not unpack it, and a later load would prove nothing.
func exported(t *testing.T, archive, engine string, create ...string) []string {
	t.Helper()
	out := tool(t, engine, "load", "-i", archive)
	_, ref, ok := strings.Cut(out, "Loaded image: ")
	if !ok {
		t.Fatalf("%s load printed %q", engine, out)
	}
	ref = strings.TrimSpace(ref)
	defer tool(t, engine, "rmi", "-f", ref)
	id := strings.TrimSpace(tool(t, engine, slices.Concat([]string{"create"}, create, []string{ref, "/never-run"})...))
	defer tool(t, engine, "rm", "-f", id)
	names := list(t, strings.NewReader(tool(t, engine, "export", id)))
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, "a/") })
	slices.Sort(names)
	return names
}
