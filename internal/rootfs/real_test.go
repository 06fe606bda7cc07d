package rootfs_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
	"kiln/internal/tree"
)

// realPackages is a closure, but for libraries that a trixie image of these needs.
func realPackages() [][]string {
	return [][]string{
		{"base-files", "netbase", "tzdata", "libc6", "gcc-14-base", "libgcc-s1", "libc-bin"},
		{"ca-certificates", "openssl", "libssl3t64", "zlib1g", "libzstd1", "dash", "perl-base", "login.defs"},
	}
}

func needReal(t *testing.T) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs dpkg, apt and an archive: set KILN_TEST=real")
	}
}

// run runs a tool of the host, and fails the test where it fails or complains.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	if stderr.Len() > 0 && args[0] == "dpkg" {
		t.Errorf("%s says:\n%s", strings.Join(args, " "), stderr.String())
	}
	return stdout.String()
}

// aptOptions sets up apt for trixie beside the host's own state, with the host's
// mirror.
func aptOptions(t *testing.T) []string {
	t.Helper()
	targets := run(t, "", "apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)", "Created-By: Packages")
	uri := ""
	for line := range strings.Lines(targets) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Debian|"); ok && uri == "" {
			uri = rest
		}
	}
	if uri == "" {
		t.Fatalf("the host's apt knows no Debian archive:\n%s", targets)
	}
	dir := t.TempDir()
	for _, sub := range []string{"state/lists/partial", "cache/archives/partial", "etc/preferences.d"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	list := filepath.Join(dir, "sources.list")
	line := fmt.Sprintf("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n", uri)
	if err := os.WriteFile(list, []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{
		"-o", "Dir::Etc::SourceList=" + list, "-o", "Dir::Etc::SourceParts=/dev/null", "-o", "Dir::Etc::PreferencesParts=/dev/null",
		"-o", "Dir::State=" + dir + "/state", "-o", "Dir::State::Status=" + dir + "/status", "-o", "Dir::Cache=" + dir + "/cache",
		"-o", "APT::Sandbox::User=root", "-o", "APT::Architecture=amd64", "-o", "APT::Architectures=amd64", "-qq",
	}
}

// realBench downloads the packages and locks them; each layer wants all of its own.
func realBench(t *testing.T) (*bench, string) {
	t.Helper()
	needReal(t)
	options, debs := aptOptions(t), t.TempDir()
	run(t, "", slices.Concat([]string{"apt-get"}, options, []string{"update"})...)
	r := &recipe.Recipe{}
	for i, packages := range realPackages() {
		r.Layers = append(r.Layers, recipe.Layer{Name: fmt.Sprintf("layer%d", i), Packages: wants(packages...)})
		run(t, debs, slices.Concat([]string{"apt-get"}, options, []string{"download"}, packages)...)
	}
	b := newBench(t, r)
	names, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b.addReal(name)
	}
	if want := len(slices.Concat(realPackages()...)); len(b.in.Packages) != want {
		t.Fatalf("%d packages, want %d", len(b.in.Packages), want)
	}
	return b, debs
}

// addReal locks a .deb and skips its scripts.
func (b *bench) addReal(name string) {
	b.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	archive, err := deb.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		b.Fatal(err)
	}
	control, err := archive.Control()
	if err != nil {
		b.Fatal(err)
	}
	d, _, err := b.store.PutBytes(content)
	if err != nil {
		b.Fatal(err)
	}
	p := control.Package
	if control.File("preinst") != nil || control.File("postinst") != nil {
		b.in.Recipe.Skip = append(b.in.Recipe.Skip, recipe.Skip{Package: p.Name, Why: "test"})
	}
	b.in.Packages = append(b.in.Packages, rootfs.Package{
		ID: kiln.PackageID{Name: p.Name, Version: p.Version, Architecture: p.Architecture}, Deb: d, RequiredBy: []string{"recipe"},
	})
}

