package registry_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/registry"
	"kiln/internal/registry/registrytest"
	"kiln/internal/store"
)

// What was pushed comes back byte for byte, whatever the registry can do, and goes
// into the next one with the same digests.
func TestRoundTrip(t *testing.T) {
	for name, srv := range map[string]*registrytest.Server{
		"1.1": {}, "1.0": {NoReferrers: true}, "chunks": {MinChunk: 4096},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			srv, second := registrytest.Serve(t, srv), registrytest.Serve(t, &registrytest.Server{NoReferrers: name == "1.1"})
			c := s.client("store")
			if srv.MinChunk > 0 {
				c.Chunk = 1000
			}
			res := s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
			if res.Digest != s.digest || res.Reference != srv.Host+"/team/web@"+string(s.digest) || len(res.Referrers) != 3 || res.Moved.Sent != res.Blobs {
				t.Errorf("push: %s", show(res))
			}
			if got := srv.Tag("team/web", "v"); got != string(s.digest) {
				t.Errorf("the tag names %q", got)
			}
			if srv.MinChunk > 0 && strings.Count(strings.Join(srv.Requests(), "\n"), "PATCH") < 2*layerSize/4096 {
				t.Errorf("not in chunks: %q", srv.Requests())
			}
			// From a store that never saw it.
			s.mustCopy(s.client("other"), in(srv, "team/web@"+string(s.digest)), registry.End{Path: s.path("back.oci")})
			sameFiles(t, s.layout, s.path("back.oci"))
			s.mustCopy(s.client("other"), in(srv, "team/web:v"), in(second, "copy/web"))
			if got := second.Tag("copy/web", "v"); got != string(s.digest) {
				t.Errorf("the copy's tag names %q", got)
			}
			s.mustCopy(s.client("third"), in(second, "copy/web:v"), registry.End{Path: s.path("again.tar"), Archive: true})
			s.mustCopy(s.client("third"), registry.End{Path: s.path("again.tar")}, registry.End{Path: s.path("again.oci")})
			sameFiles(t, s.layout, s.path("again.oci"))
		})
	}
}

// What stands beside an image may be an index itself (with manifests of its own): it is
// listed, moved and read as others are.
func TestIndexBeside(t *testing.T) {
	for name, srv := range map[string]*registrytest.Server{"1.1": {}, "1.0": {NoReferrers: true}} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.layout = s.path("nested.oci")
			const kind = "application/vnd.example.reports.v1"
			var beside oci.Descriptor
			s.extra = func(st *store.Store, m *oci.Moved) {
				report, config := s.put(st, "text/plain", []byte("all is well")), s.put(st, "application/vnd.oci.empty.v1+json", []byte("{}"))
				inner := s.json(st, mediaManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "config": config, "layers": []any{report}})
				beside = s.json(st, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "artifactType": kind, "manifests": []any{inner},
					"subject": oci.Descriptor{MediaType: m.Entry.MediaType, Digest: m.Entry.Digest, Size: m.Entry.Size}, "annotations": map[string]string{"org.example.of": kind}})
				m.Blobs = append(m.Blobs, report, config, inner, beside)
				beside.ArtifactType, beside.Annotations = kind, map[string]string{"org.example.of": kind}
				m.Referrers = append(m.Referrers, beside)
			}
			s.build()
			registrytest.Serve(t, srv)
			res := s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
			if len(res.Referrers) != 4 || !slices.Contains(res.Referrers, registry.CopiedReferrer{ArtifactType: kind, Digest: beside.Digest, Subject: s.digest}) {
				t.Errorf("pushed %+v", res.Referrers)
			}
			if err := srv.Whole("team/web", "v", 4); err != nil {
				t.Error(err)
			}
			s.mustCopy(s.client("other"), in(srv, "team/web:v"), in(srv, "prod/web:v"))
			s.mustCopy(s.client("other"), in(srv, "prod/web:v"), registry.End{Path: s.path("back.oci")})
			sameFiles(t, s.layout, s.path("back.oci"))
			less, err := s.client("third").Copy(t.Context(), in(srv, "team/web:v"), registry.End{Path: s.path("less.oci")}, registry.Filter{Without: []string{kind}})
			if err != nil || len(less.Referrers) != 3 {
				t.Errorf("%s %v", show(less), err)
			}
			// Written again without it, the layout keeps what was put beside the image.
			if _, err := s.client("fourth").Copy(t.Context(), in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")}, registry.Filter{Without: []string{kind}}); err != nil {
				t.Fatal(err)
			}
			sameFiles(t, s.layout, s.path("back.oci"))
			outline, err := image.ReadOutline(t.Context(), image.Reference{Kind: image.Layout, Path: s.path("back.oci")}, image.Options{Referrers: func(string) bool { return true }})
			if err != nil || !slices.ContainsFunc(outline.Referrers, func(r image.Referrer) bool {
				return r.Digest == beside.Digest && r.Artifact.Type == kind && r.Artifact.Subject.Digest == s.digest
			}) {
				t.Errorf("%s %v", show(outline), err)
			}
			// A report that is damaged is found when all is checked.
			damaged := filepath.Join(s.path("back.oci"), "blobs", "sha256", kiln.DigestOf([]byte("all is well")).Hex())
			if err := os.WriteFile(damaged, []byte("all is ill!"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err = image.ReadOutline(t.Context(), image.Reference{Kind: image.Layout, Path: s.path("back.oci")}, image.Options{Intact: true, Referrers: func(string) bool { return false }})
			wants(t, err, kiln.Refused, "is damaged")
		})
	}
}

