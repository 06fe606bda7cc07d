package cli_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// packFile is the tar of a pack, to be changed.
type packFile struct {
	t     *testing.T
	names []string // in order, folders included
	files map[string][]byte
}

func (s *scene) readPack(name string) *packFile {
	s.t.Helper()
	p := &packFile{t: s.t, files: map[string][]byte{}}
	for r := tar.NewReader(strings.NewReader(s.read(name))); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			s.t.Fatal(err)
		}
		p.names = append(p.names, h.Name)
		if p.files[h.Name], err = io.ReadAll(r); err != nil {
			s.t.Fatal(err)
		}
	}
}

// bytes is the tar again.
func (p *packFile) bytes() string {
	p.t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range p.names {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(p.files[name]))}
		if strings.HasSuffix(name, "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if err := errors.Join(w.WriteHeader(h), func() error { _, err := w.Write(p.files[name]); return err }()); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		p.t.Fatal(err)
	}
	return b.String()
}

type blobEntry struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type manifestFile struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        blobEntry         `json:"config"`
	Layers        []blobEntry       `json:"layers"`
	Annotations   map[string]string `json:"annotations"`
}

func (p *packFile) decode(name string, v any) {
	p.t.Helper()
	if err := json.Unmarshal(p.files[name], v); err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
}

func blobOf(digest string) string {
	return "blobs/sha256/" + strings.TrimPrefix(digest, "sha256:")
}

// index is what index.json names.
func (p *packFile) index() blobEntry {
	p.t.Helper()
	var ix struct{ Manifests []blobEntry }
	p.decode("index.json", &ix)
	return ix.Manifests[0]
}

// put adds a blob, and returns its entry.
func (p *packFile) put(content []byte, like blobEntry) blobEntry {
	like.Digest, like.Size = string(kiln.DigestOf(content)), int64(len(content))
	name := blobOf(like.Digest)
	if _, ok := p.files[name]; !ok {
		p.names = append(p.names, name)
	}
	p.files[name] = content
	return like
}

func (p *packFile) drop(name string) {
	p.names = slices.DeleteFunc(p.names, func(n string) bool { return n == name })
	delete(p.files, name)
}

// rewrite changes the manifest as somebody would who makes all digests right again.
func (p *packFile) rewrite(change func(*manifestFile)) {
	p.t.Helper()
	old := p.index()
	var m manifestFile
	p.decode(blobOf(old.Digest), &m)
	change(&m)
	p.drop(blobOf(old.Digest))
	text, err := json.Marshal(m)
	if err != nil {
		p.t.Fatal(err)
	}
	now := p.put(text, old)
	p.files["index.json"] = []byte(strings.NewReplacer(old.Digest, now.Digest, fmt.Sprintf(`"size":%d`, old.Size), fmt.Sprintf(`"size":%d`, now.Size)).Replace(string(p.files["index.json"])))
}

// swap puts other content in the place of an input, and changes the lock to match.
func (p *packFile) swap(title string, content []byte) {
	p.t.Helper()
	p.rewrite(func(m *manifestFile) {
		i := slices.IndexFunc(m.Layers, func(l blobEntry) bool { return l.Annotations["org.opencontainers.image.title"] == title })
		if i < 0 {
			p.t.Fatalf("the pack has no %q", title)
		}
		was := m.Layers[i]
		p.drop(blobOf(was.Digest))
		m.Layers[i] = p.put(content, was)
		lock := unsealed(string(p.files[blobOf(m.Config.Digest)]))
		p.drop(blobOf(m.Config.Digest))
		hex := func(d string) string { return strings.TrimPrefix(d, "sha256:") }
		lock = strings.ReplaceAll(lock, fmt.Sprintf(`"sha256": %q, "size": %d`, hex(was.Digest), was.Size), fmt.Sprintf(`"sha256": %q, "size": %d`, hex(m.Layers[i].Digest), len(content)))
		lock = strings.ReplaceAll(lock, hex(was.Digest), hex(m.Layers[i].Digest))
		m.Config = p.put([]byte(lock), m.Config)
	})
}