// unpackTar writes the layers' tar streams and has GNU tar unpack them.
func (b *bench) unpackTar(img *rootfs.Image) string {
	b.Helper()
	dir := b.TempDir()
	for i, l := range img.Layers {
		name := filepath.Join(b.TempDir(), fmt.Sprintf("%d.tar", i))
		f, err := os.Create(name)
		if err != nil {
			b.Fatal(err)
		}
		w := tree.NewTarWriter(f)
		for _, e := range l.Entries() {
			if err := w.Add(e, img.Contents); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		run(b.T, "", "tar", "--no-same-owner", "-p", "-xf", name, "-C", dir)
	}
	return dir
}

func TestRealDpkgAccepts(t *testing.T) {
	b, _ := realBench(t)
	img := b.assemble()
	dir := b.unpackTar(img)
	var want []string
	for _, p := range b.in.Packages {
		want = append(want, "ii "+p.ID.Name+" "+p.ID.Version+" "+p.ID.Architecture)
	}
	var got []string
	for line := range strings.Lines(run(t, "", "dpkg", "--root="+dir, "-l")) {
		if f := strings.Fields(line); len(f) > 3 && f[0] == "ii" {
			name, _, _ := strings.Cut(f[1], ":")
			got = append(got, "ii "+name+" "+f[2]+" "+f[3])
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dpkg -l differs (-want +got):\n%s", diff)
	}
	if out := run(t, "", "dpkg", "--root="+dir, "--audit"); out != "" {
		t.Errorf("dpkg --audit says:\n%s", out)
	}
	if out := run(t, "", "dpkg", "--root="+dir, "--verify"); out != "" {
		t.Errorf("dpkg --verify says:\n%s", out)
	}
	for _, path := range []string{"/etc/debian_version", "/usr/bin/openssl", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/share/zoneinfo/UTC"} {
		if out := run(t, "", "dpkg", "--root="+dir, "-S", path); !strings.HasSuffix(out, ": "+path+"\n") {
			t.Errorf("dpkg -S %s: %s", path, out)
		}
	}
	for _, p := range []string{"etc/os-release", "bin/sh", "lib64/ld-linux-x86-64.so.2", "etc/localtime"} {
		if got, err := img.Tree.Resolve(p); err != nil && p != "etc/localtime" {
			t.Errorf("%s: %v", p, err)
		} else if err == nil && !strings.HasPrefix(got, "usr/") {
			t.Errorf("%s is %s", p, got)
		}
	}
}

// What dpkg-deb unpacks must be in our tree, and nothing else but what rules make.
func TestRealTreeEqualsDpkgDeb(t *testing.T) {
	b, debs := realBench(t)
	for _, r := range rootfs.Rules() {
		if !r.Fixed {
			b.in.Recipe.Rules.Off = append(b.in.Recipe.Rules.Off, recipe.RuleOff{Name: r.Name, Why: "test"})
		}
	}
	img := b.assemble()
	dir := t.TempDir()
	// base-files first: the others unpack through its links.
	names, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		run(t, "", "dpkg-deb", "-x", name, dir)
	}
	want := hostTree(t, dir)
	got := map[string]string{}
	for e := range img.Tree.All() {
		if e.Origin.Package != "" && e.Path != "." {
			got[e.Path] = describe(e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trees differ (-dpkg-deb +kiln):\n%s", diff)
	}
	if len(want) < 2000 {
		t.Errorf("only %d paths compared", len(want))
	}
}

// hostTree describes a folder of the host as describe does.
func hostTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := tree.Entry{Path: strings.TrimPrefix(path, dir+"/"), Mode: modeOf(info.Mode()), ModTime: kiln.Epoch(info.ModTime().Unix())}
		switch {
		case d.IsDir():
			e.Type = tree.Dir
		case info.Mode()&fs.ModeSymlink != 0:
			e.Type = tree.Symlink
			e.Link, err = os.Readlink(path)
		default:
			e.Type = tree.File
			e.Content, err = hashFile(path)
		}
		all[e.Path] = describe(e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func hashFile(path string) (kiln.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := kiln.NewDigester()
	_, err = io.Copy(sum, f)
	return sum.Digest(), err
}

func modeOf(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	for bit, to := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&bit != 0 {
			mode |= to
		}
	}
	return mode
}

// describe tells type, mode, time, link and content. The time of directories is
// left out: dpkg-deb keeps the last package's, kiln the newest.
func describe(e tree.Entry) string {
	switch e.Type {
	case tree.Dir:
		return fmt.Sprintf("d %o", e.Mode)
	case tree.Symlink:
		return fmt.Sprintf("l @%d -> %s", e.ModTime, e.Link)
	}
	return fmt.Sprintf("f %o @%d %s", e.Mode, e.ModTime, e.Content)
}
