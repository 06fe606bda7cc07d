package tree_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"kiln"
	"kiln/internal/tree"
)

// Short makers of entries: mode, owner and time are the plainest.

func dir(p string) tree.Entry { return tree.Entry{Path: p, Type: tree.Dir, Mode: 0o755} }

func file(p, content string) tree.Entry {
	return tree.Entry{Path: p, Type: tree.File, Mode: 0o644, Size: int64(len(content)), Content: kiln.DigestOf([]byte(content))}
}

func symlink(p, target string) tree.Entry {
	return tree.Entry{Path: p, Type: tree.Symlink, Mode: 0o777, Link: target}
}

func hard(p, target, content string) tree.Entry {
	e := file(p, content)
	e.Hard, e.Link = true, target
	return e
}

func of(t *testing.T, entries ...tree.Entry) *tree.Tree {
	t.Helper()
	tr, err := tree.Of(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func wantDump(t *testing.T, tr *tree.Tree, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, tr.Dump()); diff != "" {
		t.Errorf("tree differs (-want +got):\n%s", diff)
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestPathsAreListedRootFirstThenByByte(t *testing.T) {
	tr := of(t, file("a/b", ""), dir("a"), file("-", ""), file("a-b", ""), symlink("a.b", "x"))
	want := []string{".", "-", "a", "a-b", "a.b", "a/b"}
	if diff := cmp.Diff(want, tr.Paths()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"-", "a", "a-b", "a.b"}, tr.Children(".")); diff != "" {
		t.Error(diff)
	}
}

func TestInsertReplacesAndMerges(t *testing.T) {
	tr := of(t, dir("d"), file("d/x", "old"), symlink("l", "d"))
	private := dir("d")
	private.Mode = 0o700
	for _, e := range []tree.Entry{private, file("d/x", "new"), file("l", "1")} {
		if err := tr.Insert(e); err != nil {
			t.Fatal(err)
		}
	}
	wantDump(t, tr, "/d d 0700 @0", "/d/x f 0644 @0 3B 11507a0e2f5e", "/l f 0644 @0 1B 6b86b273ff34")
}

func TestInsertRefuses(t *testing.T) {
	device := file("x", "1")
	device.Major = 3
	nameless := file("x", "")
	nameless.Xattrs = map[string]string{"a=b": ""}
	for _, row := range []struct {
		summary string
		entry   tree.Entry
		want    string
	}{
		{"no parent", file("no/x", ""), `look up /no: file does not exist`},
		{"parent is a link", file("link/x", ""), `"/link" is a symbolic link, not a directory`},
		{"parent is a file", file("file/x", ""), `"/file" is a file, not a directory`},
		{"file on a full directory", file("d", ""), "a directory that is not empty is there"},
		{"directory on a link", dir("link"), `"/link" is a symbolic link, not a directory`},
		{"hard link to nothing", hard("h", "no", ""), `target "/no" is not there`},
		{"hard link to a directory", hard("h", "d", ""), `target "/d" is a directory, not a file`},
		{"hard link to other content", hard("h", "file", "other"), "content differs"},
		{"hard link to itself", hard("h", "h", ""), `hard link to "h" is not clean`},
		{"hard link upwards", hard("h", "../x", ""), `holds ".."`},
		{"path upwards", file("../x", ""), `holds ".."`},
		{"path not clean", file("d//x", ""), `not clean (want "d/x")`},
		{"absolute path", file("/x", ""), "is absolute"},
		{"no path", file("", ""), "is empty"},
		{"root is a file", file(".", ""), "the root is not a directory"},
		{"content of a directory", tree.Entry{Path: "x", Type: tree.Dir, Size: 1}, "has content"},
		{"target of a directory", tree.Entry{Path: "x", Type: tree.Dir, Link: "y"}, "has a link target"},
		{"target of a file", tree.Entry{Path: "x", Type: tree.File, Content: file("", "").Content, Link: "y"}, "no hard link has a link target"},
		{"no digest", tree.Entry{Path: "x", Type: tree.File}, "not a digest"},
		{"size without content", tree.Entry{Path: "x", Type: tree.File, Size: 3, Content: file("", "").Content}, "does not go with content"},
		{"device number of a file", device, "has a device number"},
		{"no type", tree.Entry{Path: "x"}, "unknown type"},
		{"empty target", symlink("x", ""), "bad link target"},
		{"mode with a type", tree.Entry{Path: "x", Type: tree.Dir, Mode: 0o40755}, "bits other than permissions"},
		{"negative owner", tree.Entry{Path: "x", Type: tree.Dir, UID: -1}, "owner -1:0 is out of range"},
		{"attribute with =", nameless, `bad name of an extended attribute: "a=b"`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			tr := of(t, dir("d"), file("d/x", ""), symlink("link", "d"), file("file", ""))
			before := tr.Digest()
			wantError(t, tr.Insert(row.entry), row.want)
			if tr.Digest() != before {
				t.Error("the refused entry changed the tree")
			}
		})
	}
}

func TestHardLinksNameTheFirstInOrder(t *testing.T) {
	tr := of(t, file("m", "1"), hard("z", "m", "1"), hard("b", "m", "1"))
	wantDump(t, tr,
		"/b f 0644 @0 1B 6b86b273ff34",
		"/m f 0644 @0 1B 6b86b273ff34 = /b",
		"/z f 0644 @0 1B 6b86b273ff34 = /b")

	if !tr.Remove("b") {
		t.Error("b was not there")
	}
	wantDump(t, tr, "/m f 0644 @0 1B 6b86b273ff34", "/z f 0644 @0 1B 6b86b273ff34 = /m")

	if err := tr.Insert(file("m", "2")); err != nil {
		t.Fatal(err)
	}
	wantDump(t, tr, "/m f 0644 @0 1B d4735e3a265e", "/z f 0644 @0 1B 6b86b273ff34")
	if names := tr.Names("z"); len(names) != 1 {
		t.Errorf("names of z: %q", names)
	}
}

func TestHardLinkTakesTheInode(t *testing.T) {
	first := file("a", "1")
	first.Mode, first.UID, first.ModTime = 0o4755, 7, 99
	tr := of(t, first, hard("b", "a", "1"))
	wantDump(t, tr, "/a f 4755 7:0 @99 1B 6b86b273ff34", "/b f 4755 7:0 @99 1B 6b86b273ff34 = /a")
}

func TestRemoveTakesTheSubtree(t *testing.T) {
	tr := of(t, dir("d"), dir("d/e"), file("d/e/f", "1"), hard("g", "d/e/f", "1"))
	if tr.Remove("nothing") {
		t.Error("removed nothing")
	}
	tr.Remove("d")
	wantDump(t, tr, "/g f 0644 @0 1B 6b86b273ff34")
	tr.Remove(".")
	if tr.Len() != 1 {
		t.Errorf("%d entries left", tr.Len())
	}
}

func TestResolve(t *testing.T) {
	tr := of(t,
		dir("usr"), dir("usr/bin"), file("usr/bin/dash", "#"), symlink("usr/bin/sh", "dash"),
		symlink("bin", "usr/bin"), symlink("abs", "/bin/sh"), symlink("up", "../../../usr"),
		symlink("usr/bin/back", "../../abs"), symlink("self", "self"), symlink("a", "b"), symlink("b", "a"),
		symlink("dangling", "gone/x"), symlink("root", "/"))
	for _, row := range []struct{ path, resolve, locate string }{
		{"/", ".", "."},
		{"bin/sh", "usr/bin/dash", "usr/bin/sh"},
		{"/abs", "usr/bin/dash", "abs"},
		{"up/bin/back", "usr/bin/dash", "usr/bin/back"},
		{"root/root/up/../bin", "usr/bin", "bin"},
		{"./bin//../bin/sh", "usr/bin/dash", "usr/bin/sh"},
		{"self", "error: too many symbolic links", "self"},
		{"a/x", "error: too many symbolic links", "error: too many symbolic links"},
		{"bin/sh/x", "error: \"/usr/bin/dash\" is a file, not a directory", "error: \"/usr/bin/dash\" is a file, not a directory"},
		{"dangling", "error: look up /gone/x", "dangling"},
		{"bin/new/er", "error: look up /usr/bin/new/er", "usr/bin/new/er"},
		{"up/../../..", ".", "."},
	} {
		check := func(what string, got string, err error, want string) {
			t.Helper()
			if text, ok := strings.CutPrefix(want, "error: "); ok {
				wantError(t, err, text)
			} else if err != nil || got != want {
				t.Errorf("%s(%q) = %q, %v; want %q", what, row.path, got, err, want)
			}
		}
		got, err := tr.Resolve(row.path)
		check("Resolve", got, err, row.resolve)
		got, err = tr.Locate(row.path)
		check("Locate", got, err, row.locate)
	}
	if got, err := tr.ResolveInside("usr/bin/back"); err != nil || got != "usr/bin/dash" {
		t.Errorf("ResolveInside = %q, %v", got, err)
	}
	_, err := tr.ResolveInside("up")
	wantError(t, err, "leads out of the tree")
	if _, err := tr.Resolve("gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v is not fs.ErrNotExist", err)
	}
}

