package apt_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/apt/apttest"
	"kiln/internal/listing"
)

// indexed is a bench with the one index that it reads.
type indexed struct {
	*bench
	t  *testing.T
	ix apt.Index
}

func newIndexed(t *testing.T, suite apttest.Suite) indexed {
	t.Helper()
	b := newBench(t, suite)
	rel, err := b.client.Release(context.Background(), b.pocket)
	if err != nil {
		t.Fatal(err)
	}
	indexes, err := b.client.Indexes(context.Background(), b.pocket, rel, "amd64")
	if err != nil || len(indexes) != 1 {
		t.Fatalf("%d indexes, %v", len(indexes), err)
	}
	return indexed{b, t, indexes[0]}
}

func (b indexed) names() string {
	b.t.Helper()
	list, err := b.client.Packages(context.Background(), b.pocket, b.ix)
	if err != nil {
		b.t.Fatal(err)
	}
	return names(packagesOf(list))
}

// results lists what the store holds of actions.
func (b indexed) results() []string {
	b.t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(b.client.Store.Dir(), "results"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return files
}

// forget removes all blobs: what is read from now on is read from a listing.
func (b indexed) forget() {
	b.t.Helper()
	if err := os.RemoveAll(filepath.Join(b.client.Store.Dir(), "blobs")); err != nil {
		b.t.Fatal(err)
	}
	b.Fail("*", apttest.Fault{Status: 500})
}

const honestNames = "alpha:amd64 docs:all large:amd64"

func TestIndexIsParsedOnce(t *testing.T) {
	b := newIndexed(t, honest())
	if got := b.names(); got != honestNames {
		t.Fatal(got)
	}
	b.forget()
	if got := b.names(); got != honestNames {
		t.Errorf("from the listing: %s", got)
	}
	b.ix = apt.Index{Component: "main", Architecture: "amd64", Path: b.ix.Path, Digest: b.ix.Digest, Size: b.ix.Size}
	if got := b.names(); got != honestNames {
		t.Errorf("from the listing, as a lock has the index: %s", got)
	}
	b.ix.Path = strings.TrimSuffix(b.ix.Path, ".xz") + ".gz"
	if _, err := b.client.Packages(context.Background(), b.pocket, b.ix); err == nil {
		t.Error("a listing serves for an index of another form")
	}
}

// What is not a listing, or not the one of this index, is thrown away and made anew.
func TestListingIsMadeAnew(t *testing.T) {
	other, err := listing.Build(nil, listing.Text{Digest: kiln.DigestOf(nil)})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]func(b indexed, path string, key kiln.Digest) error{
		"a bit is wrong": func(b indexed, path string, _ kiln.Digest) error {
			return rewrite(path, func(c []byte) []byte { c[len(c)/2] ^= 1; return c })
		},
		"half is lost": func(b indexed, path string, _ kiln.Digest) error {
			return rewrite(path, func(c []byte) []byte { return c[:len(c)/2] })
		},
		"empty": func(b indexed, path string, _ kiln.Digest) error {
			return rewrite(path, func([]byte) []byte { return nil })
		},
		"sealed, but no listing": func(b indexed, _ string, key kiln.Digest) error {
			return b.client.Store.SetResult(key, []byte("kiln listing 0\n"))
		},
		"sealed, but cut off": func(b indexed, _ string, key kiln.Digest) error {
			return b.client.Store.SetResult(key, other[:len(other)-1])
		},
		"of another text": func(b indexed, _ string, key kiln.Digest) error { return b.client.Store.SetResult(key, other) },
	}
	for name, harm := range rows {
		t.Run(name, func(t *testing.T) {
			b := newIndexed(t, honest())
			b.names()
			files := b.results()
			if len(files) != 1 {
				t.Fatalf("results: %q", files)
			}
			key, err := kiln.DigestFromHex(filepath.Base(files[0]))
			if err != nil {
				t.Fatal(err)
			}
			if err := harm(b, files[0], key); err != nil {
				t.Fatal(err)
			}
			if got := b.names(); got != honestNames {
				t.Errorf("after the harm: %s", got)
			}
			b.forget()
			if got := b.names(); got != honestNames {
				t.Errorf("from the new listing: %s", got)
			}
		})
	}
}

func rewrite(path string, change func([]byte) []byte) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, change(content), 0o444)
}

func TestRefusedIndexLeavesNoListing(t *testing.T) {
	suite := honest()
	suite.Compress = []string{""}
	b := newIndexed(t, suite)
	b.ix.Path += ".gz" // which its bytes are not
	if _, err := b.client.Packages(context.Background(), b.pocket, b.ix); err == nil {
		t.Fatal("plain text was read as gzip")
	}
	if files := b.results(); files != nil {
		t.Errorf("results: %q", files)
	}
}
