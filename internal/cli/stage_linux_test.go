package cli_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/image"
	"kiln/internal/lock"
)

// stageTool is the static program that the stages of tests run.
var stageTool = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "stagetool-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "tool"), "./testdata/stagetool")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "tool"))
})

const stageHead = `kiln: v1
name: web
version: 1.0.0
platforms: [linux/amd64]
sources:
  - {name: test, url: URL, suite: stable, keyring: key.asc}
layers:
  - name: base
    packages:
      - alpha: the program
    files:
`

// stageScene is a scene whose recipe has stages; where there can be no sandbox, the
// test is skipped.
func stageScene(t *testing.T, text string) *scene {
	t.Helper()
	tool, err := stageTool()
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, apttest.New(stable()))
	s.write("web/tool", string(tool))
	if err := os.Chmod(s.path("web/tool"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.recipe(stageHead + text)
	if o := s.kiln("build", "web", "-o", "folder:probe", "--secret", "id=token,src=none"); strings.Contains(o.stderr, "cannot run commands apart from this machine") && os.Getenv("KILN_TEST") != "real" {
		t.Skip(o.stderr)
	}
	s.remove("probe")
	s.remove("store")
	s.remove("web/kiln.lock")
	return s
}

const twoStages = `      - {path: /usr/bin/run, from-stage: second, source: /out/tree/bin/run, why: the program}
      - {path: /srv, from-stage: second, source: /out/tree, why: the data}
      - {path: /etc/env, from-stage: second, source: /out/env, why: what commands meet}
      - {path: /etc/one, from-stage: second, source: /out/copy, mode: "0600", why: of the first stage}
stages:
  - name: first
    packages: [beta: data for the commands]
    files:
      - {path: /bin/tool, from: tool, mode: "0755", why: makes it}
    run:
      - [tool, write, /out/one, one]
    outputs: [/out]
    why: the first half
  - name: second
    files:
      - {path: /bin/tool, from: tool, mode: "0755", why: makes it}
      - {path: /in, from-stage: first, source: /out/one, why: the first half}
    run:
      - [tool, tree, /out/tree]
      - [tool, env, /out/env]
      - [tool, copy, /in, /out/copy]
      - [/bin/tool, print, "made\tall"]
    user: "1234"
    workdir: /work
    env: {COLOUR: green}
    outputs: [/out/tree, /out/tree/bin, /out/env, /out/copy]
    why: the second half
`

func TestStages(t *testing.T) {
	t.Parallel()
	s := stageScene(t, twoStages)
	o := s.does("build", "web", "-o", "folder:root", "-o", "oci:a.oci")
	for _, line := range []string{"second | + tool tree /out/tree\n", "second | made    all\n", "stage: 2 stages, "} {
		if !strings.Contains(o.stderr, line) {
			t.Errorf("not told: %q in\n%s", line, o.stderr)
		}
	}
	for name, want := range map[string]string{
		"usr/bin/run": "program", "srv/bin/run": "program", "srv/shut/file": "shut", "etc/one": "one",
		"etc/env": "COLOUR=green\nHOME=/\nLANG=C.UTF-8\nLOGNAME=1234\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nSOURCE_DATE_EPOCH=0\nTZ=UTC\nUSER=1234\n1234 kiln\n",
	} {
		if got := s.read("root/" + name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]fs.FileMode{"usr/bin/run": 0o755, "srv": fs.ModeDir | 0o755, "srv/shut": fs.ModeDir | 0o755, "srv/shut/file": 0o644, "etc/one": 0o600} {
		if info, err := os.Lstat(s.path("root/" + name)); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want %v", name, info, err, want)
		}
	}
	if to, err := os.Readlink(s.path("root/srv/link")); err != nil || to != "bin/run" {
		t.Errorf("the link: %q, %v", to, err)
	}
	if _, err := os.Stat(s.path("root/usr/share/beta")); err == nil {
		t.Error("a package of a stage is in the image")
	}
	if list := names(t, s.path("store/folders")); list != "" {
		t.Errorf("left in the store: %s", list)
	}
	l, err := lock.Load(s.path("web/kiln.lock"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range l.Platforms {
		if len(p.Stages) != 2 || len(p.Stage("first").Packages) != 1 || p.Stage("first").Packages[0].Name != "beta" || len(p.Stage("second").Packages) != 0 {
			t.Errorf("the lock has of stages: %+v", p.Stages)
		}
	}

	why := s.does("why", "oci:a.oci", "/usr/bin/run").stdout
	for _, line := range []string{"  recipe:      kiln.yaml:12: layers[base].files[0]: the program\n", "  stage:       /out/tree/bin/run of kiln.yaml:25: stages[second]: the second half\n", "  command:     tool tree /out/tree\n"} {
		if !strings.Contains(why, line) {
			t.Errorf("why does not tell %q:\n%s", line, why)
		}
	}
	if got, want := s.does("why", "web", "package:beta").stdout, "  stage:       web/kiln.yaml:17: stages[first]: the first half; of its packages, none is in the image\n"; !strings.Contains(got, want) {
		t.Errorf("why does not tell %q:\n%s", want, got)
	}
	if got := s.does("lock", "web").stdout; !strings.Contains(got, "linux/amd64: 2 packages, 1 for the stage first, 0 for the stage second\n") {
		t.Errorf("lock: %s", got)
	}
	if got := s.does("provenance", "oci:a.oci").stdout; !strings.Contains(got, betaDeb) || !strings.Contains(got, `"stage": "first"`) {
		t.Errorf("the provenance does not name the package of the stage:\n%s", got)
	}

	s.does("pack", "web", "-o", "web.pack.tar")
	s.does("build", "--pack", "web.pack.tar", "--store", s.path("other"), "-o", "oci:b.oci")
	if a, b := layoutDigest(t, s, "a.oci"), layoutDigest(t, s, "b.oci"); a != b {
		t.Errorf("built from the pack: %s, want %s", b, a)
	}
	if out := s.does("prove", "web").stdout; !strings.Contains(out, "the same twice") {
		t.Errorf("prove: %s", out)
	}
}

func layoutDigest(t *testing.T, s *scene, name string) string {
	t.Helper()
	d, err := image.LayoutDigest(image.Reference{Kind: image.Layout, Path: s.path(name)})
	if err != nil {
		t.Fatal(err)
	}
	return string(d)
}

const randomStage = `      - {path: /etc/random, from-stage: make, source: /out/random, why: a name}
stages:
  - name: make
    files:
      - {path: /bin/tool, from: tool, mode: "0755", why: makes it}
    run: [[tool, random, /out/random]]
    outputs: [/out/random]
    why: what is not made again is seen
`

// A stage in which nothing changes is not run again; one whose commands, files, packages
// or variables change is, and --verify-cache tells of commands that make something else each
// time.
func TestStageIsKept(t *testing.T) {
	t.Parallel()
	s := stageScene(t, randomStage)
	build := func(flags ...string) string {
		t.Helper()
		s.remove("root")
		s.does(append([]string{"build", "web", "-o", "folder:root"}, flags...)...)
		return s.read("root/etc/random")
	}
	first := build()
	s.edit("web/kiln.yaml", "why: a name", "why: another reason")
	s.edit("web/kiln.yaml", "why: makes it", "why: for no other reason")
	if build() != first {
		t.Error("a reason has the commands run again")
	}
	for _, change := range [][2]string{
		{"why: what is not", "env: {A: b}\n    why: what is not"}, {"/out/random]]", "/out/random], [tool, print, x]]"},
		{"run: [", "packages: [beta: more]\n    run: ["}, {"/bin/tool, from: tool, mode: \"0755\", why", "/bin/tool, from: tool, mode: \"0555\", why"},
	} {
		s.edit("web/kiln.yaml", change[0], change[1])
		next := build()
		if next == first {
			t.Errorf("the commands were not run again after %q", change[1])
		}
		if first = next; build() != first {
			t.Error("the commands were run again, for nothing")
		}
	}
	s.refuses("build web --verify-cache -o folder:again", 3, `cannot make the stage "make" for linux/amd64: its commands make something else each time: /out/random`, "try: have them do without the time")
	o := s.kiln("prove", "web")
	if o.status != 3 || !strings.Contains(o.stdout+o.stderr, "/etc/random") {
		t.Errorf("prove: %s", o)
	}
}

// What goes wrong in a stage is told with its place and what the commands said.
func TestStageFails(t *testing.T) {
	t.Parallel()
	s := stageScene(t, randomStage)
	good := s.read("web/kiln.yaml")
	for _, row := range []struct {
		summary, old, new string
		texts             []string
	}{
		{"a command fails", "[tool, random, /out/random]", "[tool, print, fine], [tool, fail]",
			[]string{`cannot make the stage "make" for linux/amd64: web/kiln.yaml:17: stages[0].run[1]: exit status 1: tool fail`, "it said last:\n  line 16\n", "  line 39\n  this is the end\n"}},
		{"no shell", "[[tool, random, /out/random]]", "[echo x]", []string{`there is no program "/bin/sh"`, "try: add a shell to the stage's packages"}},
		{"no program", "[tool, random, /out/random]", "[make, all]", []string{`stages[0].run[0]: there is no program "make": is its package among the stage's?`}},
		{"a closed program", `mode: "0755"`, `mode: "0644"`, []string{`stages[0].run[0]: /usr/bin/tool may not be executed: give it mode: "0755"`}},
		{"no output", "[tool, random, /out/random]", "[tool, print, fine]", []string{`web/kiln.yaml:18: stages[0].outputs[0]: its commands made no "/out/random"`, "try: correct the path"}},
		{"a source below an output", "source: /out/random, why", "source: /out/random/x, why", []string{`layers[0].files[0] (layer base): the commands of the stage "make" made no "/out/random/x"`}},
		{"no user", "outputs:", "user: builder\n    outputs:", []string{`stages[0].user: none of its packages makes the user "builder"`}},
		{"a secret that is not given", "outputs:", "secrets: [key]\n    outputs:", []string{`web/kiln.yaml:18: stages[0].secrets[0]: the secret "key" is not given`, "try: out of a file: kiln build --secret id=key,src=FILE"}},
		{"a package that nobody has", "files:\n      - {path: /bin", "packages: [gamma: x]\n    files:\n      - {path: /bin", []string{`stage "make": `, "gamma"}},
		{"a file that is not there", "from: tool", "from: tols", []string{`web/kiln.yaml:16:`, `cannot read "tols" in the recipe's folder`}},
	} {
		s.write("web/kiln.yaml", good)
		s.edit("web/kiln.yaml", row.old, row.new)
		o := s.kiln("build", "web", "-o", "folder:root")
		if o.status != 1 {
			t.Errorf("%s: %s", row.summary, o)
		}
		for _, text := range row.texts {
			if !strings.Contains(o.stderr, text) {
				t.Errorf("%s: not told: %q in\n%s", row.summary, text, o.stderr)
			}
		}
		if _, err := os.Stat(s.path("root")); err == nil {
			t.Errorf("%s: there is an output", row.summary)
		}
	}
}

// However kiln ends, the commands of a stage end with it, and nothing of the stage is left
// once the store was opened again.
func TestStageEndsWithKiln(t *testing.T) {
	t.Parallel()
	s := stageScene(t, strings.Replace(randomStage, "[[tool, random, /out/random]]", "[[tool, write, /out/half, half], [tool, hang]]", 1))
	for _, sig := range []os.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		alive, held, err := os.Pipe() // the sandbox's first process holds it, too
		if err != nil {
			t.Fatal(err)
		}
		cmd := s.command("build", "web", "-o", "folder:root")
		cmd.ExtraFiles = []*os.File{held, held, held}
		said, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		held.Close()
		lines, told := bufio.NewScanner(said), []string{}
		for lines.Scan() && lines.Text() != "make | hanging" {
			told = append(told, lines.Text())
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(said)
		_ = cmd.Wait()
		if _, err := io.ReadAll(alive); err != nil { // ends when no process holds it
			t.Error(err)
		}
		alive.Close()
		if sig == syscall.SIGTERM && !strings.Contains(string(rest), "interrupted: nothing half-made is left") {
			t.Errorf("not told that it was interrupted: %s", strings.Join(told, "\n")+string(rest))
		}
		if _, err := os.Stat(s.path("root")); err == nil {
			t.Errorf("%v: there is an output", sig)
		}
		s.does("store", "gc")
		if list := names(t, s.path("store/folders")); list != "" {
			t.Errorf("%v: left in the store: %s", sig, list)
		}
	}
}

const token = "tök3n/with+all &of=it~"

const secretStage = `      - {path: /etc/made, from-stage: make, source: /out/made, why: a name}
stages:
  - name: make
    files:
      - {path: /bin/tool, from: tool, mode: "0755", why: makes it}
    run:
      - [tool, babble, token]
      - [tool, leak, token, FORM, /out/made]
    secrets: [token]
    outputs: [/out/made]
    why: it needs a secret
`

// The value of a secret is in nothing that stays, whichever way it comes and whatever a
// command does with it that kiln knows of.
func TestStageSecrets(t *testing.T) {
	t.Parallel()
	s := stageScene(t, secretStage)
	good := s.read("web/kiln.yaml")
	s.write("token", token)
	s.env = append(s.env, "TOKEN="+token)
	s.write("give", "#!/bin/sh\ncat "+s.path("token")+"\n")
	if err := os.Chmod(s.path("give"), 0o755); err != nil {
		t.Fatal(err)
	}
	var said string
	run := func(args ...string) outcome {
		o := s.kiln(args...)
		said += o.stdout + o.stderr
		return o
	}
	for _, form := range []string{"plain", "base64", "hexadecimal", "percent-encoded", "gzip"} {
		s.write("web/kiln.yaml", good)
		s.edit("web/kiln.yaml", "FORM", form)
		o := run("build", "web", "-o", "folder:root", "--secret", "id=token,src=token")
		if want := `the output /out/made holds the secret "token" (`; o.status != 3 || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: want %q, got %s", form, want, o)
		}
	}
	s.write("web/kiln.yaml", good)
	s.edit("web/kiln.yaml", "FORM", "none")
	digest := ""
	for _, source := range []string{"src=token", "env=TOKEN", "exec=" + s.path("give"), "src=file:token", "src=env:TOKEN", "src=exec:" + s.path("give")} {
		s.remove("store")
		s.remove("web.oci")
		o := run("build", "web", "-o", "oci:web.oci", "--trace", "trace.json", "--secret", "id=token,"+source)
		if o.status != 0 || strings.Count(o.stderr, "[secret token]") != 4 { // gzip is no text
			t.Fatalf("%s: %s", source, o)
		}
		if d := layoutDigest(t, s, "web.oci"); digest != "" && d != digest {
			t.Errorf("%s: another image: %s", source, d)
		} else {
			digest = d
		}
	}
	run("why", "web", "/etc/made")
	run("provenance", "oci:web.oci")
	if o := run("prove", "web", "--secret", "id=token,src=token", "--keep", "proof"); o.status != 0 {
		t.Errorf("prove: %s", o)
	}
	s.write("said", said)
	s.nowhere(token, "token", "give", "home")
}

// nowhere looks for all forms of a secret in all files of the scene but those named.
func (s *scene) nowhere(secret string, but ...string) {
	s.t.Helper()
	texts := []string{secret, hex.EncodeToString([]byte(secret)), url.QueryEscape(secret), url.PathEscape(secret)}
	for i := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", i) + secret))
		texts = append(texts, text[4:len(text)-4])
	}
	looked := 0
	err := filepath.WalkDir(s.root, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(s.root, p)
		for _, name := range but {
			if rel == name {
				return nil
			}
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		looked++
		all := [][]byte{b}
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
			if plain, err := io.ReadAll(z); err == nil {
				all = append(all, plain)
			}
		}
		for _, b := range all {
			for _, text := range texts {
				if bytes.Contains(b, []byte(text)) {
					s.t.Errorf("%s holds %q", rel, text)
				}
			}
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	if looked < 50 {
		s.t.Errorf("only %d files were looked at", looked)
	}
}

func TestSecretFlags(t *testing.T) {
	t.Parallel()
	s := stageScene(t, secretStage)
	s.edit("web/kiln.yaml", "FORM", "none")
	s.write("short", "1234567")
	for _, row := range []struct {
		args   string
		status int
		text   string
	}{
		{"--secret token=" + token[:5], 2, "cannot read a --secret: want id=NAME"},
		{"--secret id=a/b,src=x", 2, "cannot read a --secret: want id=NAME"},
		{"--secret id=token", 2, "cannot read a --secret"},
		{"--secret id=token,value=x", 2, `cannot read where the secret "token" comes from: want src=, env= or exec=`},
		{"--secret id=token,src=", 2, `cannot read where the secret "token" comes from`},
		{"--secret id=token,src=a --secret id=token,src=b", 2, `the secret "token" is given twice`},
		{"--secret id=tokem,src=a", 2, `no stage of the recipe names the secret "tokem"`},
		{"--secret id=token,src=none", 1, `cannot read the secret "token": stat none: no such file or directory`},
		{"--secret id=token,src=web", 1, `cannot read the secret "token": "web" is no regular file`},
		{"--secret id=token,env=NONE", 1, `the variable NONE is not set, or empty`},
		{"--secret id=token,exec=false", 1, `cannot get the secret "token": false: exit status 1`},
		{"--secret id=token,src=short", 1, `the secret "token" has 7 bytes, and at least 8 are needed`},
	} {
		o := s.kiln(append([]string{"build", "web", "-o", "folder:root"}, strings.Fields(row.args)...)...)
		if o.status != row.status || !strings.Contains(o.stderr, row.text) {
			t.Errorf("%s: want status %d and %q, got %s", row.args, row.status, row.text, o)
		}
		if strings.Contains(o.stderr, token[:5]) {
			t.Errorf("%s: what was typed is shown:\n%s", row.args, o.stderr)
		}
	}
}