func TestResolveFollowsFortyLinks(t *testing.T) {
	entries := []tree.Entry{dir("0")}
	for i := 1; i <= 41; i++ {
		entries = append(entries, symlink(fmt.Sprint(i), fmt.Sprint(i-1)))
	}
	tr := of(t, entries...)
	if got, err := tr.Resolve("40"); err != nil || got != "0" {
		t.Errorf("Resolve(40) = %q, %v", got, err)
	}
	_, err := tr.Resolve("41")
	wantError(t, err, "too many symbolic links")
}

func TestMergeAppliesLayersInOrder(t *testing.T) {
	base := tree.Layer{Name: "base", Members: []tree.Member{
		{Name: "directories", Entries: []tree.Entry{dir("."), dir("etc")}},
		{Name: "p_1_all", Entries: []tree.Entry{file("etc/a", "1"), file("etc/b", "1")}}}}
	app := tree.Layer{Name: "app", Members: []tree.Member{{Name: "kiln", Entries: []tree.Entry{file("etc/a", "2")}}}}
	tr, err := tree.Merge(base, app)
	if err != nil {
		t.Fatal(err)
	}
	wantDump(t, tr, "/etc d 0755 @0", "/etc/a f 0644 @0 1B d4735e3a265e", "/etc/b f 0644 @0 1B 6b86b273ff34")

	_, err = tree.Merge(app, base)
	wantError(t, err, `layer "app", member "kiln": cannot put "/etc/a" into the tree`)
}

