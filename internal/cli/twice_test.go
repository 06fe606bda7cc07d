package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
	"kiln/internal/durable"
)

// Several builds at once on one cold store give the same image, and ask the
// mirror for each package once.
func TestBuildsAtOnce(t *testing.T) {
	t.Parallel()
	want := clean(t, stable())
	s := newScene(t, apttest.New(stable()))
	s.does("lock", "web")
	const builds = 3
	// The first request of each waits for the other builds, as far as that can be:
	// so they all look for work before any of it is done.
	gate := make(chan struct{})
	s.hookOnce(func(*http.Request) { <-gate })
	var all []*exec.Cmd
	outs := make([]bytes.Buffer, 2*builds)
	for i := range builds {
		cmd := s.command("build", "web", "--locked", "--json", "-o", "oci:"+string(rune('a'+i))+".oci")
		cmd.Stdout, cmd.Stderr = &outs[2*i], &outs[2*i+1]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	close(gate)
	for i, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("build %d: %v\n%s", i, err, outs[2*i+1].String())
		}
		if got := decode(t, outs[2*i].String()); got.Index != want.Index {
			t.Errorf("build %d: index %s, want %s", i, got.Index, want.Index)
		}
	}
	asked := map[string]int{}
	for _, r := range s.server.Requests() {
		asked[r.Path]++
		if strings.HasSuffix(r.Path, ".deb") && asked[r.Path] > 1 {
			t.Errorf("%s was asked for %d times", r.Path, asked[r.Path])
		}
	}
	s.idle("builds at once")
}

// Several builds at once on one store that has the packages and nothing made of
// them: together they do no step more often than one alone.
func TestWorkIsDoneOnce(t *testing.T) {
	t.Parallel()
	large := func(s *debtest.Spec) {
		s.Entries = append(s.Entries, debtest.Entry{Path: "usr/share/" + s.Name + "/noise", Content: noise(1_000_000)})
	}
	s := newScene(t, apttest.New(later(0, alpha("1.0", "amd64"), pkg("libalpha", "1.0", "amd64", large), pkg("beta", "1.0", "all", large))))
	want := s.build()
	s.forget()
	one := workOf(t, s.does("build", "web", "--locked", "--timings", "--json").stdout)
	if one["unpack"] != 3 || one["configure"] != 2 || one["compress"] < 9 {
		t.Fatalf("a build alone does %v", one)
	}
	s.forget()
	// All begin once the store may be opened.
	unlock, err := durable.Lock(t.Context(), s.path("store/lock"))
	if err != nil {
		t.Fatal(err)
	}
	var ends []func() outcome
	for i := range 4 {
		ends = append(ends, start(t, s.command("build", "web", "--locked", "--timings", "--json", "-o", "oci:"+string(rune('a'+i))+".oci")))
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	together := work{}
	for i, end := range ends {
		o := end()
		if o.status != 0 {
			t.Fatalf("build %d: %s", i, o)
		}
		if got := decode(t, o.stdout); got.Index != want.Index {
			t.Errorf("build %d: index %s, want %s", i, got.Index, want.Index)
		}
		for step, n := range workOf(t, o.stdout) {
			together[step] += n
		}
	}
	if diff := cmp.Diff(one, together); diff != "" {
		t.Errorf("work (-one build +four):\n%s", diff)
	}
}

// work is how often each of some steps was done.
type work map[string]int

func workOf(t *testing.T, stdout string) work {
	t.Helper()
	var r struct {
		Timings struct {
			Steps []struct {
				Step          string
				Count, Cached int
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	done := work{}
	for _, s := range r.Timings.Steps {
		if s.Step == "unpack" || s.Step == "configure" || s.Step == "compress" {
			done[s.Step] = s.Count - s.Cached
		}
	}
	return done
}

// Two builds at once that write the same output and the same lock: one of them
// wins, and what is there is whole.
func TestBuildsAtOnceOnOneOutput(t *testing.T) {
	t.Parallel()
	want := clean(t, stable())
	s := newScene(t, apttest.New(stable()))
	var all []*exec.Cmd
	outs := make([]bytes.Buffer, 6)
	for i := range outs {
		cmd := s.command("build", "web", "--json")
		cmd.Stderr = &outs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for i, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Errorf("build %d: %v\n%s", i, err, outs[i].String())
		}
	}
	s.wholeLayout("web.oci")
	if got := s.layoutDigest("web.oci"); got != want.Index {
		t.Errorf("the output is %s, want %s", got, want.Index)
	}
	s.noTemporaries()
	s.idle("builds at once")
}

// A build while the store is cleaned waits for it, and does not lose what it uses.
func TestBuildDuringGC(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want := s.build()
	var all []*exec.Cmd
	outs := make([]bytes.Buffer, 6)
	for i := range outs {
		args := []string{"build", "web", "--json", "-o", "oci:" + string(rune('a'+i)) + ".oci"}
		if i%2 == 1 {
			args = []string{"store", "gc", "--unused-for", "0"}
		}
		cmd := s.command(args...)
		cmd.Stderr = &outs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for i, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v\n%s", cmd.Args, err, outs[i].String())
		}
		if i%2 == 0 {
			if got := s.layoutDigest(string(rune('a'+i)) + ".oci"); got != want.Index {
				t.Errorf("%v: index %s, want %s", cmd.Args, got, want.Index)
			}
		}
	}
}
