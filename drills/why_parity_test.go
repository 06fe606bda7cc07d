package drills_test

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pythonPeer is the set in which dpkg installs what examples/python wants.
var pythonPeer = paritySet{"example python", "ca-certificates,tzdata,netbase,libssl3t64,python3-minimal,libpython3.13-stdlib"}

// dpkgDatabase is what dpkg itself knows of the packages of a tree.
type dpkgDatabase struct {
	dir     string
	owners  map[string][]string          // by path, links of the merged /usr followed: names of packages
	fields  map[string]map[string]string // of status, by package
	md5     map[string]string            // of shipped files, by path
	diverts map[string]string            // by path, where another package's file went
}

// merged is a path with the links of the merged /usr followed.
func merged(p string) string {
	for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib64"} {
		if strings.HasPrefix(p, dir+"/") {
			return "/usr" + p
		}
	}
	return p
}

// readDatabase reads the dpkg database out of the tar of a tree.
func readDatabase(t *testing.T, tarFile string) *dpkgDatabase {
	t.Helper()
	dir := t.TempDir()
	run(t, dir, "tar", "-xf", tarFile, "./var/lib/dpkg")
	d := &dpkgDatabase{dir: filepath.Join(dir, "var/lib/dpkg"), owners: map[string][]string{}, fields: map[string]map[string]string{}, md5: map[string]string{}, diverts: map[string]string{}}
	for stanza := range strings.SplitSeq(d.read(t, "status"), "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(stanza) {
			if name, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, " ") {
				fields[name] = strings.TrimSpace(value)
			}
		}
		d.fields[fields["Package"]] = fields
	}
	if text, err := os.ReadFile(filepath.Join(d.dir, "diversions")); err == nil {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for i := 0; i+2 < len(lines); i += 3 {
			d.diverts[merged(lines[i])] = merged(lines[i+1])
		}
	}
	lists, err := filepath.Glob(filepath.Join(d.dir, "info/*.list"))
	if err != nil || len(lists) < 50 {
		t.Fatalf("dpkg's database has %d packages: %v", len(lists), err)
	}
	for _, file := range lists {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".list"), ":")
		for line := range strings.Lines(d.read(t, "info/"+filepath.Base(file))) {
			p := merged(strings.TrimSpace(line))
			d.owners[p] = append(d.owners[p], name)
		}
		sums, err := os.ReadFile(strings.TrimSuffix(file, ".list") + ".md5sums")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(sums)) {
			if sum, p, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
				d.md5[merged("/"+p)] = sum
			}
		}
	}
	return d
}

func (d *dpkgDatabase) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// depends tells whether dpkg knows that one package needs another, or what it provides.
func (d *dpkgDatabase) depends(on, needed string) bool {
	names := []string{needed}
	for p := range strings.SplitSeq(d.fields[needed]["Provides"], ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(p), " ")
		names = append(names, name)
	}
	text := d.fields[on]["Depends"] + ", " + d.fields[on]["Pre-Depends"]
	for _, word := range regexp.MustCompile(`[a-z0-9][a-z0-9+.-]+`).FindAllString(regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(text, ""), -1) {
		if slices.Contains(names, word) {
			return true
		}
	}
	return false
}

// script is the text of a line of a maintainer script.
func (d *dpkgDatabase) script(place string) (string, bool) {
	m := regexp.MustCompile(`^(.+)\.(\w+):(\d+)$`).FindStringSubmatch(place)
	if m == nil {
		return "", false
	}
	found, _ := filepath.Glob(filepath.Join(d.dir, "info", m[1]+"*."+m[2]))
	for _, file := range found {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), "."+m[2]), ":")
		text, err := os.ReadFile(file)
		if name != m[1] || err != nil {
			continue
		}
		n := 0
		lines := bufio.NewScanner(strings.NewReader(string(text)))
		for lines.Scan() {
			if n++; fmt.Sprint(n) == m[3] {
				line := strings.TrimSpace(lines.Text())
				return line, line != "" && !strings.HasPrefix(line, "#")
			}
		}
	}
	return "", false
}

// toldJSON is what the drill reads of kiln why --json.
type toldJSON struct {
	Image   string
	Answers []toldPath
}

type toldPath struct {
	Subject string
	Path    struct {
		Path    string
		Through []string
		Entry   *struct{ Type, Mode, Link string }
		Made    *toldMade
		Dropped []struct {
			By   *toldLine
			Rule *struct{ Name, Why string }
			Made *toldMade
		}
	}
}

type toldMade struct {
	Recipe   *toldLine
	Required *struct {
		Recipe   toldLine
		Packages []string
	}
	Package *struct{ Name, Version, Architecture string }
	Script  string
	Changed *toldMade
	Rule    *struct{ Name, Why string }
}

type toldLine struct {
	Part, File, Why string
	Line            int
}