// titles maps each blob of the pack to what messages call it.
func (p *packFile) titles() map[string]string {
	p.t.Helper()
	all := map[string]string{"oci-layout": "oci-layout", "index.json": "index.json"}
	ix := p.index()
	var m manifestFile
	p.decode(blobOf(ix.Digest), &m)
	all[blobOf(ix.Digest)], all[blobOf(m.Config.Digest)] = "its manifest", "its lock"
	for _, l := range m.Layers {
		if _, ok := all[blobOf(l.Digest)]; !ok {
			all[blobOf(l.Digest)] = l.Annotations["org.opencontainers.image.title"]
		}
	}
	return all
}

// One bit in the middle of each file of a pack: the build refuses, names what is
// damaged, and leaves nothing; with a store that holds the sound blob as well.
func TestPackBitFlipped(t *testing.T) {
	t.Parallel()
	s := packed(t)
	want := s.build()
	s.pack("-o", "good.tar")
	s.remove("web.oci")
	sound := s.readPack("good.tar")
	titles := sound.titles()
	for i, name := range sound.names {
		if len(sound.files[name]) == 0 {
			continue
		}
		if i%2 == 0 { // what the store has already is read all the same
			s.remove("store")
		}
		p := s.readPack("good.tar")
		b := p.files[name]
		at := len(b) / 2
		if name == "index.json" { // elsewhere in it, see below
			at = bytes.Index(b, []byte("sha256:")) + 20
		}
		b[at] ^= 4
		s.write("bad.tar", p.bytes())
		for _, args := range []string{"pack verify bad.tar", "build --pack bad.tar"} {
			o := s.refuses(args, 3, `cannot use the pack "bad.tar": `, "try: ")
			if title := titles[name]; !strings.Contains(o.stderr, title) && title != "index.json" {
				t.Errorf("%s is not named: %s", title, o)
			}
			s.idle(args)
		}
	}
	s.remove("store")
	if got := s.buildPack("good.tar"); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
}

// One bit in any part of any file of a pack, its recipe and its lock among them: it is
// told of, and the file is named.
func TestPackBitFlippedInEachFile(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.pack("-o", "good.tar")
	sound := s.readPack("good.tar")
	titles := sound.titles()
	bit := 0
	for _, name := range sound.names {
		size := len(sound.files[name])
		for part := range min(size, 6) {
			bit++
			p := s.readPack("good.tar")
			p.files[name][part*(size-1)/5] ^= 1 << (bit % 8)
			s.write("bad.tar", p.bytes())
			o := s.kiln("pack", "verify", "bad.tar")
			warned := o.status == 0 && name == "index.json" && strings.Contains(o.stderr, `warning: the index.json of the pack "bad.tar" is not as kiln wrote it`)
			if o.status != 3 && !warned || !strings.Contains(o.stderr, titles[name]) && !strings.Contains(o.stderr, name) {
				t.Errorf("bit %d of byte %d of %s (%s): %s", bit%8, part*(size-1)/5, name, titles[name], o)
			}
		}
	}
	if bit < 40 {
		t.Errorf("only %d bits", bit)
	}
}

// One bit anywhere else, in what a tar has between its files: it is refused, or the
// name in index.json alone is another, which is told.
func TestPackBitFlippedAnywhere(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.pack("-o", "good.tar")
	good := []byte(s.read("good.tar"))
	at := []int{}
	for n := 0; n < 10*512; n += 7 { // headers of folders, of oci-layout and index.json, padding
		at = append(at, n)
	}
	for n := 148; n < 156; n++ {
		at = append(at, n, 512+n, 1024+n)
	}
	for n := 512; n < len(good); n += 37 * 512 {
		at = append(at, n+3)
	}
	at = append(at, len(good)-1, len(good)-600, len(good)-1024)
	for i, n := range at {
		bad := slices.Clone(good)
		bad[n] ^= 1 << (i % 8)
		s.write("bad.tar", string(bad))
		o := s.kiln("pack", "verify", "bad.tar", "-q")
		if o.status == 3 {
			continue
		}
		if o = s.kiln("pack", "verify", "bad.tar"); o.status != 0 || !strings.Contains(o.stderr, `warning: the index.json of the pack "bad.tar" is not as kiln wrote it`) {
			t.Errorf("bit %d of byte %d: %s", i%8, n, o)
		}
	}
}

