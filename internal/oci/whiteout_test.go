package oci_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// removing is two layers, the upper of which removes a file and a directory of
// the lower, and makes a directory of a file and of a link, a file and a link of a
// directory. All of it is below the folder a.
func removing(t testing.TB) sample {
	t.Helper()
	s := sample{contents: tree.Bytes{}}
	dir := func(p string) tree.Entry {
		return tree.Entry{Path: p, Type: tree.Dir, Mode: 0o755, ModTime: epoch}
	}
	file := func(p string) tree.Entry {
		return tree.Entry{Path: p, Type: tree.File, Mode: 0o644, ModTime: epoch, Size: int64(len(p)), Content: s.contents.Add([]byte(p))}
	}
	link := func(p, target string) tree.Entry {
		return tree.Entry{Path: p, Type: tree.Symlink, Mode: 0o777, ModTime: epoch, Link: target}
	}
	s.layers = []tree.Layer{
		{Name: "base", Epoch: epoch, Members: []tree.Member{
			{Name: "directories", Entries: []tree.Entry{
				dir("."), dir("a"), dir("a/dir-gone"), dir("a/dir-gone/deep"), dir("a/dir-kept"), dir("a/dir-to-file"), dir("a/dir-to-link"),
			}},
			{Name: "p_1_all", Entries: []tree.Entry{
				file("a/dir-gone/deep/x"), file("a/dir-kept/gone"), file("a/dir-kept/kept"), file("a/dir-to-file/x"), file("a/dir-to-link/x"),
				file("a/gone"), file("a/kept"), link("a/link-gone", "kept"), link("a/link-to-dir", "dir-kept"), file("a/to-dir"),
			}},
		}},
		{Name: "app", Epoch: epoch - 3, Removed: []string{
			"a/dir-gone", "a/dir-kept/gone", "a/dir-to-file", "a/dir-to-link", "a/gone", "a/link-gone", "a/link-to-dir", "a/to-dir",
		}, Members: []tree.Member{
			{Name: "directories", Entries: []tree.Entry{dir("."), dir("a"), dir("a/dir-kept"), dir("a/link-to-dir"), dir("a/to-dir")}},
			{Name: "q_1_all", Entries: []tree.Entry{
				file("a/dir-to-file"), link("a/dir-to-link", "dir-kept"), file("a/link-to-dir/new"), file("a/to-dir/new"),
			}},
		}},
	}
	var err error
	if s.tree, err = tree.Merge(s.layers...); err != nil {
		t.Fatal(err)
	}
	return s
}

// afterRemoving is what is left below a, as list has it.
func afterRemoving() []string {
	return []string{
		"a/", "a/dir-kept/", "a/dir-kept/kept", "a/dir-to-file", "a/dir-to-link -> dir-kept", "a/kept",
		"a/link-to-dir/", "a/link-to-dir/new", "a/to-dir/", "a/to-dir/new",
	}
}

// list reads the names of a tar, links with their targets.
func list(t testing.TB, r io.Reader) []string {
	t.Helper()
	var names []string
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Linkname != "" {
			h.Name += " -> " + h.Linkname
		}
		names = append(names, h.Name)
	}
}

func layerTar(t *testing.T, st *store.Store, l oci.Layer) []byte {
	t.Helper()
	blob := layerBlob(t, st, l)
	return expand(t, oci.Gzip, blob)
}

func TestWhiteouts(t *testing.T) {
	st, s := openStore(t), removing(t)
	l := build(t, st, s, oci.Gzip)[1]
	b := layerTar(t, st, l)
	want := []string{
		"./", "a/", "a/dir-kept/", "a/link-to-dir/", "a/to-dir/",
		"a/.wh.dir-gone", "a/dir-kept/.wh.gone", "a/.wh.gone", "a/.wh.link-gone",
		"a/dir-to-file", "a/dir-to-link -> dir-kept", "a/link-to-dir/new", "a/to-dir/new",
	}
	if diff := cmp.Diff(want, list(t, bytes.NewReader(b))); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if l.Entries != len(want) || l.DiffID != kiln.DigestOf(b) {
		t.Errorf("%+v does not describe the blob", l)
	}
	seen := 0
	for tr := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(h.Name, ".wh.") {
			continue
		}
		seen++
		got := fmt.Sprint(h.Typeflag == tar.TypeReg, h.Size, h.Mode, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime.Unix(), len(h.PAXRecords))
		if want := fmt.Sprint(true, 0, 0o600, 0, 0, "", "", int64(epoch-3), 0); got != want {
			t.Errorf("%s: %s, want %s", h.Name, got, want)
		}
	}
	if seen != 4 {
		t.Errorf("%d whiteouts, want 4", seen)
	}
}

