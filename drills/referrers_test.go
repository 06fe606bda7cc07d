package drills_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layoutRegistry serves a layout as a registry that can only be read, with the
// referrers API of the OCI distribution specification 1.1.
type layoutRegistry struct {
	t   *testing.T
	dir string
}

// descriptor is one of the specification, as far as it is needed here.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// indexFile is an index.json, an image index or a list of referrers.
type indexFile struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// serveLayout returns the name of the image in a layout, as tools name it; its tag is
// "drill".
func serveLayout(t *testing.T, dir string) string {
	t.Helper()
	s := httptest.NewServer(&layoutRegistry{t, dir})
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://") + "/drill/image"
}

func (l *layoutRegistry) blob(digest string) string {
	return filepath.Join(l.dir, "blobs", "sha256", strings.TrimPrefix(filepath.Base(digest), "sha256:"))
}

func (l *layoutRegistry) read(file string, v any) bool {
	data, err := os.ReadFile(file)
	return err == nil && json.Unmarshal(data, v) == nil
}

func (l *layoutRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dir, name := filepath.Split(r.URL.Path)
	var top indexFile
	if !l.read(filepath.Join(l.dir, "index.json"), &top) || len(top.Manifests) != 1 {
		l.t.Errorf("the layout %s does not hold one image", l.dir)
	}
	switch filepath.Base(dir) {
	case "v2":
	case "blobs":
		http.ServeFile(w, r, l.blob(name))
	case "referrers":
		l.referrers(w, top.Manifests[0], name)
	case "manifests":
		if name == "drill" {
			name = top.Manifests[0].Digest
		}
		var m struct{ MediaType string }
		if !strings.HasPrefix(name, "sha256:") || !l.read(l.blob(name), &m) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", m.MediaType)
		w.Header().Set("Docker-Content-Digest", name)
		http.ServeFile(w, r, l.blob(name))
	default:
		if r.URL.Path != "/v2/" {
			http.NotFound(w, r)
		}
	}
}

// referrers answers with those of the list that have the subject.
func (l *layoutRegistry) referrers(w http.ResponseWriter, entry descriptor, subject string) {
	list := indexFile{SchemaVersion: 2, MediaType: "application/vnd.oci.image.index.v1+json", Manifests: []descriptor{}}
	l.read(l.blob(entry.Annotations["vnd.kiln.referrers"]), &list)
	list.Manifests = slices.DeleteFunc(list.Manifests, func(d descriptor) bool {
		var m struct{ Subject descriptor }
		return !l.read(l.blob(d.Digest), &m) || m.Subject.Digest != subject
	})
	w.Header().Set("Content-Type", list.MediaType)
	if err := json.NewEncoder(w).Encode(list); err != nil {
		l.t.Error(err)
	}
}
