package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
	"kiln/internal/proof"
	"kiln/internal/store"
)

// proved runs kiln prove --json and returns its status and what it found.
func (s *scene) proved(args ...string) (outcome, proof.Predicate) {
	s.t.Helper()
	o := s.kiln(append([]string{"prove", "--json"}, args...)...)
	var found proof.Statement
	if err := json.Unmarshal([]byte(o.stdout), &found); err != nil || found.PredicateType != "urn:kiln:proof:1" {
		s.t.Fatalf("kiln prove %q: %v\n%s", args, err, o)
	}
	return o, found.Predicate
}

// What kiln builds is the same in the second build's surroundings, in each form, and
// what was varied is told.
func TestProveRecipe(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.write("web/files/b/two", "2")
	s.write("web/files/a/one", "1")
	s.edit("web/kiln.yaml", "    files:\n", "    files:\n      - {path: /srv, from: files, why: a folder}\n")
	for _, dir := range []string{filepath.Dir(s.root), s.root} { // let another user pass
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	o, p := s.proved("web", "--outputs", "oci,oci-archive,docker-archive,tar,listing", "-o", "proof.json")
	if o.status != 0 || !p.Reproducible || len(p.Outputs) != 5 {
		t.Fatalf("%+v\n%s", p, o)
	}
	for _, out := range p.Outputs {
		if !out.Equal || out.First != out.Second || out.First == "" {
			t.Errorf("%+v", out)
		}
	}
	built := s.build()
	if p.Outputs[0].First != kiln.Digest(built.Index) {
		t.Errorf("proved %s, built %s", p.Outputs[0].First, built.Index)
	}
	if got := s.read("proof.json"); got != o.stdout {
		t.Errorf("the file holds another proof:\n%s", cmp.Diff(o.stdout, got))
	}
	want := []string{"clock", "time zone", "locale", "umask", "working directory", "environment", "store", "recipe's folder", "directory order", "processors"}
	if os.Geteuid() == 0 {
		want = append(want, "user")
	}
	for _, v := range p.Variations {
		if v.Applied == (v.Reason != "") {
			t.Errorf("%+v", v)
		}
		if i := slices.Index(want, v.Name); i >= 0 && v.Applied {
			want = slices.Delete(want, i, i+1)
		}
	}
	if len(want) > 0 {
		t.Errorf("not varied: %q", want)
	}
	if left := names(t, s.path("tmp")); left != "" {
		t.Errorf("left in the temporary folder: %s", left)
	}
}

// All but the times of a proof is the same each time.
func TestProofIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	_, first := s.proved("web")
	_, second := s.proved("web", "--locked")
	second.Times = first.Times
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

// remembered returns what the store keeps of the images that were built, by tree digest:
// the key of each.
func (s *scene) remembered() map[string]kiln.Digest {
	s.t.Helper()
	keys := map[string]kiln.Digest{}
	for _, path := range s.objects("results") {
		_, value, _ := strings.Cut(s.read(strings.TrimPrefix(path, s.root+"/")), "\n")
		var kept struct {
			Image struct{ Tree string }
		}
		if json.Unmarshal([]byte(value), &kept) == nil && kept.Image.Tree != "" {
			keys[kept.Image.Tree] = kiln.Digest("sha256:" + filepath.Base(path))
		}
	}
	return keys
}

// A store that gives another image for an action than the action would is caught, by
// path, both values and step.
func TestProveCatchesAWrongStore(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	right := s.build()
	s.edit("web/kiln.yaml", "listen=:8080", "listen=:9090")
	wrong := s.build()
	s.edit("web/kiln.yaml", "listen=:9090", "listen=:8080")
	keys := s.remembered()
	st, err := store.Open(s.path("store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	value, ok := st.Result(keys[wrong.Images[0].Tree])
	if !ok {
		t.Fatalf("the store does not remember %s: %v", wrong.Images[0].Tree, keys)
	}
	if err := st.SetResult(keys[right.Images[0].Tree], value); err != nil {
		t.Fatal(err)
	}
	st.Close()
	o, p := s.proved("web")
	if o.status != 3 || p.Reproducible || !strings.Contains(o.stderr, "kiln: the second build is not the same as a build of web/kiln.yaml\n  try: ") {
		t.Fatal(o)
	}
	found := p.Outputs[0].Differences[0]
	if found.Where != "/etc/app.conf" || found.Field != "content" || found.Step != "the recipe's layers[app].files[0]" ||
		!strings.HasSuffix(found.Was, `line 1: "listen=:9090"`) || !strings.HasSuffix(found.Is, `line 1: "listen=:8080"`) {
		t.Errorf("%+v", found)
	}
	text := s.kiln("prove", "web", "--keep", "kept")
	for _, want := range []string{"/etc/app.conf: content\n  was ", `line 1: "listen=:9090"`, "  by  the recipe's layers[app].files[0]\n", "varied: clock, "} {
		if !strings.Contains(text.stdout, want) {
			t.Errorf("not printed: %q in\n%s", want, text.stdout)
		}
	}
	for _, kept := range []string{"kept/first/image.oci", "kept/second/image.oci"} {
		s.does("verify", "oci:"+kept)
	}
}

// An image is built again from what is recorded beside it, wherever it is, and without
// its recipe's folder where that gives it nothing.
func TestProveImage(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("build", "web", "-o", "oci:web.oci", "-o", "oci-archive:web.oci.tar", "-o", "docker-archive:web.docker.tar", "-o", "tar:root.tar", "-o", "folder:root")
	s.does("pack", "web", "-o", "web.pack.tar")
	if err := os.Rename(s.path("web"), s.path("elsewhere")); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"oci:web.oci", "web.oci.tar", "docker-archive:web.docker.tar"} {
		o := s.kiln("prove", ref)
		s.expect("kiln prove "+ref, outcome{o.status, "", o.stderr}, 1, `its recipe takes files from its folder, which are not recorded with the image and not at hand: key.asc (sources[0].keyring)`, "try: name the folder that has them: --recipe FOLDER")
		o, p := s.proved(ref, "--recipe", "elsewhere")
		if o.status != 0 || !p.Reproducible || !strings.HasPrefix(p.First, "the image ") {
			t.Errorf("%s: %+v\n%s", ref, p, o)
		}
	}
	for _, ref := range []string{"tar:root.tar", "folder:root"} {
		o := s.kiln("prove", ref)
		s.expect("kiln prove "+ref, outcome{o.status, "", o.stderr}, 1, "no record of its build stands beside it", "try: name the recipe that it was made of, with its lock: --recipe RECIPE")
		if o, _ := s.proved(ref, "--recipe", "elsewhere"); o.status != 0 {
			t.Errorf("%s: %s", ref, o)
		}
	}
	s.remove("store")
	s.server.Update(apttest.Site{}) // a pack needs neither
	for _, ref := range []string{"oci:web.oci", "tar:root.tar"} {
		if o, _ := s.proved(ref, "--pack", "web.pack.tar"); o.status != 0 {
			t.Errorf("%s: %s", ref, o)
		}
	}
	if err := os.Chmod(s.path("root/etc/app.conf"), 0o640); err != nil {
		t.Fatal(err)
	}
	_, p := s.proved("folder:root", "--pack", "web.pack.tar")
	if d := p.Outputs[0].Differences; len(d) != 1 || d[0].Where != "/etc/app.conf" || d[0].Was != "0640" || d[0].Is != "0644" {
		t.Errorf("%+v", d)
	}
}

// An image that was built of another file than is at hand now is caught, and so is one
// that is damaged.
func TestProveImageThatDiffers(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.write("web/app", "one\n")
	s.edit("web/kiln.yaml", `content: "listen=:8080\n"`, "from: app")
	s.does("build", "web", "-o", "oci:web.oci")
	s.write("web/app", "two\n")
	o, p := s.proved("oci:web.oci", "--recipe", "web")
	if d := p.Outputs[0].Differences; o.status != 3 || d[0].Where != "/etc/app.conf" || !strings.HasSuffix(d[0].Was, `"one"`) || !strings.HasSuffix(d[0].Is, `"two"`) {
		t.Errorf("%+v\n%s", d, o)
	}
	largest := ""
	var size int64
	for _, name := range strings.Fields(names(t, s.path("web.oci/blobs/sha256"))) {
		if info, err := os.Stat(s.path("web.oci/blobs/sha256/" + name)); err == nil && info.Size() > size {
			largest, size = name, info.Size()
		}
	}
	flip(t, s.path("web.oci/blobs/sha256/"+largest))
	for _, command := range []string{"prove", "verify"} {
		o := s.kiln(command, "oci:web.oci")
		if o.status != 3 || !strings.Contains(o.stdout+o.stderr, `"blobs/sha256/`+largest+`" is damaged`) {
			t.Errorf("kiln %s: %s", command, o)
		}
	}
}

// What a maintainer script could find another time at each run is either the same
// always or refused with the place of the script: it never reaches the image.
func TestScriptsThatAreNotReproducible(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		line, want string // what the image holds then, or why it is refused
		refused    bool
	}{
		{line: "date", want: "Wed Jan  1 00:00:00 UTC 2025\n"},
		{line: "date +%s%N", want: "1735689600000000000\n"},
		{line: "date +%s", want: "1735689600\n"},
		{line: "hostname", want: "localhost\n"},
		{line: "uname -n", want: "localhost\n"},
		{line: "echo $$", want: "100\n"},
		{line: "echo $RANDOM", want: "\n"}, // dash has no such variable
		{line: "bash -c 'echo $RANDOM'", want: "what is random cannot be part of a reproducible image", refused: true},
		{line: "head -c 8 /dev/urandom", want: "what is random cannot be part of a reproducible image", refused: true},
		{line: "cat /proc/sys/kernel/random/uuid", want: "/proc/sys/kernel/random/uuid", refused: true},
		{line: "cat /proc/uptime", want: "/proc/uptime", refused: true},
		{line: "uuidgen", want: "uuidgen", refused: true},
		{line: "awk 'BEGIN { srand(); print rand() }'", want: "rand", refused: true},
		{line: "shuf -n 1 /etc/passwd", want: "shuf", refused: true},
		{line: "openssl rand -hex 8", want: "openssl", refused: true},
		{line: "perl -e 'print time'", want: "perl", refused: true},
		{line: "python3 -c 'import time; print(time.time())'", want: "python3", refused: true},
		{line: "curl http://example.org/now", want: "curl", refused: true},
	} {
		t.Run(row.line, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(stable()))
			script := "#!/bin/sh\nset -e\n" + row.line + " > /etc/moment\n"
			s.write("web/moment.deb", string(debtest.Build(debtest.Spec{
				Name: "moment", Entries: []debtest.Entry{{Path: "etc/"}, {Path: "etc/moment.d/"}}, Scripts: []debtest.Script{{Name: "postinst", Content: script}},
			})))
			s.edit("web/kiln.yaml", "layers:", "  - deb: moment.deb\nlayers:")
			s.edit("web/kiln.yaml", "      - alpha: the program\n", "      - alpha: the program\n      - moment: another each time\n")
			if row.refused {
				o := s.kiln("prove", "web")
				if o.status != 1 || !strings.Contains(o.stderr, "moment") || !strings.Contains(o.stderr, "line 3") || !strings.Contains(o.stderr, "postinst") || !strings.Contains(o.stderr, row.want) {
					t.Errorf("want a refusal that says %q:\n%s", row.want, o)
				}
				return
			}
			o, p := s.proved("web")
			if o.status != 0 || !p.Reproducible {
				t.Fatal(o)
			}
			asked := strings.HasPrefix(row.line, "date") || strings.HasPrefix(row.line, "hostname") || strings.HasPrefix(row.line, "uname")
			if named := len(p.Answers) == 1 && p.Answers[0].Script == "moment.postinst:3"; named != asked {
				t.Errorf("who asked what differs from build to build: %+v", p.Answers)
			}
			s.does("build", "web", "-o", "folder:root")
			if got := s.read("root/etc/moment"); got != row.want {
				t.Errorf("the image holds %q, want %q", got, row.want)
			}
		})
	}
}

