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
	"kiln/internal/patience"
	"kiln/internal/store"
)

// refused is apt's verdict. With Acquire::AllowInsecureRepositories and its
// kin, apt goes on after a warning; what it warns of is what it would refuse.
func (s scene) refused() bool {
	s.Messages = slices.DeleteFunc(slices.Clone(s.Messages), func(m string) bool { return strings.Contains(m, "source/Sources") })
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
			if !s.refused() {
				// What apt accepted is what it remembers from here on.
				st = freshStore(t)
				c.replayAll(t, server, st, s, filepath.Join(base, s.Test))
			}
			continue
		}
		err := c.replayAll(t, server, st, s, filepath.Join(base, s.Test))
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
		checkCause(t, s, err)
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

// checkCause compares why apt and kiln refuse a scene, where apt's words are plain.
func checkCause(t *testing.T, s scene, err error) {
	t.Helper()
	rows := []struct{ apt, kiln string }{
		{`is expired \(invalid since`, `expired: it was valid until|its Date is ""`},
		{`is not valid yet`, `dated in the future|signed in the future`},
		{`changed its 'Origin'`, `changed its (Origin|Label)`},
		{`changed its 'Codename'`, `changed its Codename|is of another suite`},
		{`changed its 'Suite'`, `changed its Suite|changed its Codename|is of another suite`},
		{`unexpected size|Hash Sum mismatch`, `the content is another`},
		{`EXPKEYSIG|is not live`, `expired at`},
		{`NO_PUBKEY|Missing key|No good signature from required signer`, `not in the keyring`},
		{`has been manipulated|BADSIG`, `the text was altered`},
		{`provides only weak security information\.`, `weak hashes alone`},
		{`NOSPLIT|NODATA`, `not signed|malformed`},
		{`does not have a Release file|no longer has a Release file`, `cannot be had|not signed`},
	}
	for _, row := range rows {
		if s.anyMessage(`^[EW]: .*(`+row.apt+`)`) && !regexp.MustCompile(row.kiln).MatchString(err.Error()) {
			t.Errorf("%s: kiln refuses for another reason than apt: %v\n%s", s.name(), err, strings.Join(s.Messages, "\n"))
		}
	}
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

// replayAll replays each source of a scene. dir is where its files are put.
func (c *corpus) replayAll(t *testing.T, server *apttest.Server, st *store.Store, s scene, dir string) error {
	t.Helper()
	c.write(t, s, dir)
	server.Update(c.trees[s.Tree])
	var err error
	for _, src := range parseSources(s.Sources) {
		address := server.URL
		if strings.HasPrefix(src.uri, "file:") {
			address = "file://" + dir
		}
		err = errors.Join(err, c.replay(t, st, s, src, address))
	}
	return err
}

// replay does what a lock would do with the scene's source.
func (c *corpus) replay(t *testing.T, st *store.Store, s scene, src source, address string) error {
	now, err := strconv.ParseInt(s.Now.String(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	client := &Client{Store: st, Now: time.Unix(now, 0), Retry: patience.Policy{Attempts: 1}}
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
func (c *corpus) write(t *testing.T, s scene, dir string) {
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
		case name == "trusted.gpg" && strings.Contains(strings.Join(s.Argv, " "), "trusted=trusted.gpg"):
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
