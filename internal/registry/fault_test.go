package registry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kiln"
	"kiln/internal/registry"
	"kiln/internal/registry/registrytest"
)

// kinds are registries that differ in what a cut leaves.
func kinds() map[string]*registrytest.Server {
	return map[string]*registrytest.Server{"1.1": {}, "1.0": {NoReferrers: true, NoResume: true}}
}

// stagesFor are the stages to try with a kind: of the older one, those where it differs.
func stagesFor(kind string) []registrytest.Stage {
	if kind == "1.0" {
		return []registrytest.Stage{registrytest.Body, registrytest.After}
	}
	return registrytest.Stages()
}

// A connection that is cut once, at any stage of any request of a push, is made good
// within the same run.
func TestPushCutOnce(t *testing.T) {
	for name, kind := range kinds() {
		s := newScene(t)
		srv := registrytest.Serve(t, kind)
		c := s.client("store")
		s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
		total := len(srv.Requests())
		for _, stage := range stagesFor(name) {
			for n := range total {
				t.Run(fmt.Sprintf("%s/%s/%d", name, stage, n), func(t *testing.T) {
					srv.Reset()
					f := &registrytest.Fault{Request: n, Stage: stage}
					srv.SetFault(f)
					_, err := s.copy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
					srv.SetFault(nil)
					if err != nil || f.Hits() != 1 || srv.Tag("team/web", "v") != string(s.digest) {
						t.Fatalf("cut %d times, tag %q: %v\n%s", f.Hits(), srv.Tag("team/web", "v"), err, strings.Join(srv.Requests(), "\n"))
					}
					if err := srv.Whole("team/web", "v", 3); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// A registry that drops an upload that was cut, as docker's does, gets the blob again
// from its beginning, and who pushes is told; one that keeps it gets the rest.
func TestUploadCut(t *testing.T) {
	for name, row := range map[string]struct {
		kind *registrytest.Server
		told bool
	}{"dropped": {&registrytest.Server{NoReferrers: true, NoResume: true}, true}, "kept": {&registrytest.Server{}, false}} {
		t.Run(name, func(t *testing.T) {
			s := sceneOf(t, 3_000_000)
			srv := registrytest.Serve(t, row.kind)
			c := s.client("store")
			s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
			n := slices.IndexFunc(srv.Requests(), func(r string) bool { return strings.HasPrefix(r, "PATCH ") }) // the largest comes first
			srv.Reset()
			s.events = nil
			srv.SetFault(&registrytest.Fault{Request: n, Stage: registrytest.Body})
			s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
			var all []string
			for _, e := range s.events {
				if e.State == kiln.Warning {
					all = append(all, e.Text)
				}
			}
			text := strings.Join(all, "\n")
			if !regexp.MustCompile(`team/web, blob [0-9a-f]{12}: the connection was cut after [0-9]+ bytes; trying again in `).MatchString(text) {
				t.Errorf("told %q", text)
			}
			if told := strings.Contains(text, "does not go on with an upload that was cut: blob ") && strings.Contains(text, "is sent again from its beginning"); told != row.told {
				t.Errorf("told %q", text)
			}
			begun := 0
			for _, r := range srv.Requests() {
				if strings.HasPrefix(r, "POST ") {
					begun++
				}
			}
			if want := len(srv.Blobs("team/web")) + map[bool]int{true: 1}[row.told]; begun != want {
				t.Errorf("%d uploads were begun, want %d", begun, want)
			}
		})
	}
}

// One that is cut from some request on, for good, ends in an error that says what to
// do, leaves no tag, and the same command makes it good later.
func TestPushCutForGood(t *testing.T) {
	for name, kind := range kinds() {
		s := newScene(t)
		srv := registrytest.Serve(t, kind)
		c := s.client("store")
		s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
		total := len(srv.Requests())
		for _, stage := range []registrytest.Stage{registrytest.Body, registrytest.After, registrytest.Refused} {
			if name == "1.0" && stage != registrytest.After {
				continue
			}
			for n := range total {
				t.Run(fmt.Sprintf("%s/%s/%d", name, stage, n), func(t *testing.T) {
					srv.Reset()
					srv.SetFault(&registrytest.Fault{Request: n, Stage: stage, For: 1 << 20})
					_, err := s.copy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
					wants(t, err, kiln.Network, srv.Host, "run the same command again")
					// The very last answer may be lost alone.
					if tag := srv.Tag("team/web", "v"); tag != "" && !(stage == registrytest.After && n == total-1) {
						t.Errorf("there is a tag: %s", tag)
					}
					srv.SetFault(nil)
					s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
					if err := srv.Whole("team/web", "v", 3); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// The same of a pull: where it fails there is no layout, and no piece of a blob in the store.
func TestPullCut(t *testing.T) {
	for name, kind := range kinds() {
		s := newScene(t)
		srv := registrytest.Serve(t, kind)
		s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
		srv.Forget()
		s.mustCopy(s.client("first"), in(srv, "team/web:v"), registry.End{Path: s.path("want.oci")})
		second := registrytest.Serve(t, &registrytest.Server{})
		total := len(srv.Requests())
		for _, stage := range registrytest.Stages() {
			// Requests without a body, that change nothing, are alike in some stages.
			if stage == registrytest.Body || stage == registrytest.After || name == "1.0" && stage != registrytest.Half {
				continue
			}
			for n := range total {
				for _, times := range []int{1, 1 << 20} {
					if times > 1 && stage != registrytest.Half && stage != registrytest.Refused {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/%d/%d", name, stage, n, times), func(t *testing.T) {
						s.pullCut(t, srv, second, &registrytest.Fault{Request: n, Stage: stage, For: times})
					})
				}
			}
		}
	}
}

// pullCut pulls into a layout what fails, and else on into a second registry, which is
// in memory and so fast.
func (s *scene) pullCut(t *testing.T, srv, second *registrytest.Server, f *registrytest.Fault) {
	dir, st := s.path("cut.oci"), s.path("cut-store")
	if err := os.RemoveAll(st); err != nil {
		t.Fatal(err)
	}
	second.Reset()
	to := in(second, "team/web:v")
	if f.For > 1 {
		to = registry.End{Path: dir}
	}
	c := s.client("cut-store")
	defer c.Store.Close()
	srv.SetFault(f)
	_, err := s.copy(c, in(srv, "team/web:v"), to)
	srv.SetFault(nil)
	if f.For > 1 {
		wants(t, err, kiln.Network, srv.Host)
		if _, err := os.Lstat(dir); err == nil {
			t.Fatal("a layout was left")
		}
		for name := range files(t, st) {
			if strings.HasPrefix(name, "staging/") {
				t.Errorf("%s was left in the store", name)
			}
		}
		_, err = s.copy(c, in(srv, "team/web:v"), in(second, "team/web:v"))
	}
	if err == nil {
		err = second.Whole("team/web", "v", 3)
	}
	if err != nil || f.Hits() == 0 {
		t.Fatalf("cut %d times: %v", f.Hits(), err)
	}
}

// What was cut is not sent from the start again where the server knows what it has.
func TestTransfersGoOn(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{})
	c := s.client("store")
	s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
	first := func(method, part string) int {
		for i, r := range srv.Requests() {
			if strings.HasPrefix(r, method) && strings.Contains(r, part) {
				return i
			}
		}
		t.Fatalf("no %s", method)
		return 0
	}
	n := first("PATCH", "")
	srv.Reset()
	srv.SetFault(&registrytest.Fault{Request: n, Stage: registrytest.Body})
	res := s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
	if got := srv.Requests()[n : n+4]; !strings.HasPrefix(got[1], "HEAD") || !strings.HasPrefix(got[2], "GET") || !strings.HasPrefix(got[3], "PATCH") {
		t.Errorf("after the cut: %q", got)
	}
	if posts := strings.Count(strings.Join(srv.Requests(), "\n"), "POST "); posts != res.Blobs {
		t.Errorf("%d uploads were begun for %d blobs", posts, res.Blobs)
	}
	srv.Forget()
	srv.SetFault(nil)
	var ranges []string
	s.mustCopy(s.client("a"), in(srv, "team/web:v"), registry.End{Path: s.path("a.oci")})
	n = first("GET", "/blobs/")
	srv.SetFault(&registrytest.Fault{Request: n, Stage: registrytest.Half})
	srv.OnRange = func(r string) { ranges = append(ranges, r) }
	s.mustCopy(s.client("b"), in(srv, "team/web:v"), registry.End{Path: s.path("b.oci")})
	if want := fmt.Sprintf("bytes=%d-%d", (layerSize+1)/2, layerSize); len(ranges) != 1 || ranges[0] != want {
		t.Errorf("asked for the ranges %q, want %q", ranges, want)
	}
	sameFiles(t, s.layout, s.path("b.oci"))
}

// What a registry asks for is done: not less, and not for ever.
func TestRetryAfter(t *testing.T) {
	for _, row := range []struct {
		wait string
		want time.Duration
	}{{"17", 17 * time.Second}, {"date", 90 * time.Second}} {
		s := newScene(t)
		srv := registrytest.Serve(t, &registrytest.Server{})
		if row.wait == "date" {
			row.wait = s.now.Add(90 * time.Second).Format(http.TimeFormat)
		}
		srv.SetFault(&registrytest.Fault{Request: 3, Stage: registrytest.Refused, Wait: row.wait})
		s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
		if len(s.slept) != 1 || s.slept[0] != row.want {
			t.Errorf("%s: slept %v", row.wait, s.slept)
		}
		var told bool
		for _, e := range s.events {
			told = told || e.State == kiln.Warning && strings.Contains(e.Text, "429 Too Many Requests") && strings.Contains(e.Text, "trying again in")
		}
		if !told {
			t.Error("nobody was told")
		}
	}
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{})
	srv.SetFault(&registrytest.Fault{Stage: registrytest.Broken, Wait: "86400", For: 9})
	_, err := s.copy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
	wants(t, err, kiln.Network, "503 Service Unavailable", "24h0m0s", "run the same command again")
	if len(s.slept) != 0 {
		t.Errorf("slept %v", s.slept)
	}
	// Where it asks for nothing, pauses grow, and end.
	srv.SetFault(&registrytest.Fault{Stage: registrytest.Refused, For: 99})
	c := s.client("store")
	c.Retry.Attempts = 9
	_, err = s.copy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
	wants(t, err, kiln.Network, "429 Too Many Requests", "(36 attempts)", "limits how often")
	if len(s.slept) != 35 || s.slept[3] < s.slept[0] || s.slept[7] > 15*time.Second || s.slept[7] < 7*time.Second {
		t.Errorf("slept %v", s.slept)
	}
}

// A registry that turns many requests away in a row, and then none, is waited for.
func TestRationedRequests(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{})
	srv.SetFault(&registrytest.Fault{Stage: registrytest.Refused, For: 15})
	c := s.client("store")
	c.Retry.Attempts = 5
	s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
	if len(s.slept) != 15 {
		t.Errorf("slept %v", s.slept)
	}
}

// What a registry serves is not what was asked for.
func TestLies(t *testing.T) {
	flip := func(b []byte) []byte { return append([]byte{b[0] ^ 1}, b[1:]...) }
	for name, row := range map[string]struct {
		rewrite func([]byte) []byte
		text    string
	}{
		"another blob":  {flip, "the registry served another content"},
		"a shorter one": {half, "bytes"},
		"a longer one":  {func(b []byte) []byte { return append(half(b), b...) }, "bytes"},
		"nothing":       {func([]byte) []byte { return nil }, "0 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			srv := registrytest.Serve(t, &registrytest.Server{})
			s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
			srv.Rewrite = row.rewrite
			_, err := s.copy(s.client("other"), in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
			wants(t, err, kiln.Refused, row.text, srv.Host)
			if _, err := os.Lstat(s.path("back.oci")); err == nil {
				t.Error("a layout was left")
			}
			srv.Rewrite = nil
			s.mustCopy(s.client("other"), in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
			sameFiles(t, s.layout, s.path("back.oci"))
		})
	}
}

// A manifest that is another than the digest says, and a referrer of something else.
func TestLyingManifests(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{})
	s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
	text := srv.Manifest("team/web", string(s.digest))
	srv.SetManifest("team/web", string(s.digest), append([]byte(" "), text...))
	_, err := s.copy(s.client("a"), in(srv, "team/web@"+string(s.digest)), registry.End{Path: s.path("back.oci")})
	wants(t, err, kiln.Refused, "the registry served a manifest with the digest "+digestOf(append([]byte(" "), text...)))
	_, err = s.copy(s.client("b"), in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
	wants(t, err, kiln.Refused, "and says that it is "+string(s.digest))
	srv.SetManifest("team/web", string(s.digest), text)
	srv.ListAll = true
	_, err = s.copy(s.client("c"), in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
	wants(t, err, kiln.Refused, "and is none")
	if _, err := os.Lstat(s.path("back.oci")); err == nil {
		t.Error("a layout was left")
	}
}

// A referrer that the registry lists, and that was deleted, is one that somebody took
// away: the image is refused, and is no matter of a wrong name.
func TestReferrerRemoved(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{NoReferrers: true})
	s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
	list := srv.Manifest("team/web", srv.Tag("team/web", strings.Replace(string(s.digest), ":", "-", 1)))
	var referrers struct{ Manifests []struct{ Digest string } }
	if err := json.Unmarshal(list, &referrers); err != nil || len(referrers.Manifests) == 0 {
		t.Fatalf("%s: %v", list, err)
	}
	srv.Remove("team/web", referrers.Manifests[0].Digest)
	_, err := s.copy(s.client("other"), in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
	wants(t, err, kiln.Refused, "was removed", srv.Host)
	if _, err := os.Lstat(s.path("back.oci")); err == nil {
		t.Error("a layout was left")
	}
}

// A layout that is damaged is not pushed: no blob of it gets a name.
func TestDamagedSource(t *testing.T) {
	for _, damage := range []string{"content", "size", "gone"} {
		t.Run(damage, func(t *testing.T) {
			s := newScene(t)
			srv := registrytest.Serve(t, &registrytest.Server{})
			for name, text := range files(t, s.layout) {
				if len(text) < layerSize {
					continue
				}
				b := []byte(text)
				switch damage {
				case "content":
					b[100] ^= 1
				case "size":
					b = b[:len(b)-1]
				}
				err := os.WriteFile(s.layout+"/"+name, b, 0o644)
				if damage == "gone" {
					err = os.Remove(s.layout + "/" + name)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			_, err := s.copy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
			wants(t, err, kiln.Refused)
			if tag := srv.Tag("team/web", "v"); tag != "" || len(srv.Blobs("team/web")) != 0 || srv.Begun() != 0 {
				t.Errorf("tag %q, blobs %q, %d uploads under way", tag, srv.Blobs("team/web"), srv.Begun())
			}
		})
	}
}

// A server that sends next to nothing is given up, and asked again.
func TestSlowBody(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{})
	s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
	c := s.client("other")
	c.Retry.Stall, c.Retry.Attempts = 100*time.Millisecond, 50
	srv.SetSlow(1)
	s.mustCopy(c, in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
	sameFiles(t, s.layout, s.path("back.oci"))
	srv.SetSlow(1 << 20)
	c = s.client("third")
	c.Retry.Stall = 100 * time.Millisecond
	_, err := s.copy(c, in(srv, "team/web:v"), registry.End{Path: s.path("slow.oci")})
	wants(t, err, kiln.Network, "the server is too slow", "(3 attempts)")
}

// Two pulls at once, over one store, get one whole image each, and fetch each blob once.
func TestPullTwice(t *testing.T) {
	s := sceneOf(t, 3_000_000)
	srv := registrytest.Serve(t, &registrytest.Server{})
	s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
	srv.Forget()
	var group sync.WaitGroup
	for i := range 2 {
		c := s.client("other")
		group.Go(func() {
			if _, err := s.copy(c, in(srv, "team/web:v"), registry.End{Path: s.path(fmt.Sprint(i))}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	seen := map[string]int{}
	for _, r := range srv.Requests() {
		if strings.HasPrefix(r, "GET ") && strings.Contains(r, "/blobs/") {
			if seen[r]++; seen[r] > 1 {
				t.Errorf("twice: %s", r)
			}
		}
	}
	sameFiles(t, s.layout, s.path("0"))
	sameFiles(t, s.layout, s.path("1"))
}

// What a pull fetched of a blob before it failed is there for the next one: also where
// the next one finds that it was damaged.
func TestPullGoesOnLater(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		s := sceneOf(t, 300_000)
		srv := registrytest.Serve(t, &registrytest.Server{})
		s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
		srv.Forget()
		s.mustCopy(s.client("count"), in(srv, "team/web:v"), registry.End{Path: s.path("count.oci")})
		n := 0
		for !strings.Contains(srv.Requests()[n], "/blobs/") {
			n++
		}
		srv.SetFault(&registrytest.Fault{Request: n, Stage: registrytest.Half, For: 1 << 20})
		_, err := s.copy(s.client("other"), in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
		wants(t, err, kiln.Network, "the connection was cut after")
		srv.SetFault(nil)
		kept := 0
		for name, text := range files(t, s.path("other")) {
			if !strings.HasPrefix(name, "partial/") {
				continue
			}
			kept = len(text)
			if damaged {
				if err := os.WriteFile(s.path("other/"+name), append([]byte{text[0] ^ 1}, text[1:]...), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		var ranges []string
		srv.OnRange = func(r string) { ranges = append(ranges, r) }
		s.mustCopy(s.client("other"), in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
		if want := fmt.Sprintf("bytes=%d-300000", kept); kept < 150_000 || len(ranges) != 1 || ranges[0] != want {
			t.Errorf("asked for the ranges %q, want %q", ranges, want)
		}
		sameFiles(t, s.layout, s.path("back.oci"))
	}
}