// A second push asks, and sends nothing but the tag.
func TestPushAgain(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{NoReferrers: true})
	c := s.client("store")
	s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:a"))
	kept := srv.Tag("team/web", "sha256-"+s.digest.Hex())
	srv.Forget()
	res := s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:b"))
	if res.Moved.Sent != 0 || res.Moved.There != res.Blobs {
		t.Errorf("%+v", res.Moved)
	}
	for _, r := range srv.Requests() {
		if !strings.HasPrefix(r, "GET ") && !strings.HasPrefix(r, "HEAD ") && r != "PUT /v2/team/web/manifests/b" {
			t.Errorf("needless: %s", r)
		}
	}
	if got := srv.Tag("team/web", "sha256-"+s.digest.Hex()); got == "" || got != kept {
		t.Errorf("the list of referrers was %q and is %q", kept, got)
	}
	// Into another repository of the host nothing is sent, either.
	res = s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "prod/web"))
	if res.Moved.Sent != 0 || res.Moved.Mounted != res.Blobs || srv.Tag("prod/web", "1.4") != string(s.digest) {
		t.Errorf("%+v, tag %q", res.Moved, srv.Tag("prod/web", "1.4"))
	}
}

// One platform takes what stands beside it along, and not what stands beside the rest.
func TestPlatform(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{})
	s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
	res, err := s.client("other").Copy(t.Context(), in(srv, "team/web:v"), registry.End{Path: s.path("one.oci")}, registry.Filter{Platform: kiln.Platform{OS: "linux", Architecture: "amd64"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Referrers) != 2 || res.Manifests != 1 || res.Digest == s.digest {
		t.Errorf("%s", show(res))
	}
	top, err := os.ReadFile(s.path("one.oci/index.json"))
	if err != nil || !strings.Contains(string(top), `"platform":{"architecture":"amd64","os":"linux"}`) {
		t.Errorf("%s %v", top, err)
	}
	_, err = s.client("other").Copy(t.Context(), in(srv, "team/web:v"), registry.End{Path: s.path("two.oci")}, registry.Filter{Platform: kiln.Platform{OS: "linux", Architecture: "s390x"}})
	wants(t, err, kiln.User, "linux/s390x", "--platform linux/arm64")
}

// What others put beside an image in the registry comes along, and two clients that
// keep the list do not lose each other's.
func TestListIsKept(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{NoReferrers: true})
	c := s.client("store")
	one, err := registry.ParseReference(srv.Host + "/team/web:v")
	if err != nil {
		t.Fatal(err)
	}
	s.mustCopy(c, registry.End{Path: s.layout}, registry.End{Reference: &one})
	// Somebody else overwrites the list.
	srv.SetTag("team/web", "sha256-"+s.digest.Hex(), "sha256:"+strings.Repeat("0", 64))
	s.mustCopy(c, registry.End{Path: s.layout}, registry.End{Reference: &one})
	s.mustCopy(s.client("other"), registry.End{Reference: &one}, registry.End{Path: s.path("back.oci")})
	sameFiles(t, s.layout, s.path("back.oci"))
}

