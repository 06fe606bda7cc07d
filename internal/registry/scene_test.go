package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/oci"
	"kiln/internal/patience"
	"kiln/internal/registry"
	"kiln/internal/registry/registrytest"
	"kiln/internal/store"
)

// scene is an image of two platforms in a layout, with three artifacts beside it, and
// a clock that moves when somebody sleeps.
type scene struct {
	t      *testing.T
	root   string
	layout string
	digest kiln.Digest
	size   int // of a layer, in bytes
	extra  func(*store.Store, *oci.Moved)

	mu     sync.Mutex
	now    time.Time
	slept  []time.Duration
	events []kiln.Event
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return sceneOf(t, layerSize)
}

// sceneOf is newScene with layers of size bytes.
func sceneOf(t *testing.T, size int) *scene {
	t.Helper()
	s := &scene{t: t, size: size, root: t.TempDir(), now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	s.layout = s.path("web.oci")
	s.build()
	return s
}

func (s *scene) path(name string) string { return filepath.Join(s.root, name) }

func (s *scene) store(name string) *store.Store {
	s.t.Helper()
	// Nobody cuts the power here: that the disk is not waited for makes it fast.
	swift := &durable.Disk{Fault: func(step durable.Step, _ string) (bool, error) {
		return step == durable.StepSync || step == durable.StepSyncDir, nil
	}}
	st, err := store.Open(s.path(name), store.Options{Now: func() time.Time { return s.now }, Disk: swift})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { st.Close() })
	return st
}

// client is one over a store of its own, in which nothing is if nobody used the name.
func (s *scene) client(name string) *registry.Client {
	c := &registry.Client{
		Store: s.store(name),
		Retry: registry.Retry{Policy: patience.Policy{Attempts: 3, Sleep: func(ctx context.Context, d time.Duration) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.slept = append(s.slept, d)
			s.now = s.now.Add(d)
			return ctx.Err()
		}}},
		Now: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.now
		},
		Sink: func(e kiln.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		},
		Jobs: 1,
	}
	s.t.Cleanup(c.Close)
	return c
}

// put stores a blob.
func (s *scene) put(st *store.Store, mediaType string, b []byte) oci.Descriptor {
	s.t.Helper()
	d, err := oci.PutFile(st, "", mediaType, b)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *scene) json(st *store.Store, mediaType string, v any) oci.Descriptor {
	s.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.put(st, mediaType, b)
}

const (
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	layerSize     = 20_000
)

// build writes the layout as kiln build would.
func (s *scene) build() {
	st := s.store("build-store")
	m := oci.Moved{Name: "1.4"}
	var platforms []oci.Descriptor
	for i, arch := range []string{"amd64", "arm64"} {
		layer := make([]byte, s.size+i)
		rand.New(rand.NewSource(int64(i))).Read(layer)
		l := s.put(st, "application/vnd.oci.image.layer.v1.tar+gzip", layer)
		c := s.json(st, "application/vnd.oci.image.config.v1+json", map[string]any{"created": "2026-11-01T00:00:00Z", "os": "linux", "architecture": arch})
		d := s.json(st, mediaManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "config": c, "layers": []any{l}})
		m.Blobs, m.Configs = append(m.Blobs, l, c, d), append(m.Configs, c)
		platforms = append(platforms, d.For(kiln.Platform{OS: "linux", Architecture: arch}))
	}
	m.Entry = s.json(st, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": platforms})
	m.Blobs = append(m.Blobs, m.Entry)
	s.digest = m.Entry.Digest
	record := s.json(st, oci.MediaRecord, oci.Record{Ref: "1.4", Name: "web"})
	sbom := s.beside(st, &m, "application/spdx+json", s.put(st, "application/vnd.oci.empty.v1+json", []byte("{}")), m.Configs[0], platforms[0])
	s.beside(st, &m, oci.TypeBuild, record, s.put(st, "text/yaml", []byte("kiln: v1\n")), m.Entry)
	s.beside(st, &m, "application/vnd.dev.sigstore.bundle.v0.3+json", m.Blobs[len(m.Blobs)-2], s.put(st, "application/json", []byte(`{"signed":true}`)), sbom)
	if s.extra != nil {
		s.extra(st, &m)
	}
	ix, err := m.Index(st)
	if err == nil {
		err = oci.WriteLayout(context.Background(), st, ix, s.layout, nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// beside adds an artifact about subject.
func (s *scene) beside(st *store.Store, m *oci.Moved, kind string, config, file, subject oci.Descriptor) oci.Descriptor {
	s.t.Helper()
	subject = oci.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	d, err := oci.PutReferrer(st, oci.Artifact{Type: kind, Config: config, Blobs: []oci.Descriptor{file}, Subject: &subject, Annotations: map[string]string{"org.example.of": kind}})
	if err != nil {
		s.t.Fatal(err)
	}
	m.Referrers = append(m.Referrers, d)
	m.Blobs = append(m.Blobs, d, config, file)
	return d
}

// in is the end REGISTRY/team/web with a tag or a digest.
func in(srv *registrytest.Server, rest string) registry.End {
	ref, err := registry.ParseReference(srv.Host + "/" + rest)
	if err != nil {
		panic(err)
	}
	return registry.End{Reference: &ref}
}

func (s *scene) copy(c *registry.Client, from, to registry.End) (*registry.Copied, error) {
	return c.Copy(context.Background(), from, to, registry.Filter{})
}

func (s *scene) mustCopy(c *registry.Client, from, to registry.End) *registry.Copied {
	s.t.Helper()
	res, err := s.copy(c, from, to)
	if err != nil {
		s.t.Fatalf("%s -> %s: %v", from, to, err)
	}
	return res
}

// files are all files below dir, with their content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		all[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sameFiles tells how two folders differ.
func sameFiles(t *testing.T, want, got string) {
	t.Helper()
	a, b := files(t, want), files(t, got)
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s: %q differs, or is missing", got, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			t.Errorf("%s: %q is too much", got, name)
		}
	}
}

// wants checks the code of an error, that its text holds parts, and that there is a hint.
func wants(t *testing.T, err error, code kiln.Code, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("it worked; want the code %s", code)
	}
	if kiln.CodeOf(err) != code {
		t.Errorf("code %s, want %s: %v", kiln.CodeOf(err), code, err)
	}
	text := err.Error() + "\n" + strings.Join(kiln.HintsOf(err), "\n")
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in %s", p, text)
		}
	}
	if len(kiln.HintsOf(err)) == 0 {
		t.Errorf("no hint: %s", text)
	}
}

func digestOf(b []byte) string { return string(kiln.DigestOf(b)) }

func half(b []byte) []byte { return bytes.Clone(b[:len(b)/2]) }

func show(v any) string { return fmt.Sprintf("%+v", v) }