// A pack that is cut off anywhere is refused, and says so.
func TestPackCutOff(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.pack("-o", "good.tar")
	good := s.read("good.tar")
	for _, n := range []int{0, 100, 512, 1024, 1500, 3000, 4096, len(good) / 3, len(good) / 2, len(good) / 2 / 512 * 512, len(good) - 1536} {
		s.write("bad.tar", good[:n])
		s.remove("store")
		s.refuses("build --pack bad.tar", 3, `cannot use the pack "bad.tar": `)
	}
	s.write("bad.tar", good[:len(good)/2+1])
	s.refuses("build --pack bad.tar", 3, "it is cut off in ")
}

// Packs that nobody's kiln wrote.
func TestPackIsRefused(t *testing.T) {
	t.Parallel()
	s := packed(t)
	s.pack("-o", "good.tar")
	const inRelease, beta = "archives/test/stable/dists/stable/InRelease", "archives/test/stable/" + betaDeb
	title := func(l blobEntry) string { return l.Annotations["org.opencontainers.image.title"] }
	without := func(t string) func(p *packFile) {
		return func(p *packFile) {
			p.rewrite(func(m *manifestFile) {
				i := slices.IndexFunc(m.Layers, func(l blobEntry) bool { return title(l) == t })
				gone := m.Layers[i].Digest
				m.Layers = slices.Delete(m.Layers, i, i+1)
				if !slices.ContainsFunc(m.Layers, func(l blobEntry) bool { return l.Digest == gone }) {
					p.drop(blobOf(gone))
				}
			})
		}
	}
	retitle := func(from, to string) func(p *packFile) {
		return func(p *packFile) {
			p.rewrite(func(m *manifestFile) {
				for _, l := range m.Layers {
					if title(l) == from {
						l.Annotations["org.opencontainers.image.title"] = to
					}
				}
			})
		}
	}
	add := func(name, content string) func(p *packFile) {
		return func(p *packFile) { p.names, p.files[name] = append(p.names, name), []byte(content) }
	}
	layer := func(kind, t, content string) func(p *packFile) {
		return func(p *packFile) {
			p.rewrite(func(m *manifestFile) {
				e := p.put([]byte(content), blobEntry{MediaType: kind, Annotations: map[string]string{"org.opencontainers.image.title": t}})
				m.Layers = append(m.Layers, e)
			})
		}
	}
	const file, folder, pkgType = "application/vnd.kiln.pack.file.v1", "application/vnd.kiln.pack.folder.v1.tar", "application/vnd.kiln.pack.package.v1"
	rows := []struct {
		summary string
		change  func(p *packFile)
		texts   []string
	}{
		{"a blob is missing", func(p *packFile) {
			for name, t := range p.titles() {
				if t == beta {
					p.drop(name)
				}
			}
		}, []string{`"` + beta + `" is missing: there is no blob sha256:`}},
		{"a blob too many", add("blobs/sha256/"+strings.Repeat("ab", 32), "x"), []string{"which nothing in it names"}},
		{"a file too many", add("README", "x"), []string{`it holds "README", which is no part of a pack`}},
		{"a path above", add("../../escape", "x"), []string{`it holds "../../escape", which is no part of a pack`}},
		{"an absolute path", add("/tmp/escape", "x"), []string{`it holds "/tmp/escape", which is no part of a pack`}},
		{"a path around", add("blobs/sha256/../../index.json", "x"), []string{"which is no part of a pack"}},
		{"a file twice", add("index.json", "{}"), []string{`it holds "index.json" twice`}},
		{"no index", func(p *packFile) { p.drop("index.json") }, []string{"it has no index.json"}},
		{"no oci-layout", func(p *packFile) { p.drop("oci-layout") }, []string{"it has no oci-layout"}},
		{"another layout", func(p *packFile) { p.files["oci-layout"] = []byte(`{"imageLayoutVersion":"2.0.0"}`) }, []string{"not that of an image layout 1.0.0"}},
		{"two manifests", func(p *packFile) {
			p.files["index.json"] = []byte(strings.Replace(string(p.files["index.json"]), `"manifests":[`, `"manifests":[{"mediaType":"x"},`, 1))
		}, []string{"its index.json names 2 manifests, want one"}},
		{"no pack", func(p *packFile) { p.rewrite(func(m *manifestFile) { m.ArtifactType = "application/vnd.other" }) },
			[]string{`its manifest is of the type "application/vnd.other"`}},
		{"a later kind of blob", layer("application/vnd.kiln.pack.future.v1", "archives/x", "x"), []string{"which this kiln does not know: upgrade kiln"}},
		{"an input that lacks", without(beta), []string{"it lacks the package beta 1.0 (all), which its lock names"}},
		{"no Release", without(inRelease), []string{`it lacks the Release of "test/stable", which its lock names`}},
		{"no index of an archive", without("archives/test/stable/dists/stable/main/binary-arm64/Packages.gz"), []string{`it lacks the index "main/binary-arm64/Packages.gz" of "test/stable"`}},
		{"no recipe", without("recipe/kiln.yaml"), []string{"it holds 0 recipes, want one"}},
		{"no file of the recipe", without("recipe/conf/app.conf"), []string{`cannot read "conf/app.conf" in the recipe's folder`}},
		{"no keyring", without("recipe/keys/test.asc"), []string{"keys/test.asc"}},
		{"no local package", without("recipe/debs/local_2.0_all.deb"), []string{"debs/local_2.0_all.deb"}},
		{"a package that the lock does not name", layer(pkgType, "archives/test/stable/evil.deb", "x"), []string{`it holds "archives/test/stable/evil.deb", which its lock does not name`}},
		{"a title above", retitle("recipe/conf/app.conf", "recipe/../../escape"), []string{"which is not a clean relative path"}},
		{"an absolute title", retitle("recipe/conf/app.conf", "/etc/escape"), []string{"which is not a clean relative path"}},
		{"a title with a newline", retitle("recipe/conf/app.conf", "recipe/a\nb"), []string{"which is not a clean relative path"}},
		{"a title elsewhere", retitle("recipe/conf/app.conf", "archives/app.conf"), []string{`which is no file in the folder "recipe"`}},
		{"a title twice", retitle("recipe/conf/app.conf", "recipe/keys/test.asc"), []string{`two different inputs are called "recipe/keys/test.asc"`}},
		{"a file through a link of a folder", layer(file, "recipe/site/to/x", "x"), []string{`cannot unpack "recipe/site/to/x"`}},
		{"another file in a folder", layer(file, "recipe/site/index.html", "other"), []string{"a folder of the pack holds another file of that name"}},
		{"a folder that is no tar", layer(folder, "recipe/more", strings.Repeat("x", 600)), []string{`cannot unpack "recipe/more"`}},
		{"a folder with a path above", layer(folder, "recipe/more", tarOf(t, tar.Header{Name: "../../../../escape", Typeflag: tar.TypeReg})), []string{"which is not a clean relative path"}},
		{"a folder with a link to outside", layer(folder, "recipe/more", tarOf(t, tar.Header{Name: "out", Linkname: "/tmp", Typeflag: tar.TypeSymlink}, tar.Header{Name: "out/escape", Typeflag: tar.TypeReg})), []string{`cannot unpack "recipe/more": "out/escape"`}},
		{"a folder with a device", layer(folder, "recipe/more", tarOf(t, tar.Header{Name: "null", Typeflag: tar.TypeChar})), []string{"neither a file nor a folder nor a symbolic link"}},
		{"another recipe", func(p *packFile) {
			for name, t := range p.titles() {
				if t == "recipe/kiln.yaml" {
					p.swap(t, bytes.Replace(p.files[name], []byte("- beta: the data"), []byte("- gamma: more"), 1))
				}
			}
		}, []string{"its lock is not one of its recipe"}},
		{"a Release by another key", func(p *packFile) {
			mallory := apttest.New(with(stable(), func(s *apttest.Suite) { s.Keys = []*apttest.Key{apttest.NewKey("Mallory", apttest.KeyOptions{})} }))
			p.swap(inRelease, mallory["dists/stable/InRelease"])
		}, []string{"try: ask for it where it came from", `cannot use the archive "test/stable": none of its signatures is good and by a trusted key`}},
		{"a Release of other indexes", func(p *packFile) {
			p.swap(inRelease, apttest.New(with(newer(), func(s *apttest.Suite) { s.Date = apttest.Date }))["dists/stable/InRelease"])
		}, []string{"the lock's chain is broken", "its Release does not vouch for the index"}},
		{"a Release of another day", func(p *packFile) {
			p.swap(inRelease, apttest.New(with(stable(), func(s *apttest.Suite) { s.Date = apttest.Date.Add(-time.Hour) }))["dists/stable/InRelease"])
		}, []string{"the lock's chain is broken", "and the lock says 2026-03-01T12:00:00Z"}},
		{"an index that nobody signed", func(p *packFile) {
			const name = "dists/stable/main/binary-amd64/Packages.gz"
			p.swap("archives/test/stable/"+name, apttest.New(newer())[name])
		}, []string{"its Release does not vouch for the index"}},
		{"a package that nobody signed", func(p *packFile) {
			p.swap(beta, debtest.Build(debtest.Spec{Name: "beta", Version: "1.0", Architecture: "all"}))
		}, []string{"the lock alone vouches for what no index in it lists:\n  beta 1.0 all\n", "--trust-lock"}},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			p := s.readPack("good.tar")
			row.change(p)
			s.write("bad.tar", p.bytes())
			s.remove("store")
			s.t = t
			status := 3
			if strings.HasPrefix(row.summary, "no file of") || strings.HasPrefix(row.summary, "no keyring") || strings.HasPrefix(row.summary, "no local") {
				status = 1 // what the recipe names is not there, as outside of a pack
			}
			s.refuses("build --pack bad.tar -o tar:out.tar", status, row.texts...)
			s.idle("kiln build --pack")
			if left, _ := filepath.Glob(s.path("store/folders/.*")); left != nil {
				t.Errorf("left %q", left)
			}
		})
	}
}

