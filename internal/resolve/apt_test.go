package resolve_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/therootcompany/xz"

	"kiln/internal/apt"
	"kiln/internal/deb"
	"kiln/internal/resolve"
)

// hostApt is a private apt with an empty system and one local archive.
type hostApt struct{ conf string }

type answer struct {
	set []string // name=version
	err error
}

func newApt(t *testing.T, packages string) *hostApt {
	dir := t.TempDir()
	for _, d := range []string{"etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d", "etc/trusted.gpg.d", "state/lists/partial", "cache/archives/partial", "log", "repo"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(packages)
	if err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf(`Dir "%[1]s/"; Dir::Etc "%[1]s/etc/"; Dir::State "%[1]s/state/"; Dir::State::status "%[1]s/status"; Dir::Cache "%[1]s/cache/"; Dir::Log "%[1]s/log/";
APT::Architecture "amd64"; APT::Architectures { "amd64"; }; APT::Install-Recommends "false"; APT::Sandbox::User ""; Acquire::Languages "none";
`, dir)
	for name, content := range map[string][]byte{
		"status":           nil,
		"repo/Packages":    b,
		"etc/sources.list": []byte("deb [trusted=yes] file:" + dir + "/repo ./\n"),
		"apt.conf":         []byte(conf),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := &hostApt{filepath.Join(dir, "apt.conf")}
	for _, args := range [][]string{{"apt-get", "update"}, {"apt-cache", "gencaches"}} {
		if out, err := a.command(args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return a
}

func (a *hostApt) command(args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "APT_CONFIG="+a.conf, "LC_ALL=C")
	return cmd
}

var instLine = regexp.MustCompile(`(?m)^Inst (\S+) \((\S+) `)

func (a *hostApt) install(names []string) answer {
	out, err := a.command(append([]string{"apt-get", "install", "-s"}, names...)...).CombinedOutput()
	if err != nil {
		return answer{err: errors.New(string(out))}
	}
	var set []string
	for _, m := range instLine.FindAllSubmatch(out, -1) {
		set = append(set, string(m[1])+"="+string(m[2]))
	}
	slices.Sort(set)
	return answer{set: set}
}

// installAll asks apt two at a time; it only reads its state then.
func (a *hostApt) installAll(requests [][]string) []answer {
	answers := make([]answer, len(requests))
	var group sync.WaitGroup
	for worker := range 2 {
		group.Go(func() {
			for i := worker; i < len(requests); i += 2 {
				answers[i] = a.install(requests[i])
			}
		})
	}
	group.Wait()
	return answers
}

func readPackages(t testing.TB, path string) []*deb.Package {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	packages, err := deb.ReadPackages(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

func asCandidates(packages []*deb.Package) []resolve.Candidate {
	list := make([]resolve.Candidate, len(packages))
	for i, p := range packages {
		list[i] = resolve.Candidate{Package: p, Archive: "debian/trixie", Source: "debian"}
	}
	return list
}

// packagesFile is trixie main's Packages for amd64: the file that
// KILN_TEST_PACKAGES names, or fetched from the machine's mirror.
func packagesFile(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("KILN_TEST_PACKAGES"); path != "" {
		return path
	}
	found, err := apt.FindMirrors(apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")})
	if err != nil {
		t.Fatal(err)
	}
	urls, err := found.Of("debian")
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(urls[0] + "/dists/trixie/main/binary-amd64/Packages.xz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("cannot fetch the index of trixie main: %s", response.Status)
	}
	z, err := xz.NewReader(response.Body, xz.DefaultDictMax)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "Packages")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
