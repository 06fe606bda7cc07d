package apt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"kiln/internal/apt/apttest"
	"kiln/internal/store"
)

// source is one binary entry of a scene's sources.
type source struct {
	options    map[string]string
	uri, suite string
	components []string
}

func parseSources(line string) []source {
	var all []source
	for _, entry := range strings.Split(line, " | ") {
		f := strings.Fields(entry)
		if len(f) == 0 || f[0] != "deb" {
			continue
		}
		s := source{options: map[string]string{}}
		f = f[1:]
		for strings.HasPrefix(f[0], "[") || len(s.options) > 0 && !strings.Contains(f[0], ":/") {
			k, v, _ := strings.Cut(strings.Trim(f[0], "[]"), "=")
			s.options[k] = v
			f = f[1:]
		}
		s.uri, s.suite, s.components = f[0], f[1], f[2:]
		all = append(all, s)
	}
	return all
}

// leftOut says why a scene is no model for kiln, or "".
func (s scene) leftOut() string {
	argv := strings.Join(s.Argv, " ")
	switch {
	case s.RC == "":
		return "apt gave no verdict: it was cut off"
	case strings.Contains(argv, "--print-uris"), strings.Contains(argv, "napshot"), strings.Contains(argv, " -S"):
		return "snapshots are a feature of apt's own: another address, no other check"
	case strings.Contains(argv, "--allow-"), strings.Contains(argv, "Check-Date=no"):
		return "an option of the source or the command line weakens a check"
	case strings.Contains(argv, "ValidTime"):
		return "an option sets a validity of its own, which kiln has no option for"
	case strings.Contains(argv, "--no-allow-releaseinfo-change"):
		return "an option forbids what apt allows by default"
	case s.HadLists && s.anyMessage(`required signer|GOODSIG`) && !strings.Contains(s.Sources, "signed-by"):
		return "the state before was edited by hand: a Signed-By that no served Release has"
	case s.RC != "0" && s.onlySources():
		return "the verdict is about an index of source packages, which kiln does not read"
	case s.anyMessage(`Could not|Unable to connect|511 |403 |redirect`):
		return "the verdict came from the transport"
	}
	for _, src := range parseSources(s.Sources) {
		if why := src.leftOut(); why != "" {
			return why
		}
	}
	return ""
}

func (src source) leftOut() string {
	o := src.options
	switch {
	case strings.HasPrefix(src.uri, "mirror"):
		return "the verdict came from the transport"
	case o["snapshot"] != "":
		return "snapshots are a feature of apt's own: another address, no other check"
	case o["trusted"] == "yes", o["allow-weak"] == "yes", o["allow-insecure"] == "yes",
		o["allow-downgrade-to-insecure"] == "yes", o["check-valid-until"] == "no":
		return "an option of the source or the command line weakens a check"
	case o["trusted"] == "no":
		return "an option refuses what is well signed"
	case o["valid-until-max"] != "", o["valid-until-min"] != "":
		return "an option sets a validity of its own, which kiln has no option for"
	}
	return ""
}

// elsewhere reports whether apt found the archive in another place than the
// source says, by a redirect of the web server that was recorded with it.
func (c *corpus) elsewhere(s scene) bool {
	for _, src := range parseSources(s.Sources) {
		p := Pocket{Suite: src.suite}
		for _, name := range []string{"InRelease", "Release"} {
			if _, ok := c.trees[s.Tree][path.Join(p.folder(), name)]; ok {
				return false
			}
		}
	}
	return !s.refused()
}

// onlySources reports whether all of apt's complaints are of Sources files.
func (s scene) onlySources() bool {
	n := 0
	for _, m := range s.Messages {
		if strings.HasPrefix(m, "W:") || strings.HasPrefix(m, "E:") {
			if n++; !strings.Contains(m, "source/Sources") {
				return false
			}
		}
	}
	return n > 0
}

func (s scene) anyMessage(pattern string) bool {
	re := regexp.MustCompile(pattern)
	return slices.ContainsFunc(s.Messages, re.MatchString)
}

// refused is apt's verdict. With Acquire::AllowInsecureRepositories and its
// kin, apt goes on after a warning; what it warns of is what it would refuse.
func (s scene) refused() bool {
	return s.RC != "0" || s.anyMessage(`^W: .*(is not signed|no longer signed|verification failed|weak security information|strong enough|does not have a Release file|no longer has a Release file|could not be verified|couldn't be verified|previous index files will be used)`)
}

// kept reports whether apt may have kept what it had in place of what was served.
func (s scene) kept() bool { return s.HadLists && !s.ListsChanged }

// difference is one row of testdata/conformance.txt: scenes that kiln refuses and
// apt does not, and why that is right.
type difference struct {
	scenes *regexp.Regexp
	says   string // part of kiln's error
	why    string
	seen   int
}

func readDifferences(t *testing.T) []*difference {
	t.Helper()
	b, err := os.ReadFile("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []*difference
	s := bufio.NewScanner(bytes.NewReader(b))
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' {
			f := strings.SplitN(line, " | ", 3)
			if len(f) != 3 {
				t.Fatalf("not a row of three: %q", line)
			}
			all = append(all, &difference{regexp.MustCompile("^(" + f[0] + ")$"), f[1], f[2], 0})
		}
	}
	return all
}

