package tree_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/tree"
)

// everyKind is a tree that has something in each word of a listing.
func everyKind(t testing.TB) *tree.Tree {
	t.Helper()
	m := tree.Bytes{}
	text := m.Add([]byte("text\n"))
	all, err := tree.Of(
		tree.Entry{Path: ".", Type: tree.Dir, Mode: 0o755, ModTime: 7},
		tree.Entry{Path: "a b%=é", Type: tree.Dir, Mode: 0o1777, UID: 3, GID: 4, ModTime: -5, Origin: tree.Origin{Package: "p", Script: "p.postinst:3"}},
		tree.Entry{Path: "bin", Type: tree.Symlink, Mode: 0o777, Link: "usr/b in"},
		tree.Entry{Path: "empty", Type: tree.File, Mode: 0o600, Content: tree.Bytes{}.Add(nil)},
		tree.Entry{Path: "null", Type: tree.CharDev, Mode: 0o666, Major: 1, Minor: 3, Origin: tree.Origin{Package: "p", Script: "p.postinst:3"}},
		tree.Entry{Path: "one", Type: tree.File, Mode: 0o4755, Size: 5, Content: text, Xattrs: map[string]string{"security.capability": "\x01\x00", "user.a b": ""}, Origin: tree.Origin{Recipe: "layers[app].files[0]", Why: "it"}},
		tree.Entry{Path: "pipe", Type: tree.Fifo, Mode: 0o600},
		tree.Entry{Path: "two", Type: tree.File, Mode: 0o4755, Size: 5, Content: text, Link: "one", Hard: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestListingReadsBack(t *testing.T) {
	want := everyKind(t)
	got, err := tree.ParseListing(want.Listing())
	if err != nil {
		t.Fatal(err)
	}
	origins, err := want.Origins()
	if err != nil {
		t.Fatal(err)
	}
	if err := got.SetOrigins(origins); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Entries(), got.Entries()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := got.Origins()
	if err != nil || !bytes.Equal(again, origins) {
		t.Errorf("origins %s, want %s, %v", again, origins, err)
	}
}

// Any other text is refused: what is checked against a listing must not have two meanings.
func TestOtherListingsAreRefused(t *testing.T) {
	text := string(everyKind(t).Listing())
	for _, row := range []struct{ summary, old, new, want string }{
		{"another version", "kiln-tree 1", "kiln-tree 2", "it is no listing of a tree"},
		{"no newline at the end", "\x00", "", "canonical"},
		{"an unknown word", " uid=3", " uid=3 owner=me", "no such word"},
		{"a word without a value", " uid=3", " uid", "is not NAME=VALUE"},
		{"a mode of other digits", "mode=1777", "mode=1779", "invalid syntax"},
		{"a mode of three digits", "mode=0600 uid=0 gid=0 mtime=0 size", "mode=600 uid=0 gid=0 mtime=0 size", "canonical"},
		{"an escape in small letters", "%C3", "%c3", "canonical"},
		{"an escape that ends early", "a%20b", "a%2", "invalid byte"},
		{"a path twice", "/empty ", "/bin ", "canonical"},
		{"another order", "/empty ", "/aempty ", "canonical"},
		{"a file without content", " content=sha256:", " xattr.sha256=", "not a digest"},
		{"a type that is none", "type=p", "type=q", "unknown type"},
		{"a path that leads out", "/empty ", "/../empty ", `holds ".."`},
		{"a hard link to nothing", "hard=/one", "hard=/nothing", "is not there"},
	} {
		changed := strings.Replace(text, row.old, row.new, 1)
		if row.old == "\x00" {
			changed = strings.TrimSuffix(text, "\n")
		}
		if changed == text {
			t.Fatalf("%s: nothing to change", row.summary)
		}
		if _, err := tree.ParseListing([]byte(changed)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, want %q", row.summary, err, row.want)
		}
	}
	for _, bad := range []string{"", "{}", `{"origins":[],"entries":[]}`, `{"origins":[{}],"entries":[0,0,0,0,0,0,0,1]}`, `{"origins":[{}],"entries":[0,0,0,0,0,0,0,-1]}`} {
		if err := everyKind(t).SetOrigins([]byte(bad)); err == nil {
			t.Errorf("the origins %q are taken", bad)
		}
	}
}

func FuzzParseListing(f *testing.F) {
	f.Add(everyKind(f).Listing())
	f.Add([]byte("kiln-tree 1\n/ type=d mode=0755 uid=0 gid=0 mtime=0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := tree.ParseListing(text)
		if err == nil && !bytes.Equal(got.Listing(), text) {
			t.Errorf("%q lists as %q", text, got.Listing())
		}
	})
}
