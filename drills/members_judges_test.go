package drills_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// zstdFrames asks zstd for the number of frames in a file.
func zstdFrames(t *testing.T, path string) int {
	t.Helper()
	for line := range strings.Lines(run(t, "", "zstd", "-lv", path)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "# Zstandard Frames:"); ok {
			frames, err := strconv.Atoi(strings.TrimSpace(n))
			if err != nil {
				t.Fatal(err)
			}
			return frames
		}
	}
	t.Fatalf("zstd tells no frames of %s", path)
	return 0
}

// expander is a program that expands a layer to standard output, or lists it.
type expander struct {
	line  string // of shell; the layer is $1
	lists bool
}

// expanders leaves out Python's tarfile in its streaming modes ("r|gz", "r|*"): it
// ends with the first gzip member, and says nothing.
func expanders(compression string) []expander {
	if compression == "zstd" {
		return []expander{{"zstd -dc <$1", false}, {"unzstd -c <$1", false}, {"tar --zstd -tf $1", true}, {"bsdtar -tf $1", true}, {"bsdtar -tf - <$1", true}}
	}
	return []expander{
		{"gzip -dc <$1", false}, {"gunzip -c <$1", false}, {"zcat <$1", false}, {"pigz -dc <$1", false}, {"pigz -p4 -dc <$1", false},
		{`python3 -c 'import gzip, shutil, sys; shutil.copyfileobj(gzip.open(sys.argv[1]), sys.stdout.buffer)' $1`, false},
		{`python3 -c 'import tarfile, sys
for e in tarfile.open(sys.argv[1]): print(e.name + "/" * e.isdir())' $1`, true},
		{"tar -tzf $1", true}, {"bsdtar -tf $1", true}, {"bsdtar -tf - <$1", true}, {"busybox tar -tzf - <$1", true},
	}
}

// toolsExpand wants from each program the tar that the layer's diff id names, or
// all names in it.
func toolsExpand(t *testing.T, m *members) {
	tests := map[string][]string{"gzip": {"gzip -t", "pigz -t", "zstd -t --format=gzip"}, "zstd": {"zstd -t"}}[m.compression]
	for _, l := range m.image.Layers {
		blob := m.blob(l.Digest)
		for _, line := range tests {
			piped(t, line+" <$1", blob)
		}
		names := piped(t, m.compression+" -dc <$1 | tar -tf -", blob)
		for _, e := range expanders(m.compression) {
			if e.lists {
				if diff := cmp.Diff(names, piped(t, e.line, blob)); diff != "" {
					t.Errorf("%s of the layer %s (-tar +listed):\n%s", e.line, l.Name, diff)
				}
				continue
			}
			sum, _, _ := strings.Cut(piped(t, e.line+" | sha256sum", blob), " ")
			if "sha256:"+sum != l.DiffID {
				t.Errorf("%s of the layer %s gives sha256:%s, want %s", e.line, l.Name, sum, l.DiffID)
			}
		}
	}
}

// piped runs a line of shell with a file as $1, in which no program may fail.
func piped(t *testing.T, line, file string) string {
	t.Helper()
	return run(t, "", "bash", "-o", "pipefail", "-ec", line, "bash", file)
}

func podmanTakes(t *testing.T, m *members) {
	podman := engines()[1]
	podman.judges(t, m, podman.load(t, m.path("image.oci.tar")))
	if m.compression == "gzip" {
		podman.judges(t, m, podman.load(t, m.path("image.tar")))
	}
}

// dockerTakes loads the docker archive, and pulls the layout from a registry,
// which is docker's way to zstd. That it reads since version 23.
func dockerTakes(t *testing.T, m *members) {
	docker := engines()[0]
	if m.compression == "gzip" {
		docker.judges(t, m, docker.load(t, m.path("image.tar")))
	}
	ref := m.serve(t)
	if m.compression == "zstd" && dockerMajor(t) < 23 {
		if out, err := exec.Command("docker", "pull", "-q", ref).CombinedOutput(); err == nil {
			docker.remove(t, ref)
			t.Errorf("docker before 23 reads zstd now: %s", out)
		}
		return
	}
	run(t, "", "docker", "pull", "-q", ref)
	docker.judges(t, m, ref)
}

func dockerMajor(t *testing.T) int {
	t.Helper()
	major, _, _ := strings.Cut(run(t, "", "docker", "version", "--format", "{{.Server.Version}}"), ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// skopeoCopies wants the same bytes after a copy there and back, and the tars that
// the diff ids name where skopeo expands the layers.
func skopeoCopies(t *testing.T, m *members) {
	layout := "oci:" + m.path("image.oci")
	run(t, m.dir, "skopeo", "--insecure-policy", "copy", "--preserve-digests", layout, "dir:there")
	run(t, m.dir, "skopeo", "--insecure-policy", "copy", "--preserve-digests", "dir:there", "oci:back:x")
	var seen struct{ Digest string }
	if err := json.Unmarshal([]byte(run(t, m.dir, "skopeo", "inspect", "oci:back:x")), &seen); err != nil || seen.Digest != m.image.Digest {
		t.Errorf("there and back the digest is %s, was %s (%v)", seen.Digest, m.image.Digest, err)
	}
	run(t, m.dir, "skopeo", "--insecure-policy", "copy", "--dest-decompress", layout, "dir:plain")
	for _, l := range m.image.Layers {
		if _, err := os.Stat(m.path("back/blobs/sha256/" + strings.TrimPrefix(l.Digest, "sha256:"))); err != nil {
			t.Errorf("there and back: %v", err)
		}
		sum, _, err := strings.Cut(run(t, m.dir, "sha256sum", "plain/"+strings.TrimPrefix(l.DiffID, "sha256:")), " ")
		if "sha256:"+sum != l.DiffID {
			t.Errorf("the layer %s expands to %s, want %s (%v)", l.Name, sum, l.DiffID, err)
		}
	}
}

// umociUnpacks compares what umoci unpacks without privileges. Debian's umoci
// 0.4 refuses zstd, so a newer one is built from its module.
func umociUnpacks(t *testing.T, m *members) {
	judges := []string{umociModule(t)}
	if m.compression == "gzip" {
		judges = append(judges, "umoci")
	}
	for i, umoci := range judges {
		bundle := "bundle" + strconv.Itoa(i)
		run(t, m.dir, umoci, "unpack", "--rootless", "--image", "image.oci:"+refName(t, m.dir), bundle)
		m.sameTree(t, tarOf(t, m.path(bundle+"/rootfs")), false)
	}
}

// umociVersion is the newest umoci when this was written.
const umociVersion = "v0.6.0"

// umociModule builds umoci from its module.
func umociModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module judge\n")
	write(t, filepath.Join(dir, "judge.go"), "package judge\n\nimport _ \"github.com/opencontainers/umoci/cmd/umoci\"\n")
	run(t, dir, "go", "get", "github.com/opencontainers/umoci/cmd/umoci@"+umociVersion)
	run(t, dir, "go", "build", "-o", "umoci", "github.com/opencontainers/umoci/cmd/umoci")
	return filepath.Join(dir, "umoci")
}
