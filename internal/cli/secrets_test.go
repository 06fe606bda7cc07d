package cli_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// word is a password, in parts, so that this file has none.
const word = "Tr0ub" + "4dor!x"

const guardedRecipe = `kiln: v1
name: web
platforms: [linux/amd64]
sources:
  - {name: test, url: URL, suite: stable, keyring: key.asc}
layers:
  - name: base
    packages:
      - app: the service
    files:
      - {path: /etc/app.conf, content: "PLAIN", why: settings}
container:
  env: {MODE: fast}
`

// guarded is an archive with a package that ships a password, which is signed for,
// and whose postinst makes a file.
func guarded(script string) apttest.Suite {
	return later(0, pkg("app", "1.0", "amd64", func(s *debtest.Spec) {
		entries(debtest.Entry{Path: "usr/share/app/test.conf", Content: "password=" + word + "\n"}, debtest.Entry{Path: "usr/bin/app", Content: "#!/bin/sh\n", Mode: 0o755},
			debtest.Entry{Path: "usr/bin/dash", Content: "dash", Mode: 0o755}, debtest.Entry{Path: "usr/bin/sh", Link: "dash"})(s)
		s.Scripts = []debtest.Script{{Name: "postinst", Content: script}, {Name: "templates", Content: "Template: app/password\nType: string\nDescription: x\n"}}
	}))
}

func newGuarded(t *testing.T, change ...string) *scene {
	t.Helper()
	s := newScene(t, apttest.New(guarded("#!/bin/sh\ntrue\n")))
	s.recipe(strings.NewReplacer(change...).Replace(guardedRecipe))
	return s
}

// A secret stops the build before anything is written, wherever it is; it is not
// printed; and the message says what to do.
func TestSecretStopsTheBuild(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ summary, old, new, want string }{
		{"a file of the recipe", "PLAIN", `a=b\npassword=` + word + `\n`, "/etc/app.conf line 2, column 10: password ... (11 characters)\n    layers[base].files[0]: settings\n"},
		{"a variable", "MODE: fast", "DB_PASSWORD: " + word, "container.env[DB_PASSWORD]: password ... (11 characters)\n"},
		{"a label", "container:", "container:\n  labels: {db.password: " + word + "}", "container.labels[db.password]: password ..."},
		{"an argument", "container:", "container:\n  entrypoint: [/usr/bin/app, --password=" + word + "]", "container.entrypoint: password ..."},
		{"an answer", "container:", "debconf: [{question: app/password, value: " + word + ", why: a test}]\ncontainer:", "debconf[0].value: password ..."},
		{"a comment", "container:", "# password: " + word + "\ncontainer:", "kiln.yaml line 12, column 13: password ..."},
	} {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newGuarded(t, row.old, row.new)
			o := s.kiln("build", "web", "-o", "oci:web.oci")
			if o.status != 3 || !strings.Contains(o.stderr, row.want) || strings.Contains(o.stderr, word) {
				t.Errorf("no %q in %s", row.want, o)
			}
			for _, want := range []string{"cannot use the image for linux/amd64: whoever has it has the secrets in it\n", "\nsecrets:\n  accept:\n    - {path: ", "try: take it out"} {
				if !strings.Contains(o.stderr, want) {
					t.Errorf("no %q in %s", want, o)
				}
			}
			for _, p := range []string{"web.oci", "web/kiln.lock"} {
				if _, err := os.Stat(s.path(p)); err == nil {
					t.Errorf("left %s", p)
				}
			}
		})
	}
}

// What is accepted is built and told of in the result, masked, by a build that makes
// the image and by one that recalls it; a line that accepts nothing is an error.
func TestAcceptedSecret(t *testing.T) {
	t.Parallel()
	s := newGuarded(t, "PLAIN", "password="+word, "container:", "secrets:\n  accept:\n    - {path: /etc/*.conf, rule: password, why: a test}\ncontainer:")
	type result struct {
		Images []struct {
			Secrets []struct {
				Path, Rule, Masked, Recipe, Accepted string
				Line                                 int
			}
		}
	}
	for range 2 {
		o := s.does("build", "web", "--json", "-o", "oci:web.oci")
		got := decoded[result](t, o.stdout).Images[0].Secrets
		if len(got) != 1 || got[0].Path != "/etc/app.conf" || got[0].Accepted != "secrets.accept[0]" || got[0].Line != 1 || strings.Contains(o.stdout, word) {
			t.Errorf("%+v", got)
		}
	}
	s.edit("web/kiln.yaml", "rule: password", "rule: jwt")
	if o := s.kiln("build", "web"); o.status != 3 {
		t.Errorf("another rule accepts: %s", o)
	}
	s.edit("web/kiln.yaml", "rule: jwt", "rule: password")
	s.edit("web/kiln.yaml", "password="+word, "nothing")
	if o := s.kiln("build", "web"); o.status != 1 || !strings.Contains(o.stderr, "web/kiln.yaml:14:14: error: it matches nothing: no such file of the image for linux/amd64 has such a secret") {
		t.Errorf("%s", o)
	}
}