func TestProveUsage(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("build", "web", "-o", "oci:web.oci", "-o", "tar:root.tar")
	s.refuses("prove web --outputs folder", 2, `cannot compare outputs of the type "folder"`, "try: --outputs oci,oci-archive,docker-archive,tar,listing")
	s.refuses("prove web --compression lz4", 2, "lz4", "try: --compression gzip")
	s.refuses("prove web --recipe web", 2, "--recipe and --pack are for an image", "try: kiln prove web")
	s.refuses("prove nothing", 1, `cannot read the recipe "nothing"`, "try: ")
	s.refuses("prove oci:nothing", 1, "nothing is there", "try: ")
	s.refuses("prove web --keep home", 1, "cannot keep the builds", "try: name a folder that is not there yet")
	s.refuses("verify", 2, "kiln verify wants an image", "try: kiln verify --help")
	s.refuses("verify tar:root.tar", 1, "no record of its build stands beside it", "try: say what it is to be: --listing FILE, --recipe RECIPE or --tree DIGEST")
	s.refuses("verify oci:web.oci --tree sha256:12", 2, "cannot read --tree", "try: kiln build --json tells it")
	s.refuses("verify tar:root.tar --listing web/kiln.yaml", 1, `cannot read the listing "web/kiln.yaml"`, "try: make it with the image")
	s.refuses("verify oci:web.oci --platform pdp11", 2, "pdp11")
}

