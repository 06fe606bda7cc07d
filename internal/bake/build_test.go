package bake_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/facts"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// rootOf is an image of one layer with one file.
func rootOf(t *testing.T) *bake.Root {
	t.Helper()
	contents := tree.Bytes{}
	e := tree.Entry{Path: "x", Type: tree.File, Mode: 0o644, Size: 7, Content: contents.Add([]byte("content"))}
	layer := tree.Layer{Name: "base", Members: []tree.Member{{Name: "kiln", Entries: []tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755}, e}}}}
	root := tree.New()
	if err := root.Apply(layer); err != nil {
		t.Fatal(err)
	}
	return &bake.Root{Layers: []tree.Layer{layer}, Tree: root, Contents: contents, Epoch: 1000, Story: bake.Story{Packages: []bake.Package{{Name: "alpha"}}}}
}

// failing is a family that fails in one step, or does something before it.
type failing struct {
	family
	before map[string]func() error
}

func (f *failing) Fetch(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p []kiln.Platform) error {
	if do := f.before["fetch"]; do != nil {
		return do()
	}
	return f.family.Fetch(ctx, r, l, p)
}

func (f *failing) Facts(bake.Subject) (*facts.Facts, error) { return &facts.Facts{}, nil }

func (f *failing) Explain(context.Context, *recipe.Recipe, *lock.Lock, kiln.Platform) (*bake.Explanation, error) {
	return nil, errors.New("not asked for")
}

func (f *failing) Assemble(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform, early bake.Early) (*bake.Root, error) {
	if do := f.before["assemble"]; do != nil {
		if err := do(); err != nil {
			return nil, err
		}
	}
	return f.family.Assemble(ctx, r, l, p, early)
}

// The lock is written when the images are made: not before, so that a build that
// fails leaves none, and not after the outputs, which are made from it.
func TestBuildWritesTheLockWhenItCanBeBuilt(t *testing.T) {
	no := func() error { return errors.New("no such thing") }
	for _, row := range []struct {
		summary string
		step    string
		update  bake.Update
		stale   bool // a lock is there, for another recipe; else none, unless an update is asked for
		written bool
	}{
		{summary: "none, and fetching fails", step: "fetch"},
		{summary: "none, and assembling fails", step: "assemble"},
		{summary: "stale, and fetching fails", step: "fetch", stale: true},
		{summary: "stale, and assembling fails", step: "assemble", stale: true},
		{summary: "to be updated, and assembling fails", step: "assemble", update: bake.Update{All: true}, stale: true},
		{summary: "none, and the output fails", step: "output", written: true},
		{summary: "stale, and the output fails", step: "output", stale: true, written: true},
		{summary: "none, and all is well", written: true},
		{summary: "stale, and all is well", stale: true, written: true},
	} {
		t.Run(row.summary, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			if err := os.Mkdir(out, 0o777); err != nil {
				t.Fatal(err)
			}
			f := &failing{family: family{next: lockOf("2"), root: rootOf(t)}, before: map[string]func() error{row.step: no}}
			if row.step == "output" { // its folder goes while the image is made
				f.before = map[string]func() error{"assemble": func() error { return os.Remove(out) }}
			}
			o := options(t, &f.family, load(t, "web"), bake.Output{Type: bake.OCIArchive, Path: filepath.Join(out, "web.tar")})
			o.Lock.Family, o.Lock.Update = f, row.update
			var before string
			if row.stale {
				old := lockOf("1")
				old.Wants = kiln.DigestOf(nil)
				before = string(old.Marshal())
				if err := old.Save(o.Lock.Path); err != nil {
					t.Fatal(err)
				}
			}
			_, err := bake.Build(context.Background(), o)
			if (err == nil) != (row.step == "") || row.step != "" && row.step != "output" && err.Error() != "no such thing" {
				t.Errorf("error %v", err)
			}
			after, err := os.ReadFile(o.Lock.Path)
			if err != nil && !(errors.Is(err, os.ErrNotExist) && !row.stale && !row.written) {
				t.Fatal(err)
			}
			if changed := string(after) != before; changed != row.written {
				t.Errorf("the lock was written: %v, want %v", changed, row.written)
			}
			if row.written && !strings.Contains(string(after), `"version": "2"`) {
				t.Errorf("the lock is %s", after)
			}
			entries, _ := os.ReadDir(filepath.Dir(o.Lock.Path))
			for _, e := range entries {
				if n := e.Name(); n != "kiln.yaml" && n != "file" && n != "kiln.lock" {
					t.Errorf("left %s", n)
				}
			}
		})
	}
}

