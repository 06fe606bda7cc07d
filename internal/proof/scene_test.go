package proof_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/proof"
	"kiln/internal/store"
	"kiln/internal/tree"
)

func amd64() kiln.Platform { return kiln.Platform{OS: "linux", Architecture: "amd64"} }

// sample is an image of two layers, to be changed before it is written.
type sample struct {
	contents tree.Bytes
	layers   []tree.Layer
	config   oci.Config
	lock     string
}

func newSample() *sample {
	s := &sample{contents: tree.Bytes{}, lock: "{}\n"}
	dir := func(path string) tree.Entry {
		return tree.Entry{Path: path, Type: tree.Dir, Mode: 0o755, ModTime: 100, Origin: tree.Origin{Package: "base-files"}}
	}
	s.layers = []tree.Layer{
		{Name: "base", Epoch: 100, Members: []tree.Member{
			{Name: "directories", Entries: []tree.Entry{dir("."), dir("etc"), dir("usr"), dir("usr/bin")}},
			{Name: "tool_1_all", Entries: []tree.Entry{
				s.file("usr/bin/tool", "#!/bin/sh\necho one\n", tree.Origin{Package: "tool"}),
				{Path: "usr/bin/tool2", Type: tree.File, Mode: 0o644, ModTime: 100, Hard: true, Link: "usr/bin/tool", Size: 19, Content: s.contents.Add([]byte("#!/bin/sh\necho one\n")), Origin: tree.Origin{Package: "tool"}},
				{Path: "usr/bin/t", Type: tree.Symlink, Mode: 0o777, ModTime: 100, Link: "tool", Origin: tree.Origin{Package: "tool"}},
			}},
			{Name: "kiln", Entries: []tree.Entry{
				s.file("etc/made", "first\nsecond\nthird\n", tree.Origin{Package: "tool", Script: "tool.postinst:7"}),
				s.file("etc/passwd", "root:x:0:0::/:/bin/sh\n", tree.Origin{Rule: "accounts"}),
			}},
		}},
		{Name: "app", Epoch: 100, Members: []tree.Member{
			{Name: "directories", Entries: []tree.Entry{dir("."), dir("etc")}},
			{Name: "kiln", Entries: []tree.Entry{s.file("etc/app.conf", "listen=:8080\n", tree.Origin{Recipe: "layers[app].files[0]", Why: "default port"})}},
		}},
	}
	s.config = oci.Config{Platform: amd64(), Created: 100, Entrypoint: []string{"/usr/bin/tool"}, Env: []string{"A=1"}}
	return s
}

func (s *sample) file(path, text string, o tree.Origin) tree.Entry {
	return tree.Entry{Path: path, Type: tree.File, Mode: 0o644, ModTime: 100, Size: int64(len(text)), Content: s.contents.Add([]byte(text)), Origin: o}
}

// entry is the entry of a path.
func (s *sample) entry(t testing.TB, path string) *tree.Entry {
	t.Helper()
	for i := range s.layers {
		for j := range s.layers[i].Members {
			for k := range s.layers[i].Members[j].Entries {
				if e := &s.layers[i].Members[j].Entries[k]; e.Path == path && e.Type != tree.Dir {
					return e
				}
			}
		}
	}
	t.Fatalf("no entry %s", path)
	return nil
}

// put gives a file another content, and all its names.
func (s *sample) put(t testing.TB, path, text string) {
	e := s.entry(t, path)
	e.Size, e.Content = int64(len(text)), s.contents.Add([]byte(text))
}

// write writes the image with its record as a layout, and as what outputs name.
func (s *sample) write(t testing.TB, comp oci.Compression, record bool) (layout string) {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var layers []oci.Layer
	for _, l := range s.layers {
		b, err := oci.BuildLayer(t.Context(), st, l, s.contents, oci.LayerOptions{Compression: comp})
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, b)
	}
	m, err := oci.Assemble(st, layers, s.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	ix, err := oci.WriteIndex(st, []oci.Manifest{m}, "1.0", nil)
	if err != nil {
		t.Fatal(err)
	}
	if record {
		if ix, err = ix.Attach(st, s.record(t, st, m, comp)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	layout = filepath.Join(dir, "image.oci")
	if err := oci.WriteLayout(t.Context(), st, ix, layout, nil); err != nil {
		t.Fatal(err)
	}
	if comp == oci.Gzip {
		if err := oci.WriteDockerArchive(t.Context(), st, ix, "web:1.0", filepath.Join(dir, "image.docker"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := oci.WriteLayoutTar(t.Context(), st, ix, filepath.Join(dir, "image.tar"), nil); err != nil {
		t.Fatal(err)
	}
	return layout
}

func (s *sample) tree(t testing.TB) *tree.Tree {
	t.Helper()
	all, err := tree.Merge(s.layers...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *sample) record(t testing.TB, st *store.Store, m oci.Manifest, comp oci.Compression) oci.BuildRecord {
	t.Helper()
	all := s.tree(t)
	origins, err := all.Origins()
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(oci.Record{
		Format: 1, Compression: comp, Name: "web", Ref: "1.0",
		Platforms: []oci.RecordedTree{{Platform: amd64(), Manifest: m.Digest, Tree: all.Digest()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var r oci.BuildRecord
	file := func(put func(oci.Putter, string, string, []byte) (oci.Descriptor, error), title, media string, b []byte) oci.Descriptor {
		d, err := put(st, title, media, b)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	r.Config = file(oci.PutFile, "", oci.MediaRecord, config)
	r.Files = append(r.Files,
		file(oci.PutFile, oci.TitleRecipe, oci.MediaRecipe, []byte("kiln: v1\n")), file(oci.PutFile, oci.TitleLock, oci.MediaLock, []byte(s.lock)),
		file(oci.PutCompressedFile, oci.TitleTree(amd64()), oci.MediaTree, all.Listing()), file(oci.PutCompressedFile, oci.TitleOrigins(amd64()), oci.MediaOrigins, origins))
	return r
}

func verify(t testing.TB, ref string) ([]*proof.Report, error) {
	return proof.Verify(context.Background(), image.ParseReference(ref), proof.Expected{}, proof.Options{Spool: t.TempDir()})
}

// change rewrites a file.
func change(t testing.TB, path string, do func(b []byte)) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	do(b)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeFile(path string, b []byte) error { return os.WriteFile(path, b, 0o644) }
