package cli_test

import (
	"archive/tar"
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// diffJSON is what the tests read of kiln diff --json.
type diffJSON struct {
	Scripts []struct {
		Script, Change string
		Now, Before    []string
	}
	Before, After struct {
		Name, Kind string
		Tree       kiln.Digest
	}
	Equal    bool
	Skipped  []string `json:"not_compared"`
	Risks    []struct{ Kind, Subject, Text string }
	Packages []struct{ Name, Change, Before, After string }
	Files    []struct{ Path, Change, Package string }
	Modes    []struct{ Path string }
}

func (s *scene) diff(args ...string) diffJSON {
	s.t.Helper()
	return decoded[diffJSON](s.t, s.does(append([]string{"diff", "--json"}, args...)...).stdout)
}

// Each output of one recipe is equal to what the recipe gives, and has the tree
// digest that the build reported.
func TestDiffOutputsAreEqual(t *testing.T) {
	t.Parallel()
	s := newService(t)
	outputs := []string{"oci:web.oci", "oci-archive:web.oci.tar", "docker-archive:web.tar", "tar:root.tar"}
	if os.Geteuid() == 0 {
		outputs = append(outputs, "folder:root")
	}
	var args []string
	for _, o := range outputs {
		args = append(args, "-o", o)
	}
	want := s.build(args...).Images[0].Tree
	for _, o := range outputs {
		d := s.diff(o, "web", "--exit-code")
		if string(d.Before.Tree) != want || string(d.After.Tree) != want || !d.Equal {
			t.Errorf("%s: %+v, want the tree %s", o, d, want)
		}
		_, bare, _ := strings.Cut(o, ":")
		if d := s.diff(bare, o, "--exit-code=risk"); !d.Equal || string(d.Before.Tree) != want {
			t.Errorf("%s: %+v", bare, d)
		}
	}
	o := s.does("build", "web", "-o", "oci:zstd.oci", "--compression", "zstd")
	if d := s.diff("zstd.oci", "web"); !d.Equal {
		t.Errorf("in zstd: %s%+v", o.stdout, d)
	}
	if text := s.does("diff", "web.oci", "web").stdout; !strings.Contains(text, "\nno difference: the tree is "+want+"\n") {
		t.Errorf("says %s", text)
	}
}

// newerService is service's archive with an addon whose script does more, and a package in
// place of another.
func newerService() apttest.Suite {
	s := service()
	for i := range s.Packages {
		p := &s.Packages[i]
		if p.Name == "addon" {
			*p = pkg("addon", "2.0", "all", func(d *debtest.Spec) {
				d.Fields = []string{"Depends: tools, svc"}
				d.Scripts = []debtest.Script{ // of addon.tmp the image shows nothing
					{Name: "preinst", Content: "#!/bin/sh\ntouch /etc/addon.tmp\n"},
					{Name: "postinst", Content: addonPostinst + "echo x > /etc/addon.conf\nchmod 4755 /usr/bin/addon\nrm /etc/addon.tmp\n"},
				}
				entries(debtest.Entry{Path: "usr/lib/systemd/system/addon.socket", Content: "[Socket]\nListenStream=80\n[Install]\nWantedBy=sockets.target\n"},
					debtest.Entry{Path: "usr/bin/addon", Mode: 0o755, Content: "program"})(d)
			})
		}
	}
	return later(1, s.Packages...)
}

// newDiff has the recipe of newService in "web", and in "next" one from a newer
// archive that asks for more.
func newDiff(t *testing.T) *scene {
	t.Helper()
	s := newService(t)
	s.does("build", "web", "-o", "oci:old.oci", "-o", "docker-archive:old.tar")
	s.write("next/key.asc", s.read("web/key.asc"))
	s.write("next/kiln.yaml", strings.NewReplacer(
		"uid: 10001, home: /srv/data", "uid: 10001, home: /srv/data, shell: /bin/sh",
		"enable:\n", "enable:\n      - {unit: addon.socket, why: it is to be reached}\n",
	).Replace(s.read("web/kiln.yaml"))+"container: {ports: [80/tcp]}\n")
	s.server.Update(apttest.New(newerService()))
	s.does("lock", "next")
	return s
}

func TestDiffText(t *testing.T) {
	t.Parallel()
	s := newDiff(t)
	o := s.does("diff", "web", "next", "--all")
	if o.messages() != "" {
		t.Errorf("says %q", o.messages())
	}
	golden(t, "diff.golden", o.stdout)
	golden(t, "diff-short.golden", s.does("diff", "old.tar", "next").stdout)
	golden(t, "diff.md.golden", s.does("diff", "web", "next", "--markdown").stdout)
	locks := s.does("diff", "web/kiln.lock", "next/kiln.lock").stdout // with sizes that are a compressor's
	for _, text := range []string{"\npackages (1)\n  ~ addon 1.0 -> 2.0 all\n", "\n  + addon +", "\n  of each package its .deb\n", "\nnot compared: everything but packages: of a lock nothing else is known\n"} {
		if !strings.Contains(locks, text) {
			t.Errorf("of locks, no %q in %s", text, locks)
		}
	}
}

func TestDiffExitCode(t *testing.T) {
	t.Parallel()
	s := newDiff(t)
	for _, row := range []struct {
		args   string
		status int
		text   string
	}{
		{"diff web next", 0, ""},
		{"diff web next --exit-code", 3, "kiln: web and next differ\n"},
		{"diff web next --exit-code=any", 3, "kiln: web and next differ\n"},
		{"diff web next --exit-code=risk", 3, "kiln: 5 risks from web to next\n"},
		{"diff next web --exit-code=risk", 3, "kiln: 1 risk from next to web\n"},
		{"diff web old.oci --exit-code", 0, ""},
		{"diff web/kiln.lock next/kiln.lock --exit-code=risk", 0, ""},
		{"diff web/kiln.lock next/kiln.lock --exit-code", 3, "differ"},
	} {
		o := s.kiln(strings.Fields(row.args)...)
		if o.status != row.status || !strings.Contains(o.stderr, row.text) || o.stdout == "" {
			t.Errorf("%s: %s", row.args, o)
		}
	}
}

// What cannot be compared is refused with what to type, and nothing is written.
func TestDiffRefuses(t *testing.T) {
	t.Parallel()
	s := newService(t)
	r := s.build("-o", "oci:web.oci", "-o", "tar:web.tar")
	blob := "/web.oci/blobs/sha256/" + strings.TrimPrefix(r.Images[0].Layers[0].Digest, "sha256:")
	text := s.read(blob)
	s.write(blob, text[:100]+string([]byte{text[100] ^ 1})+text[101:])
	s.write("bad.lock", "{}")
	for _, row := range []struct {
		args   string
		status int
		texts  []string
	}{
		{"diff web", 2, []string{"wants two things to compare", "try: kiln diff old.lock web/kiln.lock"}},
		{"diff web nosuch", 1, []string{`cannot read the image "nosuch": nothing is there`, "try: name a recipe (its folder or kiln.yaml), a lock (kiln.lock) or an image"}},
		{"diff web web.oci", 3, []string{"is damaged", blob[len("/web.oci/"):], "try: do not use this image"}},
		{"diff web oci:web.tar", 1, []string{"it is a file"}},
		{"diff web web.tar --markdown --json", 2, []string{"two forms of one answer"}},
		{"diff web web.tar --exit-code=none", 2, []string{`--exit-code is any or risk, got "none"`}},
		{"diff web web.tar --platform linux/arm64", 1, []string{"cannot build for linux/arm64"}},
		{"diff web/kiln.lock web.tar --platform linux/arm64", 1, []string{"has no platform linux/arm64"}},
		{"diff bad.lock web", 1, []string{`cannot use the lock "bad.lock"`}},
		{"diff web/key.asc web", 1, []string{"cannot read it as a tar"}},
	} {
		s.refuses(row.args, row.status, row.texts...)
	}
}

// Names out of an image are shown, and do nothing to a terminal or a page.
func TestDiffShowsNamesHarmlessly(t *testing.T) {
	t.Parallel()
	s := newService(t)
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range []string{"a\x1b[2Jb", "c\n! forged", "```\n</details><script>", "tmp/@here"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o4755, Typeflag: tar.TypeReg, Format: tar.FormatPAX}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.write("x.tar", buf.String())
	s.write("y.tar", string(make([]byte, 1024)))
	o := s.does("diff", "y.tar", "x.tar")
	for _, text := range []string{`! /a\u001b[2Jb newly runs setuid`, `! /c\u000a! forged newly`} {
		if !strings.Contains(o.stdout, text) {
			t.Errorf("no %q in %s", text, o.stdout)
		}
	}
	o = s.does("diff", "y.tar", "x.tar", "--markdown")
	if strings.Contains(o.stdout, "\x1b") || strings.Contains(o.stdout, "\n</details><script>") || !strings.Contains(o.stdout, "\n````diff\n") || strings.Contains(o.stdout, "- /tmp/@") {
		t.Errorf("Markdown: %s", o.stdout)
	}
}

// The effects of scripts and the risks are in the JSON, each once.
func TestDiffJSON(t *testing.T) {
	t.Parallel()
	s := newDiff(t)
	d := s.diff("web", "next")
	var got []string
	for _, r := range d.Risks {
		got = append(got, r.Kind+" "+r.Subject)
	}
	want := []string{"setuid /usr/bin/addon", "login-shell app", "listens addon.socket", "port 80/tcp", "script-effect addon.postinst"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("risks (-want +got):\n%s", diff)
	}
	if len(d.Packages) != 1 || d.Packages[0].Change != "upgraded" || d.Before.Kind != "recipe" || d.Equal || d.Skipped != nil {
		t.Errorf("%+v", d)
	}
	// Images tell the same by the records of their builds; a root file system has none.
	s.does("build", "next", "-o", "oci:new.oci", "-o", "tar:new.tar")
	of := d
	if d = s.diff("old.oci", "new.oci"); d.Skipped != nil || len(d.Scripts) == 0 || !cmp.Equal(of.Scripts, d.Scripts) || !cmp.Equal(of.Risks, d.Risks) {
		t.Errorf("of two images: %+v", d)
	}
	if d := s.diff("old.oci", "new.tar"); !slices.Contains(d.Skipped, "effects of maintainer scripts: no record of a build tells them of new.tar") {
		t.Errorf("%q", d.Skipped)
	}
}