// What others wrote into the list stays, and what is no list is not overwritten.
func TestListOfOthers(t *testing.T) {
	s := newScene(t)
	srv := registrytest.Serve(t, &registrytest.Server{NoReferrers: true})
	c := s.client("store")
	res := s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
	tag := "sha256-" + s.digest.Hex()
	list := string(srv.Manifest("team/web", srv.Tag("team/web", tag)))
	theirs := `{"annotations":{"by":"others"},"manifests":[{"mediaType":"` + mediaManifest + `","digest":"` + string(res.Referrers[0].Digest) + `","size":5,"data":"eHh4eHg="}],"mediaType":"` + mediaIndex + `","schemaVersion":2}`
	srv.SetManifest("team/web", digestOf([]byte(theirs)), []byte(theirs))
	srv.SetTag("team/web", tag, digestOf([]byte(theirs)))
	if _, err := s.copy(c, registry.End{Path: s.layout}, in(srv, "team/web:v")); err != nil && !strings.Contains(err.Error(), "size") {
		t.Fatal(err)
	}
	got := string(srv.Manifest("team/web", srv.Tag("team/web", tag)))
	if !strings.Contains(got, `"by":"others"`) || !strings.Contains(got, "eHh4eHg=") || len(got) < len(list) {
		t.Errorf("the list was\n%s\nand is\n%s", theirs, got)
	}
	srv.SetTag("team/web", tag, string(res.Referrers[0].Digest))
	_, err := s.copy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
	wants(t, err, kiln.Network, "which is for a list of referrers")
}

func TestMirror(t *testing.T) {
	s := newScene(t)
	srv, mirror := registrytest.Serve(t, &registrytest.Server{}), registrytest.Serve(t, &registrytest.Server{})
	s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(srv, "team/web:v"))
	s.mustCopy(s.client("store"), registry.End{Path: s.layout}, in(mirror, "cache/team/web:v"))
	srv.Forget()
	c := s.client("other")
	c.Mirrors = map[string][]string{srv.Host: {mirror.Host + "/cache"}}
	s.mustCopy(c, in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
	sameFiles(t, s.layout, s.path("back.oci"))
	for _, r := range srv.Requests() {
		if strings.Contains(r, "/blobs/") {
			t.Errorf("not from the mirror: %s", r)
		}
	}
	// What the mirror has lost, or serves wrong, comes from the registry.
	for _, damage := range []func([]byte) []byte{half, func(b []byte) []byte { return append([]byte{b[0] ^ 1}, b[1:]...) }} {
		mirror.Rewrite = damage
		c = s.client(t.TempDir()[1:])
		c.Mirrors = map[string][]string{srv.Host: {mirror.Host + "/cache"}}
		s.mustCopy(c, in(srv, "team/web:v"), registry.End{Path: s.path("mended.oci")})
		sameFiles(t, s.layout, s.path("mended.oci"))
	}
	mirror.Reset()
	c = s.client("fourth")
	c.Mirrors = map[string][]string{srv.Host: {mirror.Host + "/cache"}}
	s.mustCopy(c, in(srv, "team/web:v"), registry.End{Path: s.path("direct.oci")})
	sameFiles(t, s.layout, s.path("direct.oci"))
}