// upper is a layer that removes paths and adds entries.
func upper(removed []string, entries ...tree.Entry) tree.Layer {
	return tree.Layer{Name: "upper", Removed: removed, Members: []tree.Member{{Name: "all", Entries: entries}}}
}

func TestApplyRemovesFirst(t *testing.T) {
	for _, row := range []struct {
		summary string
		layer   tree.Layer
		want    []string
	}{
		{"a file", upper([]string{"f"}), []string{"/d d 0755 @0", "/d/e d 0755 @0", "/d/e/x f 0644 @0 1B 6b86b273ff34", "/h f 0644 @0 1B 6b86b273ff34 = /d/e/x", "/l l 0777 @0 -> d"}},
		{"a directory with all below it", upper([]string{"d"}), []string{"/f f 0644 @0 0B e3b0c44298fc", "/h f 0644 @0 1B 6b86b273ff34", "/l l 0777 @0 -> d"}},
		{"a link, not what it points at", upper([]string{"l"}), []string{"/d d 0755 @0", "/d/e d 0755 @0", "/d/e/x f 0644 @0 1B 6b86b273ff34", "/f f 0644 @0 0B e3b0c44298fc", "/h f 0644 @0 1B 6b86b273ff34 = /d/e/x"}},
		{"several, and a new entry", upper([]string{"d/e", "f", "h"}, file("d/n", "")), []string{"/d d 0755 @0", "/d/n f 0644 @0 0B e3b0c44298fc", "/l l 0777 @0 -> d"}},
		{"a file becomes a directory", upper([]string{"d", "f", "h", "l"}, dir("f"), file("f/n", "")), []string{"/f d 0755 @0", "/f/n f 0644 @0 0B e3b0c44298fc"}},
		{"a link becomes a directory", upper([]string{"d", "f", "h", "l"}, dir("l"), file("l/n", "")), []string{"/l d 0755 @0", "/l/n f 0644 @0 0B e3b0c44298fc"}},
		{"a directory becomes a link", upper([]string{"d", "f", "h", "l"}, symlink("d", "x")), []string{"/d l 0777 @0 -> x"}},
		{"a directory becomes a file", upper([]string{"d", "f", "h", "l"}, file("d", "")), []string{"/d f 0644 @0 0B e3b0c44298fc"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			tr := of(t, dir("d"), dir("d/e"), file("d/e/x", "1"), file("f", ""), hard("h", "d/e/x", "1"), symlink("l", "d"))
			if err := tr.Apply(row.layer); err != nil {
				t.Fatal(err)
			}
			wantDump(t, tr, row.want...)
		})
	}
}

