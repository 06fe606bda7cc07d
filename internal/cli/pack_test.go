package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// packedRecipe takes all that a recipe can take from its folder, for two platforms.
const packedRecipe = `kiln: v1
name: web
version: 1.0+b1
platforms: [linux/amd64, linux/arm64]
sources:
  - {name: test, url: URL, suite: stable, keyring: keys/test.asc}
  - {deb: debs/local_2.0_all.deb}
layers:
  - name: base
    packages:
      - alpha: the program
      - local: our own
  - name: app
    packages:
      - beta: the data
    files:
      - {path: /etc/app.conf, from: conf/app.conf, why: settings}
      - {path: /etc/empty.conf, from: conf/empty, why: nothing}
      - {path: /srv/site, from: site, why: pages}
      - {path: /srv/index.html, from: site/index.html, why: a file of a folder that is taken whole}
      - {path: /srv/again, from: ./site/deep/, why: a folder of one}
      - {path: /srv/amd64, from: conf/app.conf, platforms: [linux/amd64], why: one platform}
`

// packed is a scene with packedRecipe.
func packed(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, apttest.New(stable()))
	s.recipe(packedRecipe)
	s.remove("web/key.asc")
	s.write("web/keys/test.asc", string(apttest.DefaultKey().Public()))
	deb := debtest.Build(debtest.Spec{Name: "local", Version: "2.0", Architecture: "all", Entries: []debtest.Entry{{Path: "usr/share/local", Content: "ours\n"}}})
	s.write("web/debs/local_2.0_all.deb", string(deb))
	s.write("web/conf/app.conf", "listen=:8080\n")
	s.write("web/conf/empty", "")
	s.write("web/conf/unused", "nobody asks for it\n")
	s.write("web/site/index.html", "<p>hello\n")
	s.write("web/site/a name; with blanks", "odd\n")
	s.write("web/site/deep/run.sh", "#!/bin/sh\n")
	if err := os.Chmod(s.path("web/site/deep/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"to": "deep/run.sh", "deep/again": "run.sh"} {
		if err := os.Symlink(target, s.path("web/site/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(s.path("web/site/none"), 0o777); err != nil {
		t.Fatal(err)
	}
	return s
}

// alone leaves the scene with the pack and nothing else: no recipe, an empty store,
// no archive. What kiln still asks the archive for fails the test.
func (s *scene) alone() {
	s.t.Helper()
	s.remove("web")
	s.remove("store")
	s.server.Update(apttest.Site{})
	s.serially(func(r *http.Request) { s.t.Errorf("kiln asks for %s", r.URL) })
}

// packReport is what kiln pack --json prints.
type packReport struct {
	Digest  string `json:"digest"`
	Lock    string `json:"lock"`
	Subject *struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
	} `json:"subject"`
	Size   int64 `json:"size"`
	Inputs []struct {
		Kind   string `json:"kind"`
		Title  string `json:"title"`
		Digest string `json:"digest"`
		Size   int64  `json:"size"`
	} `json:"inputs"`
	Chain struct {
		Archives []struct {
			Archive           string
			Indexes, Packages int
			Signers           []struct{ Fingerprint string }
		}
		LockAlone []string `json:"lock_alone"`
		Local     []string
	} `json:"chain"`
	LockFile string `json:"lock_file"`
}

func (s *scene) pack(args ...string) packReport {
	s.t.Helper()
	o := s.does(append([]string{"pack", "web", "--json"}, args...)...)
	var r packReport
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
		s.t.Fatalf("kiln pack --json printed %q: %v", o.stdout, err)
	}
	return r
}

// buildPack builds from a pack, which must end well.
func (s *scene) buildPack(args ...string) report {
	s.t.Helper()
	return decode(s.t, s.does(append([]string{"build", "--json", "--pack"}, args...)...).stdout)
}

