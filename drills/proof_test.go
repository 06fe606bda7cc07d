package drills_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// proofRecipe is a recipe to be proven, with the files that stand beside it.
type proofRecipe struct {
	name, text string
	files      map[string]string
	args       []string
}

// setRecipe is a recipe of Debian's essential packages, apt and a few more.
func setRecipe(name, packages, more string) proofRecipe {
	var b strings.Builder
	b.WriteString("kiln: v1\nname: set\nplatforms: [linux/amd64]\nessential: true\nsources:\n  - {archive: debian, suite: trixie, pockets: []}\n" +
		"layers:\n  - name: base\n    packages:\n      - apt: the peers have it\n")
	for p := range strings.SplitSeq(packages, ",") {
		if p != "" && p != "apt" {
			fmt.Fprintf(&b, "      - %s: it is proven\n", p)
		}
	}
	b.WriteString(more)
	if !strings.Contains(more, "system:") {
		b.WriteString("system:\n  services:\n    enable:\n      - {unit: \"*\", why: so that all scripts have their say}\n")
	}
	return proofRecipe{name: name, text: b.String()}
}

// proofRecipes are the examples, the sets of the parity tests, and what else recipes do.
func proofRecipes(t *testing.T) []proofRecipe {
	t.Helper()
	var all []proofRecipe
	for _, name := range exampleNames {
		data, err := os.ReadFile(filepath.Join("..", "examples", name, "kiln.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, proofRecipe{name: "example " + name, text: string(data)})
	}
	for _, set := range paritySets() {
		all = append(all, setRecipe(set.name, set.packages, ""))
	}
	off := "rules:\n  off:\n"
	for _, rule := range []string{"no-doc", "no-man", "no-info", "no-locale", "no-lintian", "no-traces"} {
		off += "    - " + rule + ": all is proven\n"
	}
	both := setRecipe("two platforms", "git", "")
	both.text = strings.Replace(both.text, "[linux/amd64]", "[linux/amd64, linux/arm64]", 1)
	zstd := setRecipe("zstd", "rsync", "")
	zstd.args = []string{"--compression", "zstd"}
	arm := setRecipe("arm64", "nginx", "")
	arm.text = strings.Replace(arm.text, "linux/amd64", "linux/arm64", 1)
	folder := setRecipe("a folder of files", "", "    files:\n      - {path: /srv/site, from: site, why: the site}\n      - {path: /etc/motd, from: motd, mode: \"0600\", owner: \"1:2\", why: a greeting}\n")
	folder.files = map[string]string{"motd": "hello\n"}
	for i := range 40 {
		folder.files[fmt.Sprintf("site/%c/%d.html", 'a'+i%7, i)] = strings.Repeat("page\n", i)
	}
	forms := setRecipe("each form of output", "curl", "")
	forms.args = []string{"--outputs", "oci,oci-archive,docker-archive,tar,listing"}
	return append(all, both, zstd, arm, folder, forms,
		setRecipe("rules off", "tzdata,less", off),
		setRecipe("two layers", "perl", "  - name: more\n    packages:\n      - git: to fetch sources\n      - cron: to fetch them often\n    drop:\n      - /usr/share/git-core/contrib/**: nobody calls these\n"),
		setRecipe("users and groups", "sudo", "users:\n  - {name: app, uid: 10001, home: /srv, why: runs it}\ngroups:\n  - {name: ops, gid: 10002, members: [app], why: share a folder}\n"),
		setRecipe("answers", "locales", "debconf:\n  - {question: locales/default_environment_locale, value: C.UTF-8, why: the machine's language}\n"),
		setRecipe("units that are named", "openssh-server,cron", "system:\n  services:\n    enable:\n      - {unit: ssh.service, why: to log in}\n"),
	)
}

// prepared writes a recipe to a folder of its own, which others can read.
func (r proofRecipe) prepared(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), r.text)
	for name, text := range r.files {
		write(t, filepath.Join(dir, name), text)
	}
	for p := dir; p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// predicate is what is read of what kiln prove --json prints.
type predicate struct {
	Reproducible bool
	Outputs      []struct {
		Type, First, Second string
		Differences         []struct{ Where, Field, Was, Is, Step string }
	}
	Variations []struct {
		Name    string
		Applied bool
		Reason  string
	}
}

// applied tells whether something was varied, and why not.
func (p predicate) applied(name string) (bool, string) {
	for _, v := range p.Variations {
		if v.Name == name {
			return v.Applied, v.Reason
		}
	}
	return false, "it is not listed"
}

// proved runs a command that is kiln prove --json; the second build must be the same.
func proved(t *testing.T, cmd *exec.Cmd) predicate {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var s struct{ Predicate predicate }
	if json.Unmarshal(out.Bytes(), &s) != nil || len(s.Predicate.Outputs) == 0 {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out.String(), errs.String())
	}
	if !s.Predicate.Reproducible || err != nil {
		t.Errorf("%v: %v", err, s.Predicate.Outputs)
	}
	return s.Predicate
}