func TestApplyRefusesRemovals(t *testing.T) {
	for _, row := range []struct {
		summary string
		layer   tree.Layer
		want    string
	}{
		{"not there", upper([]string{"no"}), `layer "upper": cannot take "/no" away: look up /no: file does not exist`},
		{"gone with its directory", upper([]string{"d", "d/x"}), `cannot take "/d/x" away: look up /d/x: file does not exist`},
		{"through a link", upper([]string{"l/x"}), `cannot take "/l/x" away: look up /l/x: file does not exist`},
		{"twice", upper([]string{"f", "f"}), `cannot take "/f" away: it comes after "/f", and want sorted paths, once each`},
		{"not sorted", upper([]string{"f", "d"}), `cannot take "/d" away: it comes after "/f"`},
		{"the root", upper([]string{"."}), `cannot take "." away: want a clean path below the root`},
		{"not clean", upper([]string{"d/"}), `cannot take "d/" away: want a clean path below the root`},
		{"absolute", upper([]string{"/f"}), `cannot take a path away: the path "/f" is absolute`},
		{"upwards", upper([]string{"../f"}), `holds ".."`},
		{"a file that is replaced", upper([]string{"f"}, file("f", "2")), `cannot take "/f" away: member "all" puts a file there again, which replaces it`},
		{"a file that a link replaces", upper([]string{"f"}, symlink("f", "d")), `member "all" puts a symbolic link there again, which replaces it`},
		{"a directory that stays one", upper([]string{"d"}, dir("d")), `cannot take "/d" away: member "all" puts a directory there again, which replaces it`},
		{"an entry below what is gone", upper([]string{"d"}, file("d/y", "")), `cannot put "/d/y" into the tree`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			tr := of(t, dir("d"), file("d/x", ""), file("f", "1"), symlink("l", "d"))
			wantError(t, tr.Apply(row.layer), row.want)
		})
	}
	err := of(t).Apply(upper([]string{"no"}))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v is not fs.ErrNotExist", err)
	}
}