// tarOf is a tar of empty entries.
func tarOf(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What a lock keeps from an earlier state of its archive no index of the pack lists:
// the pack is used by who knows the lock, and by nobody else.
func TestPackOfAPartlyMovedLock(t *testing.T) {
	t.Parallel()
	s := newScene(t, mirrored())
	s.server.Update(apttest.New(stable()))
	s.does("lock", "web")
	s.server.Update(mirrored())
	s.does("lock", "web", "--update", "beta")
	want := s.build()
	o := s.does("pack", "web")
	if !strings.Contains(o.stderr, "the lock alone vouches for these packages") || !strings.Contains(o.stderr, "alpha 1.0 amd64") {
		t.Errorf("not told: %s", o)
	}
	s.remove("web.oci")
	for _, args := range []string{"build --pack web.pack.tar", "pack verify web.pack.tar"} {
		s.refuses(args, 3, "the lock alone vouches for what no index in it lists:\n  alpha 1.0 amd64\n  libalpha 1.0 amd64\n",
			"its sha256sum is "+kiln.DigestOf([]byte(s.read("web/kiln.lock"))).Hex()+": --trust-lock")
	}
	s.does("pack", "verify", "web.pack.tar", "--trust-lock")
	s.alone()
	if got := s.buildPack("web.pack.tar", "--trust-lock"); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
}

// A build that is killed while it reads a pack leaves nothing half-made that the next
// one would take, and the next one sweeps up.
func TestPackAfterADeath(t *testing.T) {
	t.Parallel()
	s := packed(t)
	want := s.build()
	s.pack()
	s.remove("store")
	s.write("store/kiln-store", "1\n")
	s.write("store/folders/.work.tmp-123/kiln.yaml", "half")
	if got := s.buildPack("web.pack.tar"); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
	if _, err := os.Stat(s.path("store/folders/.work.tmp-123")); err == nil {
		t.Error("what the dead left is still there")
	}
}