// A pack is all that the image needs: built from it alone, it has the same digest.
func TestPackBuildsAlone(t *testing.T) {
	t.Parallel()
	s := packed(t)
	want := s.build("-o", "oci:web.oci", "-o", "tar:web.tar")
	root := s.read("web.tar")
	s.does("pack", "web", "--locked", "-o", "web.pack.tar")
	s.does("pack", "web", "--locked", "-o", "oci:web.pack")
	s.alone()
	for _, from := range []string{"web.pack.tar", "web.pack", "oci:web.pack", "oci-archive:web.pack.tar"} {
		s.remove("store")
		for _, how := range []string{"cold", "warm"} {
			got := s.buildPack(from, "-o", "oci:again.oci", "-o", "tar:again.tar")
			if got.Index != want.Index || len(got.Images) != 2 || got.Images[0].Tree != want.Images[0].Tree {
				t.Errorf("%s, %s: %+v, want %+v", from, how, got, want)
			}
			if s.read("again.tar") != root {
				t.Errorf("%s, %s: another tree", from, how)
			}
		}
		s.idle("kiln build --pack")
		if left, _ := filepath.Glob(s.path("store/folders/.*")); left != nil {
			t.Errorf("left %v", left)
		}
	}
	if one := s.buildPack("web.pack.tar", "--platform", "linux/arm64", "-o", "tar:arm.tar"); one.Images[0].Digest != want.Images[1].Digest {
		t.Errorf("linux/arm64 alone is %s", one.Images[0].Digest)
	}
}