func TestDiff(t *testing.T) {
	a := of(t, file("a", "1"), file("b", "1"), dir("d"), symlink("l", "x"))
	changed := file("b", "2")
	changed.Mode = 0o600
	b := of(t, changed, dir("d"), symlink("l", "y"), file("z", ""))
	var got []string
	for _, c := range tree.Diff(a, b) {
		got = append(got, c.String())
	}
	want := []string{
		"- /a f 0644 @0 1B 6b86b273ff34",
		"~ /b (mode, content)\n  was /b f 0644 @0 1B 6b86b273ff34\n  is  /b f 0600 @0 1B d4735e3a265e",
		"~ /l (link)\n  was /l l 0777 @0 -> x\n  is  /l l 0777 @0 -> y",
		"+ /z f 0644 @0 0B e3b0c44298fc",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestListing(t *testing.T) {
	odd := file("with space=%\n", "1")
	odd.Xattrs = map[string]string{"user.b": "\x00\xff", "security.capability": "x"}
	null := tree.Entry{Path: "null", Type: tree.CharDev, Mode: 0o666, Major: 1, Minor: 3}
	link := symlink("l", "größe")
	link.Mode = 0o755
	tr := of(t, file("a", "1"), hard("b", "a", "1"), odd, null, link)
	const one = "content=sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
	want := "kiln-tree 1\n" +
		"/ type=d mode=0755 uid=0 gid=0 mtime=0\n" +
		"/a type=f mode=0644 uid=0 gid=0 mtime=0 size=1 " + one + "\n" +
		"/b type=f mode=0644 uid=0 gid=0 mtime=0 size=1 " + one + " hard=/a\n" +
		"/l type=l mode=0777 uid=0 gid=0 mtime=0 link=gr%C3%B6%C3%9Fe\n" +
		"/null type=c mode=0666 uid=0 gid=0 mtime=0 device=1,3\n" +
		"/with%20space%3D%25%0A type=f mode=0644 uid=0 gid=0 mtime=0 size=1 " + one +
		" xattr.security.capability=78 xattr.user.b=00ff\n"
	if diff := cmp.Diff(want, string(tr.Listing())); diff != "" {
		t.Error(diff)
	}
	origin := file("a", "1")
	origin.Origin = tree.Origin{Package: "p", Why: "because"}
	if of(t, origin).Digest() != of(t, file("a", "1")).Digest() {
		t.Error("the tree digest covers the origin")
	}
}

func TestClone(t *testing.T) {
	a := of(t, dir("d"), file("d/x", "1"), hard("y", "d/x", "1"))
	b := a.Clone()
	b.Remove("d")
	if err := b.Insert(file("n", "")); err != nil {
		t.Fatal(err)
	}
	wantDump(t, a, "/d d 0755 @0", "/d/x f 0644 @0 1B 6b86b273ff34", "/y f 0644 @0 1B 6b86b273ff34 = /d/x")
	wantDump(t, b, "/n f 0644 @0 0B e3b0c44298fc", "/y f 0644 @0 1B 6b86b273ff34")
}

// Paths tells what is there, sorted, whatever came and went since it told last.
func TestPathsAfterChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr, want := tree.New(), map[string]bool{".": true}
		for i := range rapid.IntRange(0, 60).Draw(rt, "before") {
			p := fmt.Sprintf("p%02d", i)
			if err := tr.Insert(tree.Entry{Path: p, Type: tree.Dir, Mode: 0o755}); err != nil {
				rt.Fatal(err)
			}
			want[p] = true
		}
		for range rapid.IntRange(0, 30).Draw(rt, "changes") {
			p := fmt.Sprintf("p%02d", rapid.IntRange(0, 70).Draw(rt, "path"))
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				tr.Remove(p)
				delete(want, p)
			case 1:
				if err := tr.Insert(tree.Entry{Path: p, Type: tree.Dir, Mode: 0o755}); err != nil {
					rt.Fatal(err)
				}
				want[p] = true
			case 2:
				tr = tr.Clone()
			case 3:
				if got := tr.Paths(); !slices.Equal(got, slices.SortedFunc(maps.Keys(want), tree.Compare)) {
					rt.Fatalf("got %q, want %v", got, want)
				}
			}
		}
		if got := tr.Paths(); !slices.Equal(got, slices.SortedFunc(maps.Keys(want), tree.Compare)) {
			rt.Fatalf("got %q, want %v", got, want)
		}
	})
}

