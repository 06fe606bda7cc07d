package drills_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

// Nothing that the scripts of the parity sets' packages make or change is taken for
// a secret; and of all their files, read as if nobody had signed for them, those that
// are have a reason in testdata/secrets.txt.
func TestNoFalseAlarms(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), allParitySets())
	search := func(args ...string) (paths []string) {
		cmd := exec.Command(kilnBinary(t), append([]string{"secrets", "--json", "--store", sharedStore(t)}, args...)...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil && cmd.ProcessState.ExitCode() != 3 {
			t.Fatal(err)
		}
		var found struct {
			Secrets []struct{ Path, Rule, Masked string }
		}
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatal(err)
		}
		for _, s := range found.Secrets {
			paths = append(paths, s.Path)
		}
		return paths
	}
	if found := search(); found != nil {
		t.Errorf("a build would stop for %q", found)
	}
	all := search("--all")
	if len(all) == 0 {
		t.Error("nothing is found in packages that test their own cryptography: that is no test")
	}
	explained := explainedSecrets(t)
	for _, path := range all {
		if !slices.ContainsFunc(explained, func(p string) bool { return doublestar.MatchUnvalidated(p, strings.TrimPrefix(path, "/")) }) {
			t.Errorf("%s has no reason in testdata/secrets.txt", path)
		}
	}
	t.Logf("%d findings, all explained", len(all))
}

func explainedSecrets(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for line := range strings.Lines(string(data)) {
		pattern, why, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pattern == "" || pattern == "#" {
			continue
		}
		if strings.TrimSpace(why) == "" {
			t.Errorf("testdata/secrets.txt: %q has no reason", pattern)
		}
		patterns = append(patterns, pattern)
	}
	return patterns
}