// annotated is what manifests and indexes have in common.
type annotated struct {
	Manifests []struct {
		Digest      kiln.Digest
		Annotations map[string]string
	}
	Config      struct{ Digest kiln.Digest }
	Annotations map[string]string
}

// blob reads a JSON document of an image layout.
func blob(t *testing.T, layout string, d kiln.Digest, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(layout, "blobs", "sha256", d.Hex()))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// What the recipe labels an image with is in the configuration, which engines
// show, and in manifest and index, which registries show. The recipe has the last
// word where it names a standard annotation.
func TestLabels(t *testing.T) {
	o, out := twoPlatforms(t, "version: \"1.0\"\nsummary: A test\ncontainer:\n  labels:\n    org.example.team: web\n    org.opencontainers.image.title: The Web\n")
	res, err := bake.Build(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"org.example.team":                     "web",
		"org.opencontainers.image.title":       "The Web",
		"org.opencontainers.image.description": "A test",
		"org.opencontainers.image.version":     "1.0",
		"org.opencontainers.image.created":     "1970-01-01T00:16:40Z",
	}
	var index annotated
	blob(t, out, res.Index, &index)
	if diff := cmp.Diff(want, index.Annotations); diff != "" {
		t.Errorf("annotations of the index (-want +got):\n%s", diff)
	}
	if len(index.Manifests) != 2 {
		t.Fatalf("%+v", index)
	}
	for _, m := range index.Manifests {
		var manifest annotated
		blob(t, out, m.Digest, &manifest)
		if diff := cmp.Diff(want, manifest.Annotations); diff != "" {
			t.Errorf("annotations of a manifest (-want +got):\n%s", diff)
		}
		var config struct {
			Config struct{ Labels map[string]string }
		}
		blob(t, out, manifest.Config.Digest, &config)
		if diff := cmp.Diff(want, config.Config.Labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
	}
}

// The image's name in a layout is its version, in letters that a tag may have; the
// label has it as it is.
func TestTag(t *testing.T) {
	for version, want := range map[string]string{
		"": "latest", "version: 1.0\n": "1.0", "version: 1.0+b1\n": "1.0_b1", "version: 1+2+3-rc_1\n": "1_2_3-rc_1",
	} {
		t.Run(want, func(t *testing.T) {
			o, out := twoPlatforms(t, version)
			if _, err := bake.Build(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(out, "index.json"))
			if err != nil {
				t.Fatal(err)
			}
			var top, index annotated
			if err := json.Unmarshal(data, &top); err != nil || len(top.Manifests) != 1 {
				t.Fatalf("%s: %v", data, err)
			}
			if got := top.Manifests[0].Annotations["org.opencontainers.image.ref.name"]; got != want {
				t.Errorf("tag %q, want %q", got, want)
			}
			blob(t, out, top.Manifests[0].Digest, &index)
			if got := "version: " + index.Annotations["org.opencontainers.image.version"] + "\n"; version != "" && got != version {
				t.Errorf("annotation %q, want %q", got, version)
			}
		})
	}
}

// twoPlatforms are the options of a build of a recipe with some more keys into an
// image layout.
func twoPlatforms(t *testing.T, more string) (o bake.Options, out string) {
	t.Helper()
	dir := t.TempDir()
	text := "kiln: v1\nname: web\nplatforms: [linux/amd64, linux/arm64]\nlayers:\n  - name: base\n    files:\n      - {path: /x, content: x, why: x}\n" + more
	if err := os.WriteFile(filepath.Join(dir, "kiln.yaml"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := lockOf("1")
	l.Platforms[kiln.Platform{OS: "linux", Architecture: "arm64"}] = l.Platforms[amd64()]
	out = filepath.Join(dir, "web.oci")
	return options(t, &family{next: l, root: rootOf(t)}, r, bake.Output{Type: bake.OCI, Path: out}), out
}

// One output below another is refused before anything is done, in either order.
func TestOutputsInsideOfEachOther(t *testing.T) {
	for _, row := range []struct {
		first, second string
		refused       bool
	}{
		{"out", "out/img.tar", true}, {"out/img.tar", "out/../out", true}, {"out", "out2", false},
	} {
		o, out := twoPlatforms(t, "")
		dir := filepath.Dir(out)
		if err := os.Mkdir(filepath.Join(dir, "out"), 0o777); err != nil {
			t.Fatal(err)
		}
		o.Outputs = []bake.Output{{Type: bake.OCI, Path: dir + "/" + row.first}, {Type: bake.OCI, Path: dir + "/" + row.second}}
		_, err := bake.Build(context.Background(), o)
		refused := kiln.CodeOf(err) == kiln.Usage && strings.Contains(err.Error(), "cannot write one output inside of another: oci:")
		if refused != row.refused || !row.refused && err != nil {
			t.Errorf("%s and %s: %v", row.first, row.second, err)
		}
	}
}

// record is the artifact that an image layout has of its build.
type record struct {
	ArtifactType string
	Subject      struct{ Digest kiln.Digest }
	Config       struct{ Digest kiln.Digest }
	Layers       []struct {
		MediaType   string
		Digest      kiln.Digest
		Annotations map[string]string
	}
}

// recordOf reads the record of the image in a layout, and its files by title.
func recordOf(t *testing.T, layout string) (r record, files map[string]string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var top annotated
	if err := json.Unmarshal(data, &top); err != nil || len(top.Manifests) != 1 {
		t.Fatalf("%s: %v", data, err)
	}
	var list struct {
		Manifests []struct {
			ArtifactType string
			Digest       kiln.Digest
		}
	}
	blob(t, layout, kiln.Digest(top.Manifests[0].Annotations["vnd.kiln.referrers"]), &list)
	for _, m := range list.Manifests {
		if m.ArtifactType == "application/vnd.kiln.build.v1" {
			blob(t, layout, m.Digest, &r)
		}
	}
	files = map[string]string{}
	for _, l := range r.Layers {
		text, err := os.ReadFile(filepath.Join(layout, "blobs", "sha256", l.Digest.Hex()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(l.MediaType, "+gzip") {
			z, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		files[l.Annotations["org.opencontainers.image.title"]] = string(text)
	}
	return r, files
}

// Beside the image stands what it was made of and what it is to be: the same from
// a build that makes its tree and one that recalls it, and of one platform where the
// output has one.
func TestRecord(t *testing.T) {
	o, out := twoPlatforms(t, "# a comment\n")
	o.Build = "this"
	o.Outputs = append(o.Outputs, bake.Output{Type: bake.Listing, Path: out + ".listing"})
	var first string
	for _, how := range []string{"made", "recalled"} {
		res, err := bake.Build(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		r, files := recordOf(t, out)
		if r.ArtifactType != "application/vnd.kiln.build.v1" || r.Subject.Digest != res.Index {
			t.Errorf("%s: %+v, index %s", how, r, res.Index)
		}
		text, _ := os.ReadFile(o.Lock.Recipe.Path())
		locked, _ := os.ReadFile(o.Lock.Path)
		listing := string(o.Lock.Family.(*family).root.Tree.Listing())
		origins, err := o.Lock.Family.(*family).root.Tree.Origins()
		if err != nil {
			t.Fatal(err)
		}
		story := `{"format":1,"packages":[{"package":"","version":"","architecture":"","name":"alpha","required_by":null,"files":0,"bytes":0}]}`
		want := map[string]string{
			"kiln.yaml": string(text), "kiln.lock": string(locked),
			"linux-amd64.tree.gz": listing, "linux-arm64.tree.gz": listing, "linux-amd64.origins.gz": string(origins), "linux-arm64.origins.gz": string(origins),
			"linux-amd64.story.gz": story, "linux-arm64.story.gz": story,
		}
		if diff := cmp.Diff(want, files); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", how, diff)
		}
		var config oci.Record
		blob(t, out, r.Config.Digest, &config)
		if len(config.Platforms) != 2 || config.Compression != "gzip" || config.Platforms[1].Tree != res.Images[1].Tree || config.Platforms[1].Manifest != res.Images[1].Digest {
			t.Errorf("%s: %+v", how, config)
		}
		if got, err := os.ReadFile(out + ".listing"); err != nil || kiln.DigestOf(got) != res.Images[0].Tree {
			t.Errorf("%s: the listing is %s, %v", how, got, err)
		}
		if now := string(text) + r.Subject.Digest.Hex(); first != "" && now != first {
			t.Errorf("%s: another record", how)
		} else {
			first = now
		}
		if err := os.Remove(out + ".listing"); err != nil {
			t.Fatal(err)
		}
	}
	if calls := o.Lock.Family.(*family).calls; len(calls) != 4 {
		t.Errorf("the second build was no recall: %q", calls)
	}
}

func (f *failing) Boot(context.Context, *lock.Lock, kiln.Platform, *bake.Root) (*tree.Tree, tree.Contents, error) {
	return nil, nil, errors.New("nothing boots here")
}
