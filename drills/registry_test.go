package drills_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serve offers the layout as a registry on this machine, and returns how engines
// name the image there. The name is another for each image.
func (m *members) serve(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(m.answer))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://") + "/members/" + m.compression + ":drill"
}

// answer is a registry that can only be read: what the OCI distribution
// specification 1.1 asks of a pull.
func (m *members) answer(w http.ResponseWriter, r *http.Request) {
	dir, name := filepath.Split(r.URL.Path)
	kind := filepath.Base(dir)
	if r.URL.Path == "/v2/" {
		return
	}
	if kind == "manifests" {
		digest, mediaType, err := m.manifest(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		name = digest
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Docker-Content-Digest", digest)
	}
	http.ServeFile(w, r, m.blob(name))
}

// manifest finds a manifest by tag, of which there is one, or by digest.
func (m *members) manifest(name string) (digest, mediaType string, err error) {
	data, err := os.ReadFile(m.path("image.oci/index.json"))
	var index struct {
		Manifests []struct{ MediaType, Digest string }
	}
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	for _, d := range index.Manifests {
		if d.Digest == name || name == "drill" {
			return d.Digest, d.MediaType, nil
		}
	}
	if err == nil {
		err = os.ErrNotExist
	}
	return "", "", err
}
