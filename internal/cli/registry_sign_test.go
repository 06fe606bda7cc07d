package cli_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kiln/internal/registry/registrytest"
)

// pushedBare is bare.oci, which nobody signed, in a registry, in the scene of newSigned.
func pushedBare(t *testing.T, srv *registrytest.Server) (s *scene, ref, digest string) {
	t.Helper()
	s = newSigned(t)
	registrytest.Serve(t, srv)
	ref = srv.Host + "/team/web:1.4"
	return s, ref, s.moves("push", "bare.oci", ref).Digest
}

var registryKinds = map[string]func() *registrytest.Server{
	"1.1": func() *registrytest.Server { return &registrytest.Server{} },
	"1.0": func() *registrytest.Server { return &registrytest.Server{NoReferrers: true} },
}

// An image is signed where it is, in a registry of either kind, and is as good there as
// one that was signed before it was pushed. Who does not check its files does not fetch
// them.
func TestSignInRegistry(t *testing.T) {
	for name, kind := range registryKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := kind()
			s, ref, digest := pushedBare(t, srv)
			if o := s.kiln("verify", ref, "--policy", "trust.yaml"); o.status != 3 || !strings.Contains(o.stderr, "none stands beside the image") {
				t.Errorf("before: %s", o)
			}
			s.does("sign", ref, "--type", "signature", "--key", "alice1.key")
			layers := s.layerDigests("bare.oci")
			srv.Forget()
			s.does("sign", ref, "--type", "slsaprovenance1", "--key", "ci.key", "--unsafe-skip-content", "--store", s.path("fresh"))
			s.does("sign", srv.Host+"/team/web:1.4", "--type", "signature", "--request", "request.json", "--unsafe-skip-content", "--store", s.path("fresh"))
			s.does("sign", "--answer", "request.json", "--key", "bob.key", "-o", "answer.json")
			s.does("attach", ref, "answer.json", "--store", s.path("fresh"))
			s.does("provenance", ref, "--store", s.path("fresh"))
			for _, r := range srv.Requests() {
				if slices.ContainsFunc(layers, func(d string) bool { return strings.HasPrefix(r, "GET ") && strings.Contains(r, d) }) {
					t.Errorf("a layer was fetched: %s", r)
				}
			}
			o := s.does("verify", ref, "--policy", "trust.yaml", "--store", s.path("other"))
			if !strings.Contains(o.stdout, digest) {
				t.Errorf("%s", o)
			}
			s.does("verify", strings.Split(ref, ":1.4")[0]+"@"+digest, "--policy", "trust.yaml")
			if o := s.does("sign", ref, "--type", "signature", "--key", "alice1.key"); !strings.Contains(o.stdout, "was there already") {
				t.Errorf("%s", o)
			}
			// What was put there comes along.
			s.does("pull", ref, "oci:back.oci")
			s.does("verify", "oci:back.oci", "--policy", "trust.yaml")
			if o := s.kiln("attach", ref, s.bundle("old.oci", "signature", "bob")[1]); o.status != 3 || !strings.Contains(o.stderr, "and the image is "+digest) {
				t.Errorf("of another image: %s", o)
			}
		})
	}
}

// layerDigests are the digests of all layers of a layout.
func (s *scene) layerDigests(layout string) (all []string) {
	s.t.Helper()
	for _, m := range s.platforms(layout) {
		for _, l := range m.Layers {
			all = append(all, l.Digest)
		}
	}
	return all
}

type manifestLayers struct{ Layers []struct{ Digest string } }

func (s *scene) platforms(layout string) (all []manifestLayers) {
	s.t.Helper()
	blob := func(d any, v any) {
		if err := json.Unmarshal([]byte(s.read(layout+"/blobs/sha256/"+strings.TrimPrefix(d.(string), "sha256:"))), v); err != nil {
			s.t.Fatal(err)
		}
	}
	var ix map[string]any
	blob(entryOf(s.top(layout))["digest"], &ix)
	for _, m := range ix["manifests"].([]any) {
		var one manifestLayers
		blob(m.(map[string]any)["digest"], &one)
		all = append(all, one)
	}
	return all
}