// pathJudge holds what kiln says of paths against what dpkg, the recipe's text and the
// image's files say.
type pathJudge struct {
	*testing.T
	dpkg   *dpkgDatabase
	peer   map[string]bool // paths of dpkg's tree
	recipe []string        // lines
	root   string          // the image, unpacked
	docs   string          // docs/recipe.md
}

// Of every path of examples/python, and of every path that its packages ship and that
// the image leaves out, kiln tells from the image alone a chain that is complete and
// true, as dpkg's own database of the same packages has it: the package that ships the
// path, its version, and each dependency on the way; the line of the recipe; and where
// the file is not as shipped or of no package, the line of a script, or a rule.
func TestWhyOfEveryPathOfPython(t *testing.T) {
	real(t)
	peer := peerTar(t, pythonPeer)
	j := &pathJudge{T: t, dpkg: readDatabase(t, peer), peer: map[string]bool{}}
	for line := range strings.Lines(run(t, "", "tar", "-tf", peer)) {
		j.peer[path.Clean("/"+strings.TrimSpace(line))] = true
	}
	docs, err := os.ReadFile("../docs/recipe.md")
	if err != nil {
		t.Fatal(err)
	}
	j.docs = string(docs)
	dir := example(t, "python")
	text, err := os.ReadFile(filepath.Join(dir, "kiln.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// The peer's packages are the suite's own, without updates.
	recipe := strings.Replace(string(text), "    suite: trixie\n", "    suite: trixie\n    pockets: []\n", 1)
	write(t, filepath.Join(dir, "kiln.yaml"), recipe)
	j.recipe = strings.Split(recipe, "\n")
	build(t, dir, "--platform", "linux/amd64", "-o", "oci:python.oci", "-o", "folder:root")
	j.root = filepath.Join(dir, "root")
	paths := j.paths(dir)
	alone := t.TempDir()
	if err := os.Rename(filepath.Join(dir, "python.oci"), filepath.Join(alone, "python.oci")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(kilnBinary(t), append([]string{"why", "--json", "oci:python.oci"}, paths...)...)
	cmd.Dir = alone
	cmd.Env = []string{"HOME=" + alone, "KILN_CONFIG=" + os.DevNull, "KILN_MIRROR_DEBIAN=http://localhost:1/"}
	var told toldJSON
	if err := json.Unmarshal([]byte(output(t, cmd)), &told); err != nil {
		t.Fatal(err)
	}
	if len(told.Answers) != len(paths) {
		t.Fatalf("%d answers to %d questions", len(told.Answers), len(paths))
	}
	kinds := map[string]int{}
	for i := range told.Answers {
		kinds[j.judge(&told.Answers[i])]++
	}
	t.Logf("%d paths: %v", len(paths), kinds)
	for _, kind := range []string{"shipped", "directory", "script", "rule", "recipe", "left out"} {
		if kinds[kind] == 0 {
			t.Errorf("no path is of the kind %q", kind)
		}
	}
}

// paths are those of the image, and those that its packages ship.
func (j *pathJudge) paths(dir string) []string {
	j.Helper()
	var all []string
	for line := range strings.Lines(run(j.T, j.root, "find", ".", "-mindepth", "1")) {
		all = append(all, path.Clean("/"+strings.TrimSpace(line)))
	}
	lock, err := os.ReadFile(filepath.Join(dir, "kiln.lock"))
	if err != nil {
		j.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"name": "([^"]+)", "version"`).FindAllStringSubmatch(string(lock), -1) {
		for p, owners := range j.dpkg.owners {
			if slices.Contains(owners, m[1]) && p != "/." {
				all = append(all, p)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// judge returns of what kind a path is.
func (j *pathJudge) judge(a *toldPath) string {
	told := &a.Path
	if told.Path != merged(a.Subject) {
		j.Errorf("%s is told of as %s", a.Subject, told.Path)
	}
	if told.Entry == nil {
		j.leftOut(a)
		return "left out"
	}
	if _, err := os.Lstat(j.root + a.Subject); err != nil {
		j.Errorf("%s is told to be there: %v", a.Subject, err)
	}
	made := told.Made
	if made == nil {
		j.Errorf("%s: nothing made it", a.Subject)
		return "none"
	}
	owners := j.dpkg.owners[told.Path]
	switch {
	case made.Recipe != nil:
		j.line(a.Subject, made.Recipe, told.Path)
		return "recipe"
	case made.Rule != nil && made.Package == nil:
		j.rule(a.Subject, made.Rule.Name, made.Rule.Why)
		if told.Entry.Type != "d" && len(owners) > 0 && made.Changed == nil && j.unchanged(told.Path) {
			j.Errorf("%s is as %v ship it, and is told to be of the rule %s", a.Subject, owners, made.Rule.Name)
		}
		return "rule"
	case made.Package == nil:
		j.Errorf("%s is of no package, rule or line: %+v", a.Subject, made)
		return "none"
	}
	j.chain(a.Subject, made)
	script := made.Script
	if made.Changed != nil {
		j.chain(a.Subject, made.Changed)
		script = made.Changed.Script
	}
	if script != "" {
		j.scripted(a.Subject, script)
	}
	switch {
	case slices.Contains(owners, made.Package.Name):
		if told.Entry.Type == "f" && script == "" && made.Rule == nil && !j.unchanged(told.Path) {
			j.Errorf("%s is not as %s ships it, and nobody is told to have changed it", a.Subject, made.Package.Name)
		}
	case script == "":
		j.Errorf("%s is told to be of %s; dpkg says %v", a.Subject, made.Package.Name, owners)
	case !j.peer[told.Path] && !j.peer[a.Subject]:
		j.Errorf("%s is told to be made by %s, and dpkg's tree has no such path", a.Subject, script)
	}
	switch {
	case script != "":
		return "script"
	case told.Entry.Type == "d":
		return "directory"
	}
	return "shipped"
}

// unchanged tells whether a file of the image is as its package ships it, as far as the
// package says; of what it does not say, nothing can be wrong.
func (j *pathJudge) unchanged(p string) bool {
	want, known := j.dpkg.md5[p]
	content, err := os.ReadFile(j.root + p)
	if err != nil || !known {
		return true
	}
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:]) == want
}

// leftOut checks what is told of a path that is not in the image.
func (j *pathJudge) leftOut(a *toldPath) {
	if _, err := os.Lstat(j.root + a.Subject); err == nil {
		j.Errorf("%s is in the image, and is told to be left out", a.Subject)
	}
	if len(a.Path.Dropped) == 0 {
		j.Errorf("%s is not in the image, and nothing left it out", a.Subject)
		return
	}
	d := a.Path.Dropped[0]
	switch {
	case d.Rule != nil:
		j.rule(a.Subject, d.Rule.Name, d.Rule.Why)
	case d.By != nil:
		j.line(a.Subject, d.By, "")
	default:
		j.Errorf("%s is left out by nobody", a.Subject)
	}
	if d.Made == nil || d.Made.Package == nil {
		j.Errorf("%s would be of no package", a.Subject)
		return
	}
	j.chain(a.Subject, d.Made)
	if owners := j.dpkg.owners[a.Path.Path]; !slices.Contains(owners, d.Made.Package.Name) && d.Made.Script == "" {
		j.Errorf("%s would be of %s; dpkg says %v", a.Subject, d.Made.Package.Name, owners)
	}
}

// chain checks the way from the recipe to a package.
func (j *pathJudge) chain(subject string, made *toldMade) {
	p := made.Package
	if p == nil || made.Required == nil || len(made.Required.Packages) == 0 {
		j.Errorf("%s: no chain leads there: %+v", subject, made)
		return
	}
	fields := j.dpkg.fields[p.Name]
	if p.Version == "" || p.Version != fields["Version"] || p.Architecture != fields["Architecture"] {
		j.Errorf("%s: %s is %s %s; dpkg says %s %s", subject, p.Name, p.Version, p.Architecture, fields["Version"], fields["Architecture"])
	}
	names := made.Required.Packages
	if names[len(names)-1] != p.Name {
		j.Errorf("%s: the chain %v does not end at %s", subject, names, p.Name)
	}
	for i := range names[1:] {
		if !j.dpkg.depends(names[i], names[i+1]) {
			j.Errorf("%s: %s does not depend on %s, as dpkg has it", subject, names[i], names[i+1])
		}
	}
	j.line(subject, &made.Required.Recipe, names[0])
}

// line checks that a line of the recipe says what it is told to: want, if that is given.
func (j *pathJudge) line(subject string, l *toldLine, want string) {
	if l.File != "kiln.yaml" || l.Line < 1 || l.Line > len(j.recipe) {
		j.Errorf("%s: the recipe has no line %s:%d", subject, l.File, l.Line)
		return
	}
	text := j.recipe[l.Line-1]
	if !strings.Contains(text, want) || strings.TrimSpace(text) == "" {
		j.Errorf("%s: line %d of the recipe is %q, which does not say %q", subject, l.Line, text, want)
	}
}

// rule checks that a rule is one that the documentation names.
func (j *pathJudge) rule(subject, name, why string) {
	if why == "" || !strings.Contains(j.docs, "`"+name+"`") {
		j.Errorf("%s: the rule %q (%s) is none that docs/recipe.md names", subject, name, why)
	}
}

// scripted checks that a script is dpkg's, and that its line does something.
func (j *pathJudge) scripted(subject, place string) {
	if line, ok := j.dpkg.script(place); !ok {
		j.Errorf("%s: %s is no line of a script that does something: %q", subject, place, line)
	}
}