// Forty recipes of real packages give the same bytes in two surroundings that have
// nothing in common. First: root, all processors, a warm store on a disk, the folder of
// the recipe, this time zone, locale and umask. Second: an ordinary user where nobody
// can make a user namespace, one processor, a cold store, all temporary files and the
// copy of the recipe in memory, a clock 400 days ahead, another time zone, locale,
// umask, environment, host name, and no network.
func TestFortyRecipesAreReproducible(t *testing.T) {
	real(t)
	recipes := proofRecipes(t)
	if len(recipes) < 40 {
		t.Fatalf("only %d recipes", len(recipes))
	}
	if kind := fileSystem(t, sharedStore(t)); kind != "disk" {
		t.Errorf("the first store is on a %s, like the second: TMPDIR names a folder on a disk", kind)
	}
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			dir := r.prepared(t)
			memory := tmpfs(t)
			if err := os.Chmod(memory, 0o755); err != nil {
				t.Fatal(err)
			}
			if kind := fileSystem(t, memory); kind != "tmpfs" {
				t.Errorf("the second store is on a %s", kind)
			}
			cmd := exec.Command(kilnBinary(t), append([]string{"prove", dir, "--json", "--store", sharedStore(t)}, r.args...)...)
			cmd.Env = append(os.Environ(), "TMPDIR="+memory)
			lockedIn(t, cmd)
			p := proved(t, cmd)
			for _, name := range []string{"clock", "time zone", "locale", "umask", "working directory", "environment", "store", "recipe's folder", "directory order", "processors", "user"} {
				if ok, why := p.applied(name); !ok && (name != "user" || os.Geteuid() == 0) {
					t.Errorf("the second build had the same %s: %s", name, why)
				}
			}
		})
	}
}

// matrixRecipes are those that are proven in all surroundings.
func matrixRecipes(t *testing.T) []proofRecipe {
	var some []proofRecipe
	for _, r := range proofRecipes(t) {
		if r.name == "example static" || r.name == "units that are named" {
			some = append(some, r)
		}
	}
	return some
}

// surroundings are where kiln prove itself runs.
type surroundings struct {
	name   string
	before []string // that stands before the command
	env    []string
	store  string // folder for it; empty: that of the recipe
	user   bool   // as an ordinary user
}