// What a script of a package makes, and what a .deb of the recipe ships, is looked at.
func TestSecretOfPackage(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(guarded("#!/bin/sh\nmkdir -p /etc/app\necho password="+word+" > /etc/app/made.conf\n")))
	s.recipe(guardedRecipe)
	if o := s.kiln("build", "web"); o.status != 3 || !strings.Contains(o.stderr, "/etc/app/made.conf line 1, column 10: password ... (11 characters)\n    package app, changed by app.postinst:3\n") {
		t.Errorf("%s", o)
	}
	own := debtest.Spec{Name: "own", Version: "1", Architecture: "amd64"}
	entries(debtest.Entry{Path: "etc/own.conf", Content: "password=" + word + "\n"})(&own)
	s.write("web/own.deb", string(debtest.Build(own)))
	s.recipe(strings.NewReplacer("sources:", "sources:\n  - {deb: own.deb}", "app: the service", "own: a test").Replace(guardedRecipe))
	if o := s.kiln("build", "web"); o.status != 3 || !strings.Contains(o.stderr, "/etc/own.conf line 1, column 10: password") {
		t.Errorf("%s", o)
	}
}

// Of an image that somebody made everything is looked at, unless its record is trusted.
func TestSecretsOfImage(t *testing.T) {
	t.Parallel()
	s := newGuarded(t)
	s.does("build", "web", "-o", "oci:web.oci")
	o := s.kiln("secrets", "oci:web.oci", "--json")
	if o.status != 3 || !strings.Contains(o.stdout, `"path": "/usr/share/app/test.conf"`) || strings.Contains(o.stdout, word) {
		t.Errorf("what a package ships, in an image of unknown origin: %s", o)
	}
	if o := s.kiln("secrets", "oci:web.oci", "--trust-record"); o.status != 0 || o.stdout != "no secret found in oci:web.oci\n" {
		t.Errorf("%s", o)
	}
	if o := s.kiln("secrets", "web"); o.status != 0 || o.stdout != "no secret found in web\n" {
		t.Errorf("%s", o)
	}
	if o := s.does("secrets", "--list"); !strings.Contains(o.stdout, "github-token") || strings.Count(o.stdout, "\n") < 20 {
		t.Errorf("%s", o)
	}
	if o := s.kiln("secrets", "oci:none.oci"); o.status != 1 || !strings.Contains(o.stderr, "try: name a recipe") {
		t.Errorf("%s", o)
	}
}

// archived is a tar of files, in order: name, content, name, content...
func archived(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg, Format: tar.FormatPAX}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What a layer holds is in the image, also where the one above takes it away; and so
// is what the configuration says.
func TestSecretsBelow(t *testing.T) {
	t.Parallel()
	s := newGuarded(t)
	lower, upper := archived(t, "app.conf", "password="+word+"\n"), archived(t, ".wh.app.conf", "")
	digest := func(text string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))) }
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{"Env":["DB_PASSWORD=%s"]},"rootfs":{"type":"layers","diff_ids":[%q,%q]},"history":[{"created_by":"RUN curl -u bob:%s x"},{"created_by":"RUN rm"}]}`,
		word, digest(lower), digest(upper), word)
	name := strings.TrimPrefix(digest(config), "sha256:") + ".json"
	s.write("other.tar", archived(t, "manifest.json", `[{"Config":"`+name+`","RepoTags":["x:1"],"Layers":["lower.tar","upper.tar"]}]`, name, config, "lower.tar", lower, "upper.tar", upper))
	o := s.kiln("secrets", "docker-archive:other.tar")
	for _, want := range []string{"/app.conf line 1, column 10: password ... (11 characters)\n", "the image's configuration line 1, column 68: password ... (11 characters)\n", "command-login ..."} {
		if o.status != 3 || !strings.Contains(o.stdout, want) || strings.Contains(o.stdout, word) {
			t.Errorf("no %q in %s", want, o)
		}
	}
}