// A directory of many names forgets and takes back any of them.
func TestManyNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := tree.New()
		there := map[string]bool{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			name := fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "name"))
			if rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				if tr.Remove(name) != there[name] {
					t.Fatalf("%s: it was there: %v", name, there[name])
				}
				delete(there, name)
				continue
			}
			if err := tr.Insert(file(name, "x")); err != nil {
				t.Fatal(err)
			}
			there[name] = true
		}
		want := slices.Sorted(maps.Keys(there))
		if diff := cmp.Diff(want, tr.CloneSized(3).Children("."), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("children (-want +got):\n%s", diff)
		}
		if got := tr.Paths()[1:]; !slices.Equal(got, want) {
			t.Errorf("paths %q, want %q", got, want)
		}
	})
}

// Whatever the other tree holds, the paths are this one's, sorted.
func TestSortLike(t *testing.T) {
	of := func(paths ...string) *tree.Tree {
		made := tree.New()
		for _, p := range paths {
			if err := made.Insert(tree.Entry{Path: p, Type: tree.Dir, Mode: 0o755}); err != nil {
				t.Fatal(err)
			}
		}
		return made
	}
	mine := []string{"c", "a", "b", "c/d", "a/z", "a-b"}
	for _, other := range [][]string{nil, {"a"}, {"a", "b", "c", "c/d"}, {"b", "x", "a", "a/z", "x/y", "a-b", "c", "c/d"}, {"x"}} {
		got, want := of(mine...), []string{".", "a", "a-b", "a/z", "b", "c", "c/d"}
		got.Remove("b")
		got.SortLike(of(other...))
		want = slices.DeleteFunc(want, func(p string) bool { return p == "b" })
		if diff := cmp.Diff(want, got.Paths()); diff != "" {
			t.Errorf("like %q (-want +got):\n%s", other, diff)
		}
		if err := got.Insert(tree.Entry{Path: "b", Type: tree.Dir, Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(of(mine...).Paths(), got.Paths()); diff != "" {
			t.Errorf("like %q, and one more (-want +got):\n%s", other, diff)
		}
	}
}

// Pairs meets each path of either tree once, in order, with what each has there.
func TestPairs(t *testing.T) {
	a := of(t, dir("d"), file("d/x", "1"), file("d-", "2"), file("y", "3"))
	b := of(t, dir("d"), file("d/x", "4"), file("z", "5"), file("a", "6"))
	var got []string
	for x, y := range tree.Pairs(a, b) {
		line := ""
		for _, e := range []*tree.Entry{x, y} {
			if e == nil {
				line += "- "
			} else {
				line += fmt.Sprintf("%s %c ", e.Path, e.Type)
			}
		}
		got = append(got, line)
	}
	want := []string{". d . d ", "- a f ", "d d d d ", "d- f - ", "d/x f d/x f ", "y f - ", "- z f "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
	for range tree.Pairs(a, b) {
		break // as soon as that is asked
	}
}

// What takes a path's place is there in the same order, once, and gone with the path.
func TestReplacedEntries(t *testing.T) {
	tr := of(t, dir("d"), file("d/x", "1"), hard("y", "d/x", "1"))
	tr.Settle()
	for _, e := range []tree.Entry{file("d/x", "2"), dir("y2"), file("y2", "3")} {
		if err := tr.Insert(e); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := tr.Paths(), []string{".", "d", "d/x", "y", "y2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := tr.Names("y"); !slices.Equal(got, []string{"y"}) {
		t.Errorf("the names of the other link are %q", got)
	}
	tr.Remove("d/x")
	if err := tr.Insert(dir("d/x")); err != nil {
		t.Fatal(err)
	}
	if got, want := tr.Paths(), []string{".", "d", "d/x", "y", "y2"}; !slices.Equal(got, want) {
		t.Errorf("after it came again: got %q, want %q", got, want)
	}
}