// TestConformance replays what apt was recorded doing. A scene that began with
// what an earlier one left behind is replayed over the same store.
func TestConformance(t *testing.T) {
	c := openCorpus(t)
	known := readDifferences(t)
	server := apttest.Serve(t, nil)
	counts := map[string]int{}
	var st *store.Store
	test, base := "", t.TempDir()
	for _, s := range c.scenes {
		if s.Test != test || !s.HadLists {
			st = freshStore(t)
			test = s.Test
		}
		why := s.leftOut()
		if why == "" && c.elsewhere(s) {
			why = "the verdict came from the transport"
		}
		if why != "" {
			counts["left out: "+why]++
			continue
		}
		dir := c.write(t, s, filepath.Join(base, s.Test))
		var err error
		for _, src := range parseSources(s.Sources) {
			address := "file://" + dir
			if !strings.HasPrefix(src.uri, "file:") {
				server.Update(c.trees[s.Tree])
				address = server.URL
			}
			err = errors.Join(err, c.replay(t, st, s, src, address))
		}
		counts[judgeScene(t, known, s, err)]++
	}
	for _, d := range known {
		if d.seen == 0 {
			t.Errorf("testdata/conformance.txt lists a difference that is none: %s | %s", d.scenes, d.says)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%4d %s", counts[k], k)
	}
}

// judgeScene compares the verdicts, and returns the class that the scene is in.
func judgeScene(t *testing.T, known []*difference, s scene, err error) string {
	switch {
	case err != nil && s.refused():
		return "same: refused"
	case err == nil && !s.refused():
		return "same: accepted"
	case err == nil:
		t.Errorf("%s: kiln accepts what apt refuses:\n%s", s.name(), strings.Join(s.Messages, "\n"))
		return "wrong"
	}
	for _, d := range known {
		if d.scenes.MatchString(s.name()) && strings.Contains(err.Error(), d.says) {
			d.seen++
			return "stricter: " + d.why
		}
	}
	t.Errorf("%s (kept %v): kiln refuses what apt accepts: %v\n%s", s.name(), s.kept(), err, strings.Join(s.Messages, "\n"))
	return "wrong"
}

func freshStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// replay does what a lock would do with the scene's source.
func (c *corpus) replay(t *testing.T, st *store.Store, s scene, src source, address string) error {
	now, err := strconv.ParseInt(s.Now.String(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	client := &Client{Store: st, Now: time.Unix(now, 0), Retry: Retry{Attempts: 1}}
	p := Pocket{Archive: "scene", Name: "release", Suite: src.suite, Components: src.components, Keys: c.keyring(t, s, src)}
	p.URL = address
	ctx := context.Background()
	rel, err := client.Release(ctx, p)
	if err != nil {
		return err
	}
	for _, arch := range c.architectures(s, src) {
		indexes, err := client.Indexes(ctx, p, rel, arch)
		if err != nil {
			return err
		}
		for _, ix := range indexes {
			if _, err := client.Packages(ctx, p, ix); err != nil {
				return err
			}
		}
	}
	return nil
}

// write puts the scene's archive in a folder, in place of the scene before.
func (c *corpus) write(t *testing.T, s scene, dir string) string {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := c.trees[s.Tree].Write(dir); err != nil {
		t.Fatal(err)
	}
	for d := range c.dirs {
		if below, ok := strings.CutPrefix(d, s.Tree+"/"); ok {
			if err := os.MkdirAll(filepath.Join(dir, below), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, to := range c.links[s.Tree] {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// architectures are those of the scene's configuration.
func (c *corpus) architectures(s scene, src source) []string {
	if a := src.options["arch"]; a != "" {
		return strings.Split(a, ",")
	}
	var archs []string
	for _, m := range regexp.MustCompile(`APT::Architectures:: "([a-z0-9]+)"`).FindAllSubmatch(c.trees[s.Etc]["apt.conf.d/01multiarch.conf"], -1) {
		archs = append(archs, string(m[1]))
	}
	return archs
}

// keyring is what the scene trusts: the files and fingerprints of signed-by, or
// all of trusted.gpg.d.
func (c *corpus) keyring(t *testing.T, s scene, src source) Keyring {
	t.Helper()
	var ring Keyring
	var stems []string
	for _, name := range slices.Concat(slices.Collect(maps.Keys(c.trees[s.Etc])), slices.Collect(maps.Keys(c.links[s.Etc]))) {
		stem, ok := strings.CutSuffix(path.Base(name), ".gpg")
		switch {
		case name == "trusted.gpg":
			stems = append(stems, "joesixpack") // the only key that was ever put there
		case ok && path.Dir(name) == "trusted.gpg.d":
			stems = append(stems, stem)
		}
	}
	slices.Sort(stems)
	signedBy := src.options["signed-by"]
	if strings.HasPrefix(signedBy, "$W") {
		stems = nil
		for _, f := range strings.Split(signedBy, ",") {
			stems = append(stems, strings.TrimSuffix(path.Base(f), path.Ext(f)))
		}
		signedBy = ""
	}
	for _, stem := range stems {
		for _, e := range c.key(t, stem) {
			if signedBy == "" || namesKey(e, signedBy) {
				ring.entities = append(ring.entities, e)
			}
		}
	}
	return ring
}

// namesKey reports whether signed-by names the key or one of its subkeys.
func namesKey(e *openpgp.Entity, signedBy string) bool {
	prints := []string{fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)}
	for _, sub := range e.Subkeys {
		prints = append(prints, fmt.Sprintf("%X", sub.PublicKey.Fingerprint))
	}
	return slices.ContainsFunc(prints, func(p string) bool { return strings.Contains(signedBy, p) })
}