// What is in a pack is listed, each input by a path in the pack.
func TestPackContents(t *testing.T) {
	t.Parallel()
	s := packed(t)
	r := s.pack()
	if r.LockFile != "web/kiln.lock" || r.Lock != string(kiln.DigestOf([]byte(s.read("web/kiln.lock")))) {
		t.Errorf("the lock is %s, %s", r.LockFile, r.Lock)
	}
	var got []string
	var size int64
	for _, in := range r.Inputs {
		got = append(got, in.Kind+" "+in.Title)
		size += in.Size
	}
	want := []string{
		"recipe recipe/kiln.yaml", "file recipe/conf/app.conf", "file recipe/conf/empty", "file recipe/debs/local_2.0_all.deb", "file recipe/keys/test.asc",
		"folder recipe/site", "key keys/test/stable.asc", "release archives/test/stable/dists/stable/InRelease",
		"index archives/test/stable/dists/stable/main/binary-amd64/Packages.gz", "index archives/test/stable/dists/stable/main/binary-arm64/Packages.gz",
		"package archives/test/stable/" + alphaDeb, "package archives/test/stable/" + strings.Replace(alphaDeb, "amd64", "arm64", 1),
		"package archives/test/stable/" + betaDeb, "package archives/test/stable/pool/main/l/libalpha/libalpha_1.0_amd64.deb",
		"package archives/test/stable/pool/main/l/libalpha/libalpha_1.0_arm64.deb",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Size < size/2 || r.Size > size+20_000 {
		t.Errorf("%d bytes, and its inputs have %d", r.Size, size)
	}
	chain := r.Chain
	if len(chain.Archives) != 1 || chain.Archives[0].Indexes != 2 || chain.Archives[0].Packages != 5 || chain.LockAlone != nil || len(chain.Local) != 1 {
		t.Errorf("the chain is %+v", chain)
	}
	s.wholeArchive("web.pack.tar", r)
	s.alone()
	o := s.does("pack", "verify", "web.pack.tar")
	for _, text := range []string{
		"web  pack " + r.Digest, "  package       5  ", "test/stable of 2026-03-01 12:00 UTC, judged as of 2026-03-01 12:00 UTC\n",
		"  signed by " + apttest.DefaultKey().Fingerprint(), "local 2.0 all comes from the recipe's folder\n", "the chain reaches every package",
	} {
		if !strings.Contains(o.stdout, text) {
			t.Errorf("kiln pack verify does not print %q:\n%s", text, o)
		}
	}
}

// wholeArchive checks that a pack's tar is an image layout that names the pack's manifest.
func (s *scene) wholeArchive(name string, r packReport) {
	s.t.Helper()
	p := s.readPack(name)
	if got := p.index().Digest; got != r.Digest {
		s.t.Errorf("index.json names %s, reported was %s", got, r.Digest)
	}
	blobs := map[string]bool{r.Digest: true, r.Lock: true}
	for _, in := range r.Inputs {
		blobs[in.Digest] = true
	}
	if len(p.names) != len(blobs)+4 { // two folders, oci-layout, index.json
		s.t.Errorf("it holds %q, want %d blobs", p.names, len(blobs))
	}
}

// The bytes of a pack depend on recipe, lock and files alone.
func TestSamePack(t *testing.T) {
	t.Parallel()
	first := packed(t)
	first.does("build", "web", "-o", "oci:web.oci")
	first.pack()
	want := first.read("web.pack.tar")
	lock := first.read("web/kiln.lock")
	rows := []struct {
		summary string
		change  func(*scene)
	}{
		{"another store, nothing built", func(*scene) {}},
		{"the lock written otherwise", func(s *scene) { s.write("web/kiln.lock", strings.ReplaceAll(lock, "\n", "\r\n  ")) }},
		{"other times and modes, and files that nobody asks for", func(s *scene) {
			s.remove("web/conf/unused")
			s.write("web/site.txt", "more")
			for name, mode := range map[string]os.FileMode{"web/site/index.html": 0o600, "web/site/none": 0o700, "web/site/deep/run.sh": 0o700} {
				if err := os.Chmod(s.path(name), mode); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"another day, one processor, another zone", func(s *scene) {
			s.env = append(s.env, clockVariable+"=2031-12-31T23:59:59Z", "GOMAXPROCS=1", "TZ=Pacific/Kiritimati", "LC_ALL=tr_TR.UTF-8")
		}},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			s := packed(t)
			s.edit("web/kiln.yaml", s.url, first.url) // the address is in the recipe, and so in the pack
			s.write("web/kiln.lock", lock)
			row.change(s)
			for range 2 {
				s.does("pack", "web", "--locked", "-o", "other.tar")
			}
			if s.read("other.tar") != want {
				t.Error("another pack")
			}
		})
	}
}

// A pack may name the image that it is of; what is built from it is held against that.
func TestPackSubject(t *testing.T) {
	t.Parallel()
	s := packed(t)
	both := s.build("-o", "oci:web.oci", "-o", "oci-archive:web.tar")
	for _, image := range []string{"web.oci", "oci:web.oci", "web.tar"} {
		r := s.pack("--subject", image)
		if r.Subject == nil || r.Subject.Digest != both.Index || r.Subject.MediaType != "application/vnd.oci.image.index.v1+json" {
			t.Errorf("--subject %s gave %+v", image, r.Subject)
		}
	}
	if o := s.does("build", "--pack", "web.pack.tar"); strings.Contains(o.stderr, "warning") {
		t.Errorf("the very image is warned of: %s", o)
	}
	one := s.build("--platform", "linux/amd64", "-o", "oci:one.oci")
	if r := s.pack("--subject", "one.oci"); r.Subject.Digest != one.Images[0].Digest {
		t.Errorf("the subject is %s, want the manifest %s", r.Subject.Digest, one.Images[0].Digest)
	}
	if o := s.does("build", "--pack", "web.pack.tar"); !strings.Contains(o.stderr, `the pack "web.pack.tar" is of the image `+one.Images[0].Digest+", and what was built is "+both.Index) {
		t.Errorf("another image is not warned of: %s", o)
	}
	s.refuses("pack web --subject web", 1, `cannot use the image "web": it holds`, "try: name an image layout")
	s.refuses("pack web --subject nosuch", 1, `cannot use the image "nosuch"`)
}

// What the store has lost is fetched again by the lock's hashes; where the archive has
// moved on, the pack cannot be made, and nothing is written.
func TestPackOfALostStore(t *testing.T) {
	t.Parallel()
	for _, detached := range []bool{false, true} {
		suite := with(stable(), func(s *apttest.Suite) { s.NoInRelease = detached })
		s := newScene(t, apttest.New(suite))
		s.does("lock", "web")
		s.remove("store")
		s.pack()
		want := s.read("web.pack.tar")
		s.remove("web.pack.tar")
		s.server.Update(apttest.New(newer()))
		s.pack() // all of it is in the store
		if s.read("web.pack.tar") != want {
			t.Error("another pack")
		}
		s.remove("web.pack.tar")
		s.remove("store")
		s.refuses("pack web", 4, "cannot load the locked Release", `of the archive "test/stable": no mirror keeps it any more`, "try: move the lock to what the archive holds now: kiln lock --update")
		s.buildPackOf(want)
	}
}

// buildPackOf builds from the bytes of a pack, with an empty store.
func (s *scene) buildPackOf(pack string) {
	s.t.Helper()
	s.remove("store")
	s.write("kept.tar", pack)
	s.buildPack("kept.tar")
}