// tmpfs is a folder of a file system in memory, of another kind than that of a test's own.
func tmpfs(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "kiln-drill-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// The digest is the same whoever proves it, with one processor and two, with a store
// on a disk and in memory, and whatever faketime says: which reaches who asks the C
// library for the time, and no program in Go. The clock that does reach kiln is the
// second build's own.
func TestProofsInAllSurroundings(t *testing.T) {
	real(t)
	for _, r := range matrixRecipes(t) {
		t.Run(r.name, func(t *testing.T) {
			dir := r.prepared(t)
			want := proved(t, exec.Command(kilnBinary(t), "prove", dir, "--json", "--store", sharedStore(t))).Outputs[0].First
			for _, s := range []surroundings{
				{name: "one processor, store in memory", env: []string{"GOMAXPROCS=1"}, store: tmpfs(t)},
				{name: "two processors, store on a disk", env: []string{"GOMAXPROCS=2"}},
				{name: "an ordinary user, one processor, store on a disk", env: []string{"GOMAXPROCS=1"}, user: true},
				{name: "an ordinary user, two processors, store in memory", env: []string{"GOMAXPROCS=2"}, store: tmpfs(t), user: true},
				{name: "faketime in the past", before: []string{"faketime", "2001-02-03 04:05:06"}},
				{name: "faketime in the future, an ordinary user", before: []string{"faketime", "2040-01-01 00:00:00"}, user: true},
			} {
				t.Run(s.name, func(t *testing.T) {
					p := proved(t, s.command(t, dir))
					if p.Outputs[0].First != want {
						t.Errorf("%s, want %s", p.Outputs[0].First, want)
					}
					if ok, why := p.applied("host name"); !ok {
						t.Logf("the host name was not varied: %s", why)
					}
				})
			}
		})
	}
}

// command is kiln prove of the recipe in dir, in these surroundings, with a store of
// its own: it holds nothing yet.
func (s surroundings) command(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	copied := t.TempDir()
	run(t, "", "cp", "-r", dir+"/.", copied)
	store := filepath.Join(copied, ".store")
	if s.store != "" {
		store = filepath.Join(s.store, "store")
	}
	if err := os.MkdirAll(store, 0o755); err != nil {
		t.Fatal(err)
	}
	line := append(append([]string{}, s.before...), kilnBinary(t), "prove", copied, "--locked", "--json", "--store", store)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = copied
	cmd.Env = append(os.Environ(), s.env...)
	if s.user {
		if s.store != "" {
			if err := os.Chmod(s.store, 0o755); err != nil {
				t.Fatal(err)
			}
			run(t, "", "chown", "-R", "65534:65534", s.store)
		}
		asUser(t, cmd, copied)
	}
	return cmd
}

// In a container that may not make namespaces, by a user without any right and
// without a network, it is the same too.
func TestProofInAContainer(t *testing.T) {
	real(t)
	docker := engines()[0]
	image := example(t, "static")
	build(t, image, "--platform", "linux/amd64", "-o", "docker-archive:image.tar")
	ref := docker.load(t, filepath.Join(image, "image.tar"))
	defer docker.remove(t, ref)
	for _, r := range matrixRecipes(t) {
		t.Run(r.name, func(t *testing.T) {
			dir := r.prepared(t)
			store := filepath.Join(dir, ".store")
			want := proved(t, exec.Command(kilnBinary(t), "prove", dir, "--json", "--store", store)).Outputs[0].First
			run(t, "", "chown", "-R", "65534:65534", dir)
			args := append([]string{"run", "--rm", "--network=none", "--read-only", "--user=65534:65534", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/var/tmp",
				"-v", kilnBinary(t) + ":/kiln:ro", "-v", dir + ":/work", "--entrypoint=/kiln"}, docker.opts...)
			p := proved(t, exec.Command(docker.cli[0], append(args, ref, "prove", "/work", "--locked", "--json", "--store", "/work/.store")...))
			if p.Outputs[0].First != want {
				t.Errorf("%s, want %s", p.Outputs[0].First, want)
			}
			if ok, why := p.applied("host name"); ok || !strings.Contains(why, "apart") {
				t.Errorf("the container can make namespaces after all: %v, %q", ok, why)
			}
		})
	}
}

// Debian's own tool for this varies what it can, the order in which folders list among
// it, by disorderfs; and finds the same image.
func TestReprotest(t *testing.T) {
	real(t)
	vary := "--vary=+all,-user_group"
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Logf("folders list in their own order, as disorderfs cannot be used: %v", err)
		vary += ",-fileordering"
	}
	r := matrixRecipes(t)[0]
	dir := r.prepared(t)
	build(t, dir, "-o", "oci:"+filepath.Join(t.TempDir(), "x.oci"))
	cmd := exec.Command("reprotest", vary, "--min-cpus=2", "--no-diffoscope",
		kilnBinary(t)+" build --locked --store $PWD/.store -o oci-archive:image.tar -o tar:root.tar -q", "*.tar")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Reproduction successful") || !strings.Contains(string(out), "./image.tar") || !strings.Contains(string(out), "./root.tar") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// On disorderfs, where folders list in another order each time, store, recipe and
// outputs give the same image, and it verifies.
func TestDisorderfs(t *testing.T) {
	real(t)
	var r proofRecipe
	for _, each := range proofRecipes(t) {
		if each.name == "a folder of files" {
			r = each
		}
	}
	dir := r.prepared(t)
	want := build(t, dir, "-o", "oci:"+filepath.Join(t.TempDir(), "x.oci"))
	mounted := t.TempDir()
	run(t, "", "disorderfs", "--shuffle-dirents=yes", "--multi-user=no", dir, mounted)
	defer run(t, "", "umount", mounted)
	got := buildIn(t, mounted, filepath.Join(mounted, ".store"), "--locked", "-o", "oci:image.oci", "-o", "folder:root", "-o", "listing:image.listing")
	same(t, want, got)
	run(t, mounted, kilnBinary(t), "verify", "oci:image.oci")
	run(t, mounted, kilnBinary(t), "verify", "folder:root", "--listing", "image.listing")
}

// diffoscope finds no difference between the two builds, and finds one that there is.
func TestDiffoscope(t *testing.T) {
	real(t)
	dir := matrixRecipes(t)[0].prepared(t)
	kept := filepath.Join(t.TempDir(), "kept")
	proved(t, exec.Command(kilnBinary(t), "prove", dir, "--json", "--store", sharedStore(t), "--keep", kept, "--outputs", "oci,tar"))
	scope := func(name string) (int, string) {
		cmd := exec.Command("diffoscope", "--exclude-directory-metadata=yes", "--text=-", filepath.Join(kept, "first", name), filepath.Join(kept, "second", name))
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	for _, name := range []string{"image.oci", "image.tar"} {
		if status, out := scope(name); status != 0 {
			t.Errorf("diffoscope: status %d\n%s", status, out)
		}
	}
	f, err := os.OpenFile(filepath.Join(kept, "second", "image.tar"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("root:y"), 512*40); err != nil {
		t.Fatal(err)
	}
	if status, out := scope("image.tar"); status != 1 || !strings.Contains(out, "image.tar") {
		t.Errorf("diffoscope does not see a difference: status %d\n%s", status, out)
	}
}
