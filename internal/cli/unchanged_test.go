package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/apt/apttest"
)

// flatOutputs are outputs that a second build finds there, and the files of each.
func flatOutputs() []string {
	return []string{"-o", "oci:web.oci", "-o", "oci-archive:web.oci.tar", "-o", "docker-archive:web.docker.tar", "-o", "tar:web.tar"}
}

// inodes tells which files the outputs are made of.
func (s *scene) inodes() map[string]os.FileInfo {
	s.t.Helper()
	all := map[string]os.FileInfo{}
	err := filepath.Walk(s.root, func(path string, info os.FileInfo, err error) error {
		if name, _ := filepath.Rel(s.root, path); err == nil && strings.HasPrefix(name, "web.") && info.Mode().IsRegular() {
			all[name] = info
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// Where nothing has changed, no output is written again, and the result says the same.
func TestNothingChanged(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want, before := s.build(flatOutputs()...), map[string]os.FileInfo{}
	for range 3 {
		before = s.inodes()
		got := s.build(flatOutputs()...)
		got.ElapsedMS = want.ElapsedMS
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the result (-want +got):\n%s", diff)
		}
		for name, info := range s.inodes() {
			if !os.SameFile(before[name], info) {
				t.Errorf("%s was written again", name)
			}
		}
	}
	if len(before) < 8 {
		t.Errorf("only the files %v", before)
	}
	// Without its mirror, too, and without the packages.
	for _, path := range s.objects("blobs/sha256") {
		if content := s.read(strings.TrimPrefix(path, s.root+"/")); strings.HasPrefix(content, "!<arch>") {
			s.remove(strings.TrimPrefix(path, s.root+"/"))
		}
	}
	s.server.Update(apttest.Site{})
	if got := s.build("-o", "oci:web.oci", "-o", "oci-archive:new.tar"); got.Index != want.Index {
		t.Errorf("without packages the index %s, want %s", got.Index, want.Index)
	}
}

// Whatever is done to an output, the next build puts it right.
func TestOutputIsPutRight(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.build(flatOutputs()...)
	sound := s.snapshot()
	change := func(name string, do func(path string, info os.FileInfo) error) func() error {
		return func() error {
			path := s.path(name)
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return do(path, info)
		}
	}
	// flipped changes a byte and puts the time back, as one who wants to deceive does.
	flipped := func(path string, info os.FileInfo) error {
		if err := os.Chmod(path, 0o644); err != nil {
			return err
		}
		flip(t, path)
		if err := os.Chmod(path, info.Mode()); err != nil {
			return err
		}
		return os.Chtimes(path, info.ModTime(), info.ModTime())
	}
	replaced := func(path string, info os.FileInfo) error {
		if err := os.Rename(path, path+".old"); err != nil {
			return err
		}
		defer os.Remove(path + ".old")
		if err := os.WriteFile(path, make([]byte, info.Size()), info.Mode()); err != nil {
			return err
		}
		return os.Chtimes(path, info.ModTime(), info.ModTime())
	}
	var blob string
	for name := range s.inodes() {
		if strings.Contains(name, "/blobs/") {
			blob = name
		}
	}
	rows := map[string]func() error{
		"a blob is damaged":       change(blob, flipped),
		"a blob is another file":  change(blob, replaced),
		"a blob is gone":          change(blob, func(p string, _ os.FileInfo) error { return os.Remove(p) }),
		"a blob is shorter":       change(blob, func(p string, _ os.FileInfo) error { return os.Truncate(p, 3) }),
		"a blob has another mode": change(blob, func(p string, _ os.FileInfo) error { return os.Chmod(p, 0o600) }),
		"a blob is a link": change(blob, func(p string, _ os.FileInfo) error {
			if err := os.Rename(p, s.path("moved")); err != nil {
				return err
			}
			return os.Symlink(s.path("moved"), p)
		}),
		"a further blob":           func() error { return os.WriteFile(s.path("web.oci/blobs/sha256/00"), nil, 0o644) },
		"the index is damaged":     change("web.oci/index.json", flipped),
		"the layout is gone":       func() error { return os.RemoveAll(s.path("web.oci")) },
		"the archive is damaged":   change("web.oci.tar", flipped),
		"the archive is another":   change("web.oci.tar", replaced),
		"the docker archive is":    change("web.docker.tar", flipped),
		"the tar is damaged":       change("web.tar", flipped),
		"the tar is gone":          change("web.tar", func(p string, _ os.FileInfo) error { return os.Remove(p) }),
		"the tar is of two builds": func() error { return os.Rename(s.path("web.docker.tar"), s.path("web.tar")) },
	}
	for name, do := range rows {
		if err := do(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.build(flatOutputs()...)
		s.remove("moved")
		if diff := cmp.Diff(sound, s.snapshot()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	s.noTemporaries()
}

// What a new image shares with the layout that it replaces is not written again,
// unless it was touched there.
func TestLayoutKeepsItsBlobs(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	first := s.build("-o", "oci:web.oci")
	base := "web.oci/blobs/sha256/" + strings.TrimPrefix(first.Images[0].Layers[0].Digest, "sha256:")
	before := s.inodes()
	s.edit("web/kiln.yaml", "listen=:8080", "listen=:9090")
	second := s.build("-o", "oci:web.oci")
	if second.Index == first.Index || second.Images[0].Layers[0] != first.Images[0].Layers[0] {
		t.Fatalf("another base layer, or no other image: %v, then %v", first.Images, second.Images)
	}
	if !os.SameFile(before[base], s.inodes()[base]) {
		t.Error("the base layer was written again")
	}
	s.wholeLayout("web.oci")
	s.edit("web/kiln.yaml", "listen=:9090", "listen=:8080")
	if err := os.Truncate(s.path(base), 10); err != nil {
		t.Fatal(err)
	}
	if third := s.build("-o", "oci:web.oci"); third.Index != first.Index {
		t.Errorf("the first recipe again gives %s, gave %s", third.Index, first.Index)
	}
	s.wholeLayout("web.oci")
	if os.SameFile(before[base], s.inodes()[base]) {
		t.Error("the damaged base layer was kept")
	}
}

// All that the recipe takes from its folder counts: the image is the one that a
// store without memory makes.
func TestRecipeFilesCount(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.recipe(strings.Replace(recipeText, "    files:\n", "    files:\n      - {path: /srv/tool, from: tool, mode: \"0755\", why: runs}\n      - {path: /srv/www, from: www, why: pages}\n", 1))
	s.write("web/tool", "tool\n")
	s.write("web/www/index.html", "hello\n")
	s.write("web/www/sub/page.html", "page\n")
	link := func(to string) func() error {
		return func() error {
			os.Remove(s.path("web/www/latest"))
			return os.Symlink(to, s.path("web/www/latest"))
		}
	}
	seen := map[string]string{s.build("-o", "oci:web.oci").Index: "at first"}
	for _, row := range []struct {
		summary string
		do      func() error
	}{
		{"content of a file", func() error { s.write("web/tool", "took\n"); return nil }},
		{"content in a folder", func() error { s.write("web/www/sub/page.html", "pagf\n"); return nil }},
		{"a file more", func() error { s.write("web/www/more", ""); return nil }},
		{"a file less", func() error { return os.Remove(s.path("web/www/index.html")) }},
		{"another name", func() error { return os.Rename(s.path("web/www/more"), s.path("web/www/less")) }},
		{"may be executed", func() error { return os.Chmod(s.path("web/www/less"), 0o755) }},
		{"a link", link("less")},
		{"another link", link("sub")},
		{"another reason only", func() error { s.edit("web/kiln.yaml", "why: pages", "why: all pages"); return nil }},
	} {
		if err := row.do(); err != nil {
			t.Fatalf("%s: %v", row.summary, err)
		}
		got := s.build("-o", "oci:web.oci")
		if other, again := seen[got.Index]; again && row.summary != "another reason only" {
			t.Errorf("%s: the same image as %s", row.summary, other)
		}
		seen[got.Index] = row.summary
		if fresh := s.build("-o", "oci:fresh.oci", "--store", s.path("fresh")); fresh.Index != got.Index {
			t.Errorf("%s: the image %s, and %s without memory", row.summary, got.Index, fresh.Index)
		}
		s.remove("fresh")
		s.remove("fresh.oci")
	}
	if err := os.Remove(s.path("web/tool")); err != nil {
		t.Fatal(err)
	}
	s.refuses("build web", 1, `cannot read "tool" in the recipe's folder`)
}

// An image that is kept under the right key and is the wrong one is found when
// asked for.
func TestVerifyCacheOfImages(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	first := s.build("-o", "oci:web.oci")
	s.does("build", "web", "--verify-cache", "-o", "oci:web.oci")
	var kept string
	for _, path := range s.objects("results") {
		if name := strings.TrimPrefix(path, s.root+"/"); strings.Contains(s.read(name), `"manifest":`) {
			if kept != "" {
				t.Fatalf("both %s and %s keep an image", kept, name)
			}
			kept = name
		}
	}
	_, value, _ := strings.Cut(s.read(kept), "\n")
	s.remove(kept)
	s.write(kept, sealed("sha256:"+filepath.Base(kept), strings.Replace(value, `"packages":3`, `"packages":4`, 1)))
	if got := s.build("-o", "oci:web.oci"); got.Index != first.Index || got.Images[0].Packages != 4 {
		t.Fatalf("the changed result was not taken: %v", got)
	}
	s.refuses("build web --verify-cache", 3, "another result under the key sha256:"+filepath.Base(kept), "report it")
}

// sealed is what the store keeps of a value under a name.
func sealed(name, value string) string {
	return string(kiln.DigestOf([]byte(name+"\n"+value))) + "\n" + value
}
