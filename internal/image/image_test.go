package image_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// shown is a tree as lines of path, type and what stands there.
func shown(img *image.Image) []string {
	var lines []string
	for e := range img.Tree.All() {
		line := tree.Absolute(e.Path) + " " + e.Type.String()
		switch {
		case e.Hard:
			line += " = " + tree.Absolute(e.Link)
		case e.Type == tree.Symlink:
			line += " " + e.Link
		case e.Type == tree.File:
			line += fmt.Sprintf(" %d", e.Size)
		}
		lines = append(lines, line)
	}
	return lines[1:]
}

// Layers are applied as layer.md says.
func TestLayers(t *testing.T) {
	link := func(name, to string) member { return member{name: name, kind: '2', link: to} }
	hard := func(name, to string) member { return member{name: name, kind: '1', link: to} }
	of := func(m ...member) []member { return m }
	for _, row := range []struct {
		summary string
		layers  [][]member
		want    []string
	}{
		{"a file is replaced", [][]member{of(member{name: "a", content: "1"}), of(member{name: "a", content: "22"})}, []string{"/a f 2"}},
		{"a whiteout", [][]member{of(member{name: "d/"}, member{name: "d/a"}, member{name: "d/b"}), of(member{name: "d/.wh.a"})}, []string{"/d d", "/d/b f 0"}},
		{"a whiteout of a folder", [][]member{of(member{name: "d/"}, member{name: "d/a"}), of(member{name: ".wh.d"})}, nil},
		{"a whiteout of what is not there", [][]member{of(member{name: "a"}), of(member{name: "x/y/.wh.b"})}, []string{"/a f 0"}},
		{"a whiteout spares its own layer", [][]member{of(member{name: "a"}), of(member{name: "a", content: "new"}, member{name: ".wh.a"})}, []string{"/a f 3"}},
		{"an opaque folder", [][]member{of(member{name: "d/"}, member{name: "d/a"}, member{name: "d/e/"}, member{name: "d/e/f"}),
			of(member{name: "d/"}, member{name: "d/b"}, member{name: "d/.wh..wh..opq"})}, []string{"/d d", "/d/b f 0"}},
		{"an opaque folder in place of a file", [][]member{of(member{name: "d"}), of(member{name: "d/"}, member{name: "d/.wh..wh..opq"}, member{name: "d/.wh.x"}, member{name: "d/e/.wh.y"}, member{name: "d/b"})},
			[]string{"/d d", "/d/b f 0"}},
		{"an opaque folder in place of a link", [][]member{of(member{name: "to/"}, member{name: "to/a"}, link("d", "to")), of(member{name: "d/.wh..wh..opq"}, member{name: "d/.wh.a"}, member{name: "d/"}, member{name: "d/b"})},
			[]string{"/d d", "/d/b f 0", "/to d", "/to/a f 0"}},
		{"notes of aufs", [][]member{of(member{name: ".wh..wh.aufs"}, member{name: ".wh..wh.plnk/"}, member{name: "a"})}, []string{"/a f 0"}},
		{"a folder in place of a file", [][]member{of(member{name: "a"}), of(member{name: "a/"}, member{name: "a/b"})}, []string{"/a d", "/a/b f 0"}},
		{"a file in place of a folder", [][]member{of(member{name: "a/"}, member{name: "a/b"}), of(member{name: "a"})}, []string{"/a f 0"}},
		{"a folder merges", [][]member{of(member{name: "a/"}, member{name: "a/b"}), of(member{name: "a/"}, member{name: "a/c"})}, []string{"/a d", "/a/b f 0", "/a/c f 0"}},
		{"missing folders are made", [][]member{of(member{name: "a/b/c"})}, []string{"/a d", "/a/b d", "/a/b/c f 0"}},
		{"through a link", [][]member{of(member{name: "usr/lib/"}, link("lib", "usr/lib")), of(member{name: "lib/a"})}, []string{"/lib l usr/lib", "/usr d", "/usr/lib d", "/usr/lib/a f 0"}},
		{"a whiteout through a link", [][]member{of(member{name: "usr/lib/"}, member{name: "usr/lib/a"}, link("lib", "/usr/lib")), of(member{name: "lib/.wh.a"})}, []string{"/lib l /usr/lib", "/usr d", "/usr/lib d"}},
		{"a link that leads above the root stays inside", [][]member{of(link("up", "../../../tmp"), member{name: "up/a"})}, []string{"/tmp d", "/tmp/a f 0", "/up l ../../../tmp"}},
		{"a link is replaced, not followed", [][]member{of(link("a", "/etc/passwd")), of(member{name: "a", content: "1"})}, []string{"/a f 1"}},
		{"hard links", [][]member{of(member{name: "b", content: "1"}, hard("a", "b"))}, []string{"/a f 1", "/b f = /a"}},
		{"a hard link to a layer below", [][]member{of(member{name: "b", content: "1"}), of(hard("c", "b"))}, []string{"/b f 1", "/c f = /b"}},
		{"a hard link to a link", [][]member{of(link("b", "x"), hard("a", "b"))}, []string{"/a l x", "/b l x"}},
		{"names with a leading slash", [][]member{of(member{name: "/a/"}, member{name: "/a/b"}, hard("/a/c", "/a/b"))}, []string{"/a d", "/a/b f 0", "/a/c f = /a/b"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			var layers [][]byte
			for _, l := range row.layers {
				layers = append(layers, tarOf(t, l...))
			}
			img, err := readLayers(t, layers...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]string{}, row.want...), append([]string{}, shown(img)...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What wants to leave the tree, or means more to a kernel than it says, is refused.
func TestHostileLayers(t *testing.T) {
	for _, row := range []struct {
		summary string
		members []member
		text    string
	}{
		{"above the root", []member{{name: "../x"}}, `holds ".."`},
		{"above the root in the middle", []member{{name: "a/../../x"}}, `holds ".."`},
		{"an absolute name above the root", []member{{name: "/../x"}}, `holds ".."`},
		{"a hard link above the root", []member{{name: "x", kind: '1', link: "../../etc/passwd"}}, `holds ".."`},
		{"a hard link to nothing", []member{{name: "x", kind: '1', link: "/etc/passwd"}}, "is no earlier entry"},
		{"a hard link to a folder", []member{{name: "d/"}, {name: "x", kind: '1', link: "d"}}, "is a folder"},
		{"a hard link that takes away its target", []member{{name: "d/"}, {name: "d/x"}, {name: "d", kind: '1', link: "d/x"}}, "its target was below it"},
		{"below a file", []member{{name: "a"}, {name: "a/b"}}, "not a directory"},
		{"a loop of links", []member{{name: "a", kind: '2', link: "b"}, {name: "b", kind: '2', link: "a"}, {name: "a/x"}}, "too many symbolic links"},
		{"a whiteout of the folder above", []member{{name: "a/"}, {name: "a/.wh..."}}, "it names no file"},
		{"a whiteout of its folder", []member{{name: "a/"}, {name: "a/.wh.."}}, "it names no file"},
		{"a whiteout of nothing", []member{{name: ".wh."}}, "it names no file"},
		{"overlayfs's whiteout", []member{{name: "a", kind: '3'}}, "overlayfs takes a file away"},
		{"overlayfs's attribute", []member{{name: "a/", xattrs: map[string]string{"trusted.overlay.opaque": "y"}}}, "overlayfs's own"},
		{"the root as a file", []member{{name: "./", kind: '2', link: "x"}}, "the root is not a folder"},
		{"an unknown type", []member{{name: "a", kind: 'Z'}}, "unknown type"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			_, err := readLayers(t, tarOf(t, row.members...))
			if err == nil || !strings.Contains(err.Error(), row.text) {
				t.Errorf("error %v, want %q", err, row.text)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	big := tarOf(t, member{name: "zero", content: strings.Repeat("\x00", 80<<20)})
	many := tarOf(t, member{name: "a"}, member{name: "b"}, member{name: "c"})
	for _, row := range []struct {
		summary string
		tar     []byte
		limits  image.Limits
		text    string
	}{
		{"ratio", big, image.Limits{Ratio: 50}, "decompression bomb"},
		{"size", big, image.Limits{Size: 1 << 20}, "decompression bomb"},
		{"entries", many, image.Limits{Entries: 2}, "too many entries"},
		{"names", many, image.Limits{Names: 2}, "take too much room"},
		{"none", many, image.Limits{}, ""},
	} {
		t.Run(row.summary, func(t *testing.T) {
			l := layout{}
			_, err := read(t, l.top(t, l.add(t, gz, nil, row.tar)).write(t, t.TempDir()), image.Options{Limits: row.limits})
			if row.text != "" {
				wantError(t, err, kiln.Refused, row.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// sampleTree has a bit of everything, among it what only some forms could lose.
func sampleTree(t *testing.T) (*tree.Tree, tree.Bytes) {
	t.Helper()
	c := tree.Bytes{}
	file := func(p, content string, mode uint32) tree.Entry {
		return tree.Entry{Path: p, Type: tree.File, Mode: mode, ModTime: 1700000000, Size: int64(len(content)), Content: c.Add([]byte(content))}
	}
	first := file("usr/a", "content", 0o4755)
	again := first
	again.Path, again.Hard, again.Link = "usr/b", true, "usr/a"
	tr, err := tree.Of(
		tree.Entry{Path: ".", Type: tree.Dir, Mode: 0o755, ModTime: 1700000001},
		tree.Entry{Path: "usr", Type: tree.Dir, Mode: 0o2755, ModTime: 1700000002},
		first, again, file("usr/empty", "", 0o600),
		tree.Entry{Path: "usr/link", Type: tree.Symlink, Mode: 0o777, Link: "../x", ModTime: 1700000003},
		tree.Entry{Path: "usr/pipe", Type: tree.Fifo, Mode: 0o640, ModTime: 1700000004},
	)
	if err != nil {
		t.Fatal(err)
	}
	return tr, c
}

// Each form of one tree gives the same tree, with its contents.
func TestForms(t *testing.T) {
	want, contents := sampleTree(t)
	var buf strings.Builder
	w := tree.NewTarWriter(&buf)
	for e := range want.All() {
		if err := w.Add(e, contents); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	root := []byte(buf.String())
	run := object{"User": "65532", "ExposedPorts": object{"80/tcp": object{}}, "Env": []string{"A=1"}}
	ofLayout := func(compress func([]byte) []byte) layout {
		l := layout{}
		return l.top(t, l.add(t, compress, run, root))
	}
	docker := layout{}
	docker.add(t, plain, run, root)
	for name, b := range maps.Clone(docker) { // into the other form's names
		if strings.Contains(string(b), "diff_ids") {
			docker[filepath.Base(name)+".json"] = b
			docker["manifest.json"] = fmt.Appendf(nil, `[{"Config":%q,"RepoTags":["web:1"],"Layers":["x/layer.tar"]}]`, filepath.Base(name)+".json")
		}
	}
	docker["x/layer.tar"] = root
	forms := map[string]string{
		"layout":                    ofLayout(gz).write(t, t.TempDir()),
		"layout in zstd":            ofLayout(zst).write(t, t.TempDir()),
		"layout, not compressed":    ofLayout(plain).write(t, t.TempDir()),
		"archive":                   save(t, "a.tar", ofLayout(gz).tar(t)),
		"compressed archive":        save(t, "a.tar", gz(ofLayout(zst).tar(t))),
		"docker archive":            save(t, "d.tar", docker.tar(t)),
		"docker archive by name":    "docker-archive:" + save(t, "d.tar", docker.tar(t)) + ":web:1",
		"compressed docker archive": save(t, "d.tar", zst(docker.tar(t))),
		"tar":                       save(t, "r.tar", root),
		"compressed tar":            "tar:" + save(t, "r.tar", gz(root)),
	}
	for name, ref := range forms {
		t.Run(name, func(t *testing.T) {
			img, err := read(t, ref, image.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if img.TreeDigest() != want.Digest() {
				t.Errorf("another tree:\n%v", tree.Diff(want, img.Tree))
			}
			e, _ := img.Tree.Lookup("usr/b")
			r, err := img.Contents().OpenContent(e.Content)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r); err != nil || string(b) != "content" {
				t.Errorf("content %q, %v", b, err)
			}
			if strings.HasSuffix(name, "tar") {
				return
			}
			if c := img.Config; c.User != "65532" || len(c.ExposedPorts) != 1 || c.Platform.String() != "linux/amd64" {
				t.Errorf("configuration %+v", c)
			}
		})
	}
}

// A folder gives the same tree where its owners could be set, and else says so.
func TestFolder(t *testing.T) {
	want, contents := sampleTree(t)
	dir := filepath.Join(t.TempDir(), "root")
	owners := os.Geteuid() == 0
	if err := oci.WriteFolder(context.Background(), want, contents, dir, oci.FolderOptions{Owners: owners}); err != nil {
		t.Fatal(err)
	}
	img, err := read(t, "folder:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if owners != (img.TreeDigest() == want.Digest()) || owners == img.Unowned {
		t.Errorf("as root %v: unowned %v, %v", owners, img.Unowned, tree.Diff(want, img.Tree))
	}
	for _, c := range tree.Diff(want, img.Tree) {
		if strings.Trim(strings.Join(c.Fields, " "), "ugid ") != "" {
			t.Errorf("another entry: %v", c)
		}
	}
}

// Every file of a layout of which one byte is another is refused, whichever it is.
func TestDamage(t *testing.T) {
	l := layout{}
	l.top(t, l.add(t, gz, nil, tarOf(t, member{name: "a", content: "1"}), tarOf(t, member{name: "b", content: "2"})))
	blobs := 0
	for name, b := range l {
		if !strings.HasPrefix(name, "blobs/") {
			continue
		}
		blobs++
		for _, at := range []int{0, len(b) / 2, len(b) - 1} {
			bad := maps.Clone(l)
			bad[name] = append([]byte{}, b...)
			bad[name][at] ^= 1
			_, err := read(t, bad.write(t, t.TempDir()), image.Options{})
			wantError(t, err, kiln.Refused, filepath.Base(name))
			_, err = read(t, save(t, "a.tar", bad.tar(t)), image.Options{})
			wantError(t, err, kiln.Refused, filepath.Base(name))
		}
		gone := maps.Clone(l)
		delete(gone, name)
		_, err := read(t, gone.write(t, t.TempDir()), image.Options{})
		wantError(t, err, kiln.Refused, "is missing in it")
	}
	if blobs != 4 {
		t.Errorf("%d blobs", blobs)
	}
}

// A layer whose bytes are as the manifest says, but not as the configuration does.
func TestWrongDiffID(t *testing.T) {
	l := layout{}
	a, b := tarOf(t, member{name: "a"}), tarOf(t, member{name: "b"})
	config := l.document(t, "", object{"rootfs": object{"diff_ids": []string{string(kiln.DigestOf(a))}}})
	m := l.document(t, "application/vnd.oci.image.manifest.v1+json", object{"config": config, "layers": []object{{"digest": l.blob(b), "size": len(b)}}})
	_, err := read(t, l.top(t, m).write(t, t.TempDir()), image.Options{})
	wantError(t, err, kiln.Refused, "and the configuration says")
}

// Of several images one is chosen by platform or name, and never by chance.
func TestChoice(t *testing.T) {
	l := layout{}
	one := l.add(t, plain, nil, tarOf(t, member{name: "one"}))
	two := l.add(t, plain, nil, tarOf(t, member{name: "two"}))
	attest := l.document(t, "application/vnd.oci.image.manifest.v1+json", object{"layers": []object{}})
	one["platform"], two["platform"] = object{"os": "linux", "architecture": "amd64"}, object{"os": "linux", "architecture": "arm64", "variant": "v8"}
	attest["platform"] = object{"os": "unknown", "architecture": "unknown"}
	both := l.document(t, "application/vnd.oci.image.index.v1+json", object{"manifests": []object{one, two, attest}})
	named := func(d object, name string) object {
		c := object{"annotations": object{"org.opencontainers.image.ref.name": name}}
		for k, v := range d {
			c[k] = v
		}
		return c
	}
	platforms := l.top(t, both).write(t, t.TempDir())
	delete(one, "platform")
	delete(two, "platform")
	names := l.top(t, named(one, "a"), named(two, "b")).write(t, t.TempDir())
	arm := kiln.Platform{OS: "linux", Architecture: "arm64"}
	for _, row := range []struct {
		ref  string
		o    image.Options
		want string
	}{
		{platforms, image.Options{Platform: arm}, "/two"},
		{platforms, image.Options{Native: arm}, "/two"},
		{platforms, image.Options{}, "it holds 2 images: linux/amd64, linux/arm64/v8"},
		{names + ":a", image.Options{}, "/one"},
		{"oci:" + names + ":b", image.Options{}, "/two"},
		{names, image.Options{Native: arm}, "it holds 2 images: a, b"},
		{names + ":c", image.Options{}, `no image in it is called "c"`},
	} {
		img, err := read(t, row.ref, row.o)
		if err != nil {
			wantError(t, err, kiln.User, row.want)
		} else if got := shown(img)[0]; !strings.HasPrefix(got, row.want+" ") {
			t.Errorf("%s: %s, want %s", row.ref, got, row.want)
		}
	}
}

func TestReferences(t *testing.T) {
	file := save(t, "with:colon.tar", nil)
	for _, row := range []struct {
		text string
		want image.Reference
	}{
		{"oci:x", image.Reference{Kind: image.Layout, Path: "x"}},
		{file, image.Reference{Path: file}},
		{"docker-archive:" + file + ":web:1", image.Reference{Kind: image.DockerArchive, Path: file, Name: "web:1"}},
		{"folder:a:b", image.Reference{Kind: image.Folder, Path: "a:b"}},
		{"other:x", image.Reference{Path: "other:x"}},
	} {
		if got := image.ParseReference(row.text); got != row.want || got.String() != row.text {
			t.Errorf("%q is %+v, %q", row.text, got, got)
		}
	}
	for ref, text := range map[string]string{
		"oci:" + file: "it is a file", "tar:" + t.TempDir(): "it is a folder", "/nowhere/at/all": "nothing is there", "oci:" + t.TempDir(): "is missing in it",
	} {
		if _, err := read(t, ref, image.Options{}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: error %v, want %q", ref, err, text)
		}
	}
}

// Only what is asked for is kept; the digests of the rest are known all the same.
func TestKeep(t *testing.T) {
	path := save(t, "r.tar", tarOf(t, member{name: "a", content: "1"}, member{name: "b", content: "2"}))
	img, err := read(t, path, image.Options{Keep: func(e tree.Entry) bool { return e.Path == "a" && e.Size == 1 }})
	if err != nil {
		t.Fatal(err)
	}
	for name, kept := range map[string]bool{"a": true, "b": false} {
		e, _ := img.Tree.Lookup(name)
		if _, err := img.Contents().OpenContent(e.Content); (err == nil) != kept {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	l := layout{}
	f.Add(l.top(f, l.add(f, gz, nil, tarOf(f, member{name: "d/"}, member{name: "d/a", content: "1"}), tarOf(f, member{name: "d/.wh.a"}))).tar(f))
	f.Add(tarOf(f, member{name: "a", kind: '2', link: "b"}, member{name: "a/b", kind: '1', link: "c"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		img, err := read(t, save(t, "x.tar", b), image.Options{Limits: image.Limits{Size: 1 << 22}})
		if err != nil {
			return
		}
		if _, err := tree.Of(img.Tree.Entries()...); err != nil {
			t.Errorf("it gave a tree that is none: %v", err)
		}
	})
}
