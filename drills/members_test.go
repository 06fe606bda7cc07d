package drills_test

import (
	"bufio"
	"compress/gzip"
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// membersRecipe has two layers of many packages each. NONCE is another in each
// image, so that no engine has a layer of it already.
const membersRecipe = `kiln: v1
name: members
platforms: [linux/amd64]
sources:
  - {archive: debian, suite: trixie}
layers:
  - name: base
    packages:
      - base-files: {why: the folders that programs expect, without: {awk: only its own scripts need it}}
      - bash: a shell
      - coreutils: commands
      - tar: archives
    files:
      - {path: /srv/base, content: NONCE, why: another layer each time}
  - name: tools
    packages:
      - curl: fetches
      - jq: reads JSON
    files:
      - {path: /srv/tools, content: NONCE, owner: nonroot, mode: "0640", why: another layer each time}
users:
  - {name: nonroot, uid: 65532, home: /home/nonroot, why: owns a file}
`

// members is an image whose layers are many gzip members, or zstd frames, each.
type members struct {
	dir         string
	compression string
	image       image
	tree        *root // as kiln's own tar has it
}

func newMembers(t *testing.T, compression string) *members {
	t.Helper()
	m := &members{dir: t.TempDir(), compression: compression}
	write(t, filepath.Join(m.dir, "kiln.yaml"), strings.ReplaceAll(membersRecipe, "NONCE", rand.Text()))
	args := []string{"--compression", compression, "-o", "oci:image.oci", "-o", "oci-archive:image.oci.tar", "-o", "tar:root.tar"}
	if compression == "gzip" {
		args = append(args, "-o", "docker-archive:image.tar")
	}
	m.image = build(t, m.dir, args...).platform(t, "linux/amd64")
	m.tree = readRoot(t, m.path("root.tar"))
	return m
}

func (m *members) path(name string) string { return filepath.Join(m.dir, name) }

// blob is the file of a blob of the layout.
func (m *members) blob(digest string) string {
	return m.path("image.oci/blobs/sha256/" + strings.TrimPrefix(digest, "sha256:"))
}

// Layers that are concatenations of gzip members, and of zstd frames, are read to
// their end by the engines and by the tools that people use on such files: what
// they make of an image is kiln's tree.
func TestEnginesTakeConcatenatedLayers(t *testing.T) {
	real(t)
	for _, compression := range []string{"gzip", "zstd"} {
		m := newMembers(t, compression)
		if n := m.count(t); n < m.image.Packages {
			t.Fatalf("%s: %d members in the layers of %d packages", compression, n, m.image.Packages)
		}
		for _, judge := range []struct {
			name string
			asks func(t *testing.T, m *members)
		}{
			{"tools", toolsExpand}, {"podman", podmanTakes}, {"docker", dockerTakes}, {"containerd", containerdTakes}, {"skopeo", skopeoCopies}, {"umoci", umociUnpacks},
		} {
			t.Run(compression+"/"+judge.name, func(t *testing.T) { judge.asks(t, m) })
		}
	}
}

// count counts the gzip members, or zstd frames, of all layers.
func (m *members) count(t *testing.T) int {
	t.Helper()
	n := 0
	for _, l := range m.image.Layers {
		if m.compression == "gzip" {
			n += gzipMembers(t, m.blob(l.Digest))
		} else {
			n += zstdFrames(t, m.blob(l.Digest))
		}
	}
	return n
}

func gzipMembers(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := bufio.NewReader(f)
	z, err := gzip.NewReader(b)
	n := 0
	for ; err == nil; err = z.Reset(b) {
		z.Multistream(false)
		if _, err := io.Copy(io.Discard, z); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	return n
}

// sameTree compares what a judge made of the image with kiln's tree. Paths that
// engines put into every container are passed over; owners are where the judge
// works without privileges.
func (m *members) sameTree(t *testing.T, got *root, owners bool) {
	t.Helper()
	is, want := describedAll(got, owners), describedAll(m.tree, owners)
	if diff := cmp.Diff(want, is); diff != "" {
		t.Errorf("the tree (-kiln +judge):\n%s", diff)
	}
	if len(want) < 500 {
		t.Errorf("only %d paths in kiln's tree", len(want))
	}
}

var (
	ownerOf = regexp.MustCompile(` \d+:\d+`)
	// enginesOwn is what engines make in the root of a container.
	enginesOwn = regexp.MustCompile(`^(\.|\.?dockerenv|dev|dev/.*|proc|sys|run|run/\.?containerenv|etc/(hostname|hosts|resolv\.conf|mtab))$`)
)

func describedAll(r *root, owners bool) map[string]string {
	all := map[string]string{}
	for path, is := range r.entries {
		if enginesOwn.MatchString(path) {
			continue
		}
		if !owners {
			is = ownerOf.ReplaceAllString(is, "")
		}
		all[path] = is
	}
	return all
}

// tarOf packs a folder as it stands.
func tarOf(t *testing.T, folder string) *root {
	t.Helper()
	file := filepath.Join(t.TempDir(), "folder.tar")
	run(t, "", "tar", "--numeric-owner", "-C", folder, "-cf", file, ".")
	return readRoot(t, file)
}

// works is what worksCommand prints.
const works = "jq-1\ncurl\n"

// worksCommand runs programs of both layers, with their libraries.
func worksCommand() []string {
	return []string{"/bin/bash", "-ec", "jq --version | cut -c1-4; curl --version | head -n1 | cut -d' ' -f1"}
}

// exported is the root of a container of an image.
func (e engine) exported(t *testing.T, ref string) *root {
	t.Helper()
	file := filepath.Join(t.TempDir(), "export.tar")
	id := strings.TrimSpace(run(t, "", e.cli[0], slices.Concat(e.cli[1:], []string{"create"}, e.opts, []string{ref, "/never-run"})...))
	defer run(t, "", e.cli[0], append(e.cli[1:], "rm", "-f", id)...)
	run(t, "", e.cli[0], append(e.cli[1:], "export", "-o", file, id)...)
	return readRoot(t, file)
}

// judges compares the root of an engine's image and runs programs of it.
func (e engine) judges(t *testing.T, m *members, ref string) {
	t.Helper()
	defer e.remove(t, ref)
	m.sameTree(t, e.exported(t, ref), true)
	command := worksCommand()
	opts := []string{"--user=0", "--entrypoint", command[0]}
	if got := e.start(t, ref, opts, command[1:]...); got != works {
		t.Errorf("programs print %q, want %q", got, works)
	}
}
