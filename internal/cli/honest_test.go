package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// Each further attempt is told, once, with its reason; nothing is where there is
// none, and with -q.
func TestRetriesAreTold(t *testing.T) {
	for _, row := range []struct {
		summary string
		path    string
		fault   apttest.Fault
		retries int
		told    []string
		reason  string
		status  int
	}{
		{"none", betaDeb, apttest.Fault{Status: 503}, 0, nil, "", 4},
		{"one", betaDeb, apttest.Fault{Status: 503, Times: 1}, 2, []string{"1 of 2"}, "503 Service Unavailable", 0},
		{"two", betaDeb, apttest.Fault{Status: 503, Times: 2}, 2, []string{"1 of 2", "2 of 2"}, "503 Service Unavailable", 0},
		{"as many as there are", betaDeb, apttest.Fault{Status: 503}, 2, []string{"1 of 2", "2 of 2"}, "503 Service Unavailable", 4},
		{"after a cut", betaDeb, apttest.Fault{Cut: 70_000, Times: 1}, 1, []string{"1 of 1"}, "cut after 70000 bytes", 0},
		{"over a Release", "dists/stable/InRelease", apttest.Fault{Status: 503, Times: 1}, 1, []string{"1 of 1"}, "503 Service Unavailable", 0},
		{"no reason to", betaDeb, apttest.Fault{Status: 404}, 2, nil, "", 4},
	} {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			for _, quiet := range []bool{false, true} {
				s := newScene(t, apttest.New(stable()))
				s.env = append(s.env, fmt.Sprintf("KILN_RETRIES=%d", row.retries))
				s.server.Fail(row.path, row.fault)
				args := []string{"build", "web"}
				if quiet {
					args = append(args, "-q")
				}
				o := s.kiln(args...)
				if o.status != row.status {
					t.Fatalf("status %d, want %d: %s", o.status, row.status, o)
				}
				var told []string
				for _, line := range strings.Split(o.stderr, "\n") {
					rest, n, ok := strings.Cut(line, "; trying again (")
					if !ok {
						continue
					}
					told = append(told, strings.TrimSuffix(n, ")"))
					if want := "warning: " + s.url + "/"; !strings.HasPrefix(rest, want) || !strings.Contains(rest, row.path) || !strings.Contains(rest, row.reason) {
						t.Errorf("told %q, want %s... with %s", line, want, row.reason)
					}
				}
				want := strings.Join(row.told, ", ")
				if quiet {
					want = ""
				}
				if got := strings.Join(told, ", "); got != want {
					t.Errorf("told %q, want %q: %s", got, want, o)
				}
			}
		})
	}
}

// A package that cannot be unpacked fails the build before there is a lock, so that
// nobody commits one that cannot be built; kiln lock alone writes it.
func TestFailedBuildLeavesTheLock(t *testing.T) {
	t.Parallel()
	bad := pkg("gamma", "1.0", "all", entries(debtest.Entry{Path: "usr/.wh.bin", Content: "x"}))
	s := newScene(t, apttest.New(with(stable(), func(s *apttest.Suite) { s.Packages = append(s.Packages, bad) })))
	good := s.read("web/kiln.yaml")
	s.edit("web/kiln.yaml", "- beta: the data", "- gamma: evil")
	refused := func() {
		t.Helper() // refuses demands that nothing has changed
		s.refuses("build web", 3, `cannot make "/usr/.wh.bin" of the package "gamma"`, `try: leave it out, listing its package in the recipe: - gamma: {why: ..., drop: ["/usr/.wh.bin"]}`)
	}
	refused() // there is no lock
	evil := s.read("web/kiln.yaml")
	s.write("web/kiln.yaml", good)
	s.build()
	s.write("web/kiln.yaml", evil)
	refused() // the lock is stale
	s.locked(set{"alpha": "1.0", "libalpha": "1.0", "beta": "1.0"})
	s.does("lock", "web")
	s.locked(set{"alpha": "1.0", "libalpha": "1.0", "gamma": "1.0"})
	refused() // the lock is fresh
	s.edit("web/kiln.yaml", "- gamma: evil", `- gamma: {why: mended, drop: ["/usr/.wh.bin"]}`)
	s.build("--locked")
}

// The version is the tag of each output that has one; a tag knows no plus.
func TestTagOfVersionWithPlus(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.edit("web/kiln.yaml", "version: 1.0.0", "version: 1.0+b1")
	s.does("build", "web", "-o", "oci:web.oci", "-o", "docker-archive:web.tar", "-o", "folder:root")
	if got := s.read("web.oci/index.json"); !strings.Contains(got, `"org.opencontainers.image.ref.name":"1.0_b1"`) {
		t.Errorf("index.json is %s", got)
	}
	if got := s.read("web.tar"); !strings.Contains(got, `"RepoTags":["web:1.0_b1"]`) {
		t.Error("the docker archive has another tag")
	}
}