// Each output is verified by what its build wrote, and what was done to it is listed.
func TestVerify(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	r := s.build("-o", "oci:web.oci", "-o", "oci-archive:web.oci.tar", "-o", "docker-archive:web.docker.tar", "-o", "tar:root.tar", "-o", "folder:root", "-o", "listing:web.listing")
	for _, args := range []string{
		"oci:web.oci", "web.oci", "oci-archive:web.oci.tar", "docker-archive:web.docker.tar", "tar:root.tar --listing web.listing", "folder:root --listing web.listing",
		"folder:root --recipe web", "tar:root.tar --tree " + r.Images[0].Tree, "oci:web.oci --tree " + r.Images[0].Tree,
	} {
		want := "  tree " + r.Images[0].Tree
		if strings.HasPrefix(args, "folder:") && os.Geteuid() != 0 {
			want = "owners or groups: an ordinary user unpacked the folder" // which is another tree, for that
		}
		if o := s.does(append([]string{"verify"}, strings.Fields(args)...)...); !strings.Contains(o.stdout, want) {
			t.Errorf("%s: %s", args, o)
		}
	}
	for name, do := range map[string]func() error{
		"/etc/app.conf: mode\n  was 0644\n  is  0604": func() error { return os.Chmod(s.path("root/etc/app.conf"), 0o604) },
		"/usr/bin/al: link\n  was alpha\n  is  beta": func() error {
			os.Remove(s.path("root/usr/bin/al"))
			return os.Symlink("beta", s.path("root/usr/bin/al"))
		},
		"/new\n  was not there\n  is  a file: f 0600": func() error { return os.WriteFile(s.path("root/new"), nil, 0o600) },
		"/usr/share/beta/noise\n  was a file: f 0644": func() error { return os.Remove(s.path("root/usr/share/beta/noise")) },
		"/etc/alpha.conf: content\n  was sha256:":     func() error { return os.WriteFile(s.path("root/etc/alpha.conf"), []byte("verbose=on\n"), 0o644) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		o := s.kiln("verify", "folder:root", "--listing", "web.listing")
		if o.status != 3 || !strings.Contains(o.stdout, name) || !strings.Contains(o.stderr, "kiln: folder:root is not what it is to be\n  try: ") {
			t.Errorf("%s: %s", name, o)
		}
	}
	o := s.kiln("verify", "folder:root", "--recipe", "web", "--json")
	var found struct{ Reports []proof.Report }
	if err := json.Unmarshal([]byte(o.stdout), &found); err != nil || o.status != 3 || found.Reports[0].Equal {
		t.Fatalf("%v: %s", err, o)
	}
	steps := map[string]string{}
	for _, c := range found.Reports[0].Changes {
		steps[c.Where] = fmt.Sprintf("%s|%s", c.Package, c.Step)
	}
	if steps["/etc/alpha.conf"] != "alpha|unpack the package alpha" || steps["/etc/app.conf"] != "|the recipe's layers[app].files[0]" {
		t.Errorf("%v", steps)
	}
}
