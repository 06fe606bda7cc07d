package drills_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packed is what kiln pack --json prints.
type packed struct {
	Digest string `json:"digest"`
	Inputs []struct {
		Kind   string `json:"kind"`
		Title  string `json:"title"`
		Digest string `json:"digest"`
	} `json:"inputs"`
	Chain struct {
		Archives []struct {
			Archive string `json:"archive"`
		} `json:"archives"`
	} `json:"chain"`
}

func packIn(t *testing.T, dir, store string, args ...string) packed {
	t.Helper()
	cmd := exec.Command(kilnBinary(t), append([]string{"pack", "--json", "--store", store}, args...)...)
	cmd.Dir = dir
	var p packed
	if text := output(t, cmd); json.Unmarshal([]byte(text), &p) != nil {
		t.Fatalf("kiln pack --json printed %q", text)
	}
	return p
}

// offline runs kiln in a network namespace of its own, in which nothing is up, not
// even lo; with an environment that names no mirror.
func offline(t *testing.T, dir string, args ...string) string {
	t.Helper()
	unshare := []string{"--net", "--"}
	if os.Getuid() != 0 {
		unshare = append([]string{"--user", "--map-root-user"}, unshare...)
	}
	cmd := exec.Command("unshare", append(append(unshare, kilnBinary(t)), args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	return output(t, cmd)
}

// A pack of real packages builds the same image with no network and an empty store,
// also after skopeo has copied it; and from another store the pack has the same bytes.
func TestPackBuildsOffline(t *testing.T) {
	real(t)
	dir := example(t, "python")
	want := build(t, dir)
	packIn(t, dir, sharedStore(t), "--locked", "--subject", "python.oci", "-o", "python.pack.tar")
	run(t, dir, "skopeo", "copy", "oci-archive:python.pack.tar", "oci-archive:copied.tar")
	for _, file := range []string{"python.pack.tar", "copied.tar"} {
		got := decode(t, offline(t, dir, "build", "--json", "--store", filepath.Join(t.TempDir(), "store"), "--pack", file, "-o", "oci:again.oci"))
		same(t, want, got)
		if err := os.RemoveAll(filepath.Join(dir, "again.oci")); err != nil {
			t.Fatal(err)
		}
	}
	packIn(t, dir, filepath.Join(t.TempDir(), "store"), "--locked", "--subject", "python.oci", "-o", "other.tar")
	run(t, dir, "cmp", "python.pack.tar", "other.tar")
}

// An auditor needs no kiln: laid out by their titles, the archives of a pack are
// mirrors that apt itself accepts, by the keys of the pack, and that hold its packages.
func TestPackIsAMirrorForApt(t *testing.T) {
	real(t)
	dir := example(t, "static")
	p := packIn(t, dir, sharedStore(t), "-o", "oci:pack")
	for _, in := range p.Inputs {
		to := filepath.Join(dir, "out", in.Title)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(filepath.Join(dir, "pack/blobs/sha256", strings.TrimPrefix(in.Digest, "sha256:")), to); err != nil {
			t.Fatal(err)
		}
	}
	var sources strings.Builder
	for _, a := range p.Chain.Archives {
		_, suite, _ := strings.Cut(a.Archive, "/")
		sources.WriteString("deb [check-valid-until=no target=Packages signed-by=" + dir + "/out/keys/" + a.Archive + ".asc] file:" + dir + "/out/archives/" + a.Archive + " " + suite + " main\n")
	}
	write(t, filepath.Join(dir, "sources.list"), sources.String())
	write(t, filepath.Join(dir, "status"), "")
	for _, d := range []string{"state/lists/partial", "cache/archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	apt := func(in string, args ...string) string {
		return run(t, filepath.Join(dir, in), "apt-get", append([]string{
			"-o", "Dir::Etc::SourceList=" + dir + "/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null", "-o", "Dir::Etc::PreferencesParts=/dev/null",
			"-o", "Dir::State=" + dir + "/state", "-o", "Dir::State::Status=" + dir + "/status", "-o", "Dir::Cache=" + dir + "/cache",
			"-o", "APT::Architecture=amd64", "-o", "APT::Architectures::=amd64", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none",
		}, args...)...)
	}
	apt("", "update", "--error-on=any")
	l, err := os.ReadFile(filepath.Join(dir, "kiln.lock"))
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, in := range p.Inputs {
		if in.Kind != "package" || strings.Contains(in.Title, "_arm64.") {
			continue
		}
		names++
		name, rest, _ := strings.Cut(filepath.Base(in.Title), "_")
		if !strings.Contains(string(l), `"name": "`+name+`"`) {
			t.Errorf("the lock has no package %q, which the pack has: %s", name, rest)
		}
		apt("debs", "download", name)
	}
	if names == 0 {
		t.Fatal("the pack holds no package")
	}
	sums := run(t, filepath.Join(dir, "debs"), "sh", "-c", "sha256sum *.deb")
	for line := range strings.Lines(sums) {
		if digest, _, _ := strings.Cut(line, " "); !strings.Contains(string(l), digest) {
			t.Errorf("apt takes another package than the lock: %s", line)
		}
	}
}