// Whoever may write to a registry can take signatures away and move tags, and is found
// out: the tag that counts is the one that was asked for, not what a record says.
func TestTamperingInRegistry(t *testing.T) {
	for name, kind := range registryKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := kind()
			s := newSigned(t)
			registrytest.Serve(t, srv)
			repo := srv.Host + "/team/web"
			newer, older := s.moves("push", "new.oci", repo+":1.4"), s.moves("push", "old.oci", repo+":1.3")
			verify := func(ref string) outcome { return s.kiln("verify", ref, "--policy", "trust.yaml") }
			if o := verify(repo + ":1.4"); o.status != 0 {
				t.Fatalf("%s", o)
			}
			srv.SetTag("team/web", "1.4", older.Digest)
			if o := verify(repo + ":1.4"); o.status != 3 || !strings.Contains(o.stderr, `it was signed as "web:1.3", and stands under the tag "1.4": the tag was moved`) {
				t.Errorf("tag moved: %s", o)
			}
			for _, ref := range []string{repo + ":1.3", repo + "@" + older.Digest, repo + "@" + newer.Digest} {
				if o := verify(ref); o.status != 0 {
					t.Errorf("%s: %s", ref, o)
				}
			}
			if o := s.kiln("verify", repo+":1.3", "--policy", "trust.yaml", "--digest", newer.Digest); o.status != 3 || !strings.Contains(o.stderr, "the name leads to another image now") {
				t.Errorf("%s", o)
			}
			// A tag that is meant to move is signed as that.
			s.does("push", "new.oci", repo+":latest")
			if o := verify(repo + ":latest"); o.status != 3 || !strings.Contains(o.stderr, `stands under the tag "latest"`) {
				t.Errorf("%s", o)
			}
			s.does("sign", repo+":latest", "--type", "signature", "--key", "alice1.key", "--key", "bob.key")
			s.does("sign", repo+":latest", "--type", "slsaprovenance1", "--key", "ci.key")
			if o := verify(repo + ":latest"); o.status != 0 {
				t.Errorf("%s", o)
			}
			srv.SetTag("team/web", "1.4", newer.Digest)
			for _, r := range newer.Referrers {
				if r.ArtifactType == "application/vnd.dev.sigstore.bundle.v0.3+json" {
					srv.Remove("team/web", r.Digest)
				}
				if srv.NoReferrers { // the lists that clients keep are taken away as well
					tag := strings.Replace(r.Subject, ":", "-", 1)
					srv.Remove("team/web", srv.Tag("team/web", tag))
					srv.SetTag("team/web", tag, "")
				}
			}
			if o := verify(repo + ":1.4"); o.status != 3 || !strings.Contains(o.stderr, "the tag was moved") && !strings.Contains(o.stderr, "none stands beside the image") {
				t.Errorf("referrers removed: %s", o)
			}
		})
	}
}

// Every command that tells of an image tells of one of a registry, in the same words.
func TestTellOfRegistry(t *testing.T) {
	t.Parallel()
	srv := registrytest.Serve(t, &registrytest.Server{})
	s := sbomScene(t)
	s.edit("web/kiln.yaml", "secrets: {accept: [{path: /usr/share/app, why: these tests hold what secrets look like}]}\n", "")
	s.edit("web/kiln.yaml", "      - {path: /usr/share/app, from: ./app, mode: \"0644\", why: the service}\n", "")
	s.does("build", "web", "-o", "oci:web.oci")
	ref := srv.Host + "/team/web:v"
	s.does("push", "web.oci", ref)
	s.remove("web/kiln.yaml")
	for _, args := range [][]string{
		{"sbom", "IMAGE", "--format", "spdx-json"}, {"provenance", "IMAGE", "--predicate"}, {"why", "IMAGE", "/etc/alpha.conf"},
		{"policy", "check", "IMAGE", "--policy", "builtin:licences", "--param", "allow=*"}, {"secrets", "IMAGE"},
	} {
		told := func(image string) string {
			all := slices.Clone(args)
			all[slices.Index(all, "IMAGE")] = image
			return strings.ReplaceAll(s.does(all...).stdout, image, "IMAGE")
		}
		if here, there := told("oci:web.oci"), told(ref); here != there {
			t.Errorf("%q differ:\n%s\n%s", args, here, there)
		}
	}
}
