package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kiln"
)

// report is what kiln build --json prints.
type report struct {
	Images []struct {
		Platform string `json:"platform"`
		Digest   string `json:"digest"`
		Tree     string `json:"tree"`
		Size     int64  `json:"size"`
		Layers   []struct {
			Name   string `json:"name"`
			Digest string `json:"digest"`
			DiffID string `json:"diffID"`
			Size   int64  `json:"size"`
		} `json:"layers"`
		Packages int `json:"packages"`
	} `json:"images"`
	Index     string `json:"index"`
	Lock      string `json:"lock"`
	Output    string `json:"output"`
	ElapsedMS int64  `json:"elapsed_ms"`
}

// layer is the digest of the first image's layer of that name.
func (r report) layer(t *testing.T, name string) string {
	t.Helper()
	for _, l := range r.Images[0].Layers {
		if l.Name == name {
			return l.Digest
		}
	}
	t.Fatalf("no layer %q in %+v", name, r)
	return ""
}

// build builds the scene's recipe, which must end well.
func (s *scene) build(args ...string) report {
	s.t.Helper()
	return decode(s.t, s.does(append([]string{"build", "web", "--json"}, args...)...).stdout)
}

func decode(t *testing.T, text string) report {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(text), &r); err != nil || len(r.Images) == 0 {
		t.Fatalf("kiln build --json printed %q: %v", text, err)
	}
	return r
}

// layoutDigest is the digest of what an image layout's index.json names.
func (s *scene) layoutDigest(layout string) string {
	s.t.Helper()
	var top struct{ Manifests []struct{ Digest string } }
	if err := json.Unmarshal([]byte(s.read(layout+"/index.json")), &top); err != nil || len(top.Manifests) != 1 {
		s.t.Fatalf("%s/index.json: %v, %d entries", layout, err, len(top.Manifests))
	}
	return top.Manifests[0].Digest
}

// wholeLayout checks every blob of an image layout against its name.
func (s *scene) wholeLayout(layout string) {
	s.t.Helper()
	for _, blob := range strings.Fields(names(s.t, s.path(layout+"/blobs/sha256"))) {
		if got := kiln.DigestOf([]byte(s.read(layout + "/blobs/sha256/" + blob))); got.Hex() != blob {
			s.t.Errorf("the blob %s of %s is %s", blob, layout, got)
		}
	}
}
