package apttest_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

func TestSameInputSameBytes(t *testing.T) {
	suite := apttest.Suite{Name: "trixie", Compress: []string{"", "gz", "xz", "zst"}, Packages: []apttest.Package{
		{Spec: debtest.Spec{Name: "a"}}, {Component: "contrib", Spec: debtest.Spec{Name: "b", Architecture: "amd64"}},
	}, Components: []string{"main", "contrib"}}
	one, two := apttest.New(suite), apttest.New(suite)
	for _, name := range slices.Sorted(maps.Keys(one)) {
		if diff := cmp.Diff(string(one[name]), string(two[name])); diff != "" {
			t.Errorf("%s differs:\n%s", name, diff)
		}
	}
	if len(one) != len(two) {
		t.Errorf("%d files, then %d", len(one), len(two))
	}
}

func TestKeysAreByName(t *testing.T) {
	a, b := apttest.NewKey("a", apttest.KeyOptions{}), apttest.NewKey("b", apttest.KeyOptions{})
	if a.Fingerprint() == b.Fingerprint() {
		t.Error("two names, one key")
	}
	if a.Fingerprint() != apttest.NewKey("a", apttest.KeyOptions{}).Fingerprint() {
		t.Error("one name, two keys")
	}
}
