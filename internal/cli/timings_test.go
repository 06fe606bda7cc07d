package cli_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
)

// --timings adds a table on standard error, or an object to the JSON, and nothing
// else; --trace adds a file. The image is the same.
func TestTimingsAndTrace(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	o := s.does("lock", "web", "--timings", "--trace", "lock.json")
	tabled(t, o, "lock", "index", "resolve", "total")
	s.hasTrace("lock.json", "kiln lock web", "lock", "index", "resolve")

	o = s.does("build", "web", "--timings", "--trace", "cold.json", "-o", "tar:web.tar", "-o", "docker-archive:web.docker.tar", "-o", "oci-archive:web.oci.tar", "-o", "folder:web.root", "-o", "oci:web.oci")
	tabled(t, o, "fetch", "unpack", "configure", "assemble", "check", "compress", "hash", "write", "total")
	s.hasTrace("cold.json", "kiln build web", "fetch", "unpack", "configure", "assemble", "check", "compress", "hash", "write")
	for _, out := range []string{"tar:web.tar", "docker-archive:web.docker.tar", "oci-archive:web.oci.tar", "folder:web.root", "oci:web.oci"} {
		if !strings.Contains(s.read("cold.json"), `"name":"`+out+`","cat":"write","ph":"X"`) {
			t.Errorf("the trace tells nothing of %s", out)
		}
	}
	want := s.layoutDigest("web.oci")

	o = s.does("build", "web", "--timings", "--trace", "warm.json", "--json")
	if o.stderr != "" {
		t.Errorf("--json: %s", o)
	}
	got := shape(t, o.stdout)
	for _, key := range []string{".index string", ".timings.total_ms number", ".timings.steps[].step string", ".timings.steps[].wall_ms number", ".timings.steps[].busy_ms number",
		".timings.steps[].count number", ".timings.steps[].cached number", ".timings.steps[].bytes number"} {
		if !strings.Contains(got+"\n", key+"\n") {
			t.Errorf("no %s in\n%s", key, got)
		}
	}
	s.hasTrace("warm.json", "kiln build web", "write")
	if digest := s.layoutDigest("web.oci"); digest != want {
		t.Errorf("the image is %s, was %s", digest, want)
	}
	if got := shape(t, s.does("lock", "web", "--timings", "--json").stdout); !strings.Contains(got, ".timings.total_ms number") || !strings.Contains(got, ".Path string") {
		t.Errorf("kiln lock --json:\n%s", got)
	}
	if o := s.does("build", "web", "--timings", "-q"); o.stderr != "" {
		t.Errorf("-q: %s", o)
	}
}

// tabled wants a table of those steps.
func tabled(t *testing.T, o outcome, steps ...string) {
	t.Helper()
	_, table, ok := strings.Cut(o.stderr, "step            wall      busy   count  cached      bytes\n")
	var got []string
	for line := range strings.Lines(table) {
		got = append(got, strings.Fields(line)[0])
	}
	if !ok || !slices.Equal(got, steps) {
		t.Errorf("steps %q, want %q in the table of %s", got, steps, o)
	}
}

// hasTrace wants a sound trace of a run of that name, with pieces of those steps.
func (s *scene) hasTrace(file, name string, steps ...string) {
	s.t.Helper()
	events, problems := traceProblems(s.read(file))
	if problems != nil {
		s.t.Errorf("%s: %q", file, problems)
	}
	seen := map[string]bool{}
	run := ""
	for _, e := range events {
		seen[e.Cat] = seen[e.Cat] || e.Ph == "X"
		if e.Cat == "run" {
			run = e.Name
		}
	}
	for _, step := range steps {
		if !seen[step] {
			s.t.Errorf("%s tells nothing of the step %s", file, step)
		}
	}
	if run != name {
		s.t.Errorf("%s is of the run %q, want %q", file, run, name)
	}
}

// A build that fails leaves its trace, and what was under way in it; a trace that
// cannot be written is told of before anything is done.
func TestTraceOfFailure(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("lock", "web")
	s.write("web/kiln.lock", unsealed(s.read("web/kiln.lock")))
	s.edit("web/kiln.lock", `"sha256": "`, `"sha256": "0000`)
	o := s.kiln("build", "web", "--trace", "t.json", "--timings")
	if o.status == 0 || o.stdout != "" {
		t.Fatalf("built: %s", o)
	}
	s.hasTrace("t.json", "kiln build web")
	s.remove("t.json")
	s.remove("web/kiln.lock")
	s.does("lock", "web")
	cut := func(*http.Request) { panic(http.ErrAbortHandler) }
	s.hook.Store(&cut)
	o = s.kiln("build", "web", "--trace", "t.json", "--timings")
	s.expect("build without a mirror", o, 4, "kiln: ", "step            wall")
	s.hasTrace("t.json", "kiln build web", "fetch")
	if !strings.Contains(s.read("t.json"), `"state":"failed"`) {
		t.Errorf("no failure in %s", s.read("t.json"))
	}
	s.remove("t.json")
	s.write("file", "x")
	for path, why := range map[string]string{
		"no/such/t.json": "no such file", "web": "something that is not a file is there", "file/t.json": "is no folder",
	} {
		s.refuses("build web --trace "+path, 1, `cannot write the trace "`+path+`": `, why, "try: --trace trace.json")
		s.refuses("lock web --trace "+path, 1, `cannot write the trace "`+path+`": `, why)
	}
	s.refuses("build web --trace", 2, "flag needs an argument: --trace")
	s.refuses("why web /etc/app.conf --trace x", 2, "unknown flag: --trace")
}

// store verify tells what it looks at.
func TestVerifyIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.build()
	var report struct{ Checked int }
	o := s.does("store", "verify", "--json")
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil || o.stderr != "" {
		t.Fatalf("%v: %s", err, o)
	}
	o = s.does("store", "verify")
	_, counted, _ := strings.Cut(o.stderr, "verify: ")
	if diff := cmp.Diff(strings.Fields(o.stdout)[0]+" objects,", strings.Join(strings.Fields(counted + " x x")[:2], " ")); diff != "" || report.Checked == 0 {
		t.Errorf("(-want +got): %s\n%s", diff, o)
	}
	if o := s.does("store", "verify", "-q"); o.stderr != "" {
		t.Errorf("-q: %s", o)
	}
}