// What a layer removes is part of its bytes and of its action key: each row
// gives another layer, out of one store.
func TestRemovalsMakeOtherLayers(t *testing.T) {
	st, s := openStore(t), removing(t)
	seen := map[kiln.Digest]string{}
	for _, row := range []struct {
		removed []string
		epoch   kiln.Epoch
	}{
		{nil, epoch},
		{nil, epoch - 1}, // without whiteouts the epoch is in no header
		{[]string{"a/gone"}, epoch},
		{[]string{"a/gone"}, epoch - 1},
		{[]string{"a/kept"}, epoch},
		{[]string{"a/gone", "a/kept"}, epoch},
		{[]string{"a/dir-kept/gone"}, epoch},
	} {
		l := s.layers[1]
		l.Removed, l.Epoch = row.removed, row.epoch
		built, err := oci.BuildLayer(t.Context(), st, l, s.contents, oci.LayerOptions{Compression: oci.Gzip})
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint(row)
		other, again := seen[built.Digest]
		if want := row.removed == nil && row.epoch != epoch; again != want {
			t.Errorf("%s: the same layer as %q: %v, want %v", name, other, again, want)
		}
		seen[built.Digest] = name
		fresh, err := oci.BuildLayer(t.Context(), openStore(t), l, s.contents, oci.LayerOptions{Compression: oci.Gzip})
		if diff := cmp.Diff(built, fresh, cmpopts.IgnoreUnexported(oci.Layer{})); err != nil || diff != "" {
			t.Errorf("%s: from an empty store %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// A path that turns into a directory, or from one, leaves no mark beside its
// entry: the entry replaces it.
func TestReplacedPathsHaveNoWhiteout(t *testing.T) {
	st, s := openStore(t), removing(t)
	l := s.layers[1]
	l.Removed = []string{"a/dir-to-file", "a/dir-to-link", "a/link-to-dir", "a/to-dir"}
	got, err := oci.BuildLayer(t.Context(), st, l, s.contents, oci.LayerOptions{Compression: oci.Gzip})
	if err != nil {
		t.Fatal(err)
	}
	l.Removed = nil
	want, err := oci.BuildLayer(t.Context(), openStore(t), l, s.contents, oci.LayerOptions{Compression: oci.Gzip})
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(oci.Layer{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestWhiteoutsNeedTheirDirectories(t *testing.T) {
	dirs := func(paths ...string) []tree.Member {
		m := tree.Member{Name: "directories"}
		for _, p := range paths {
			m.Entries = append(m.Entries, tree.Entry{Path: p, Type: tree.Dir, Mode: 0o755})
		}
		return []tree.Member{m}
	}
	for name, row := range map[string]struct {
		members []tree.Member
		want    string
	}{
		"none":     {nil, `bug: the layer "l" removes "/a/b/c", and its directories do not hold "/a/b"`},
		"parent":   {dirs(".", "a"), `do not hold "/a/b"`},
		"above it": {dirs(".", "a/b"), `do not hold "/a"`},
		"root":     {dirs("a", "a/b"), `do not hold "/"`},
		"too late": {append([]tree.Member{{Name: "p", Entries: nil}}, dirs(".", "a", "a/b")...), `do not hold "/a/b"`},
	} {
		_, err := oci.BuildLayer(t.Context(), openStore(t), tree.Layer{Name: "l", Removed: []string{"a/b/c"}, Members: row.members}, nil, oci.LayerOptions{Compression: oci.Gzip})
		if err == nil || !strings.Contains(err.Error(), row.want) || kiln.CodeOf(err) != kiln.Bug {
			t.Errorf("%s: error %v, want a bug with %q", name, err, row.want)
		}
	}
	if _, err := oci.BuildLayer(t.Context(), openStore(t), tree.Layer{Name: "l", Removed: []string{"a/b/c"}, Members: dirs(".", "a", "a/b")}, nil, oci.LayerOptions{Compression: oci.Gzip}); err != nil {
		t.Error(err)
	}
}

// The outputs that have no layers show what is left.
func TestRemovedPathsAreInNoFlatOutput(t *testing.T) {
	s := removing(t)
	file := filepath.Join(t.TempDir(), "root.tar")
	if err := oci.WriteTar(t.Context(), openStore(t), s.tree.Digest(), rootOf(s), file, nil); err != nil {
		t.Fatal(err)
	}
	_, names := readTar(t, file)
	want := append([]string{"./"}, afterRemoving()...)
	for i := range want {
		want[i], _, _ = strings.Cut(want[i], " -> ")
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	dir := filepath.Join(t.TempDir(), "root")
	if err := oci.WriteFolder(t.Context(), s.tree, s.contents, dir, oci.FolderOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(afterRemoving(), listFolder(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
}

// listFolder is list of what is below a in a folder.
func listFolder(t *testing.T, root string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(filepath.Join(root, "a"), func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, root+"/")
		switch {
		case e.IsDir():
			name += "/"
		case e.Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			name += " -> " + target
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
