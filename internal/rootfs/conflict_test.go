package rootfs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

func TestConflicts(t *testing.T) {
	file := func(path, content string) []debtest.Entry { return []debtest.Entry{{Path: path, Content: content}} }
	for _, row := range []struct {
		summary string
		a, b    debtest.Spec
		drop    string // of b
		owner   string // package that makes usr/x; empty for an error
		want    []string
	}{
		{
			summary: "two files",
			a:       debtest.Spec{Entries: file("usr/x", "a")}, b: debtest.Spec{Entries: file("usr/x", "b")},
			want: []string{`"/usr/x": the package "a" and the package "b"`, "Replaces", `- a: {why: ..., drop: ["/usr/x"]}`, `- b: {why: ..., drop: ["/usr/x"]}`},
		},
		{
			summary: "the same content is no excuse",
			a:       debtest.Spec{Entries: file("usr/x", "a")}, b: debtest.Spec{Entries: file("usr/x", "a")},
			want: []string{`"/usr/x"`},
		},
		{
			summary: "through the merged /usr",
			a:       debtest.Spec{Entries: file("bin/x", "a")}, b: debtest.Spec{Entries: file("usr/bin/x", "b")},
			want: []string{`"/usr/bin/x": the package "a" and the package "b"`},
		},
		{
			summary: "file and directory",
			a:       debtest.Spec{Entries: file("usr/x", "a")}, b: debtest.Spec{Fields: []string{"Replaces: a"}, Entries: []debtest.Entry{{Path: "usr/x/"}}},
			want: []string{`"/usr/x"`, "the first ships a file, the second a directory"},
		},
		{
			summary: "file below a file",
			a:       debtest.Spec{Entries: file("usr/x", "a")}, b: debtest.Spec{Bare: true, Entries: file("usr/x/y", "b")},
			want: []string{`below "/usr/x", which is a file of the package "a"`},
		},
		{summary: "the later replaces", a: debtest.Spec{Entries: file("usr/x", "a")}, b: debtest.Spec{Fields: []string{"Replaces: q, a (<< 2)"}, Entries: file("usr/x", "b")}, owner: "b"},
		{summary: "the earlier replaces", a: debtest.Spec{Fields: []string{"Replaces: b"}, Entries: file("usr/x", "a")}, b: debtest.Spec{Entries: file("usr/x", "b")}, owner: "a"},
		{
			summary: "replaces another version",
			a:       debtest.Spec{Version: "2", Entries: file("usr/x", "a")}, b: debtest.Spec{Fields: []string{"Replaces: a (<< 2)"}, Entries: file("usr/x", "b")},
			want: []string{`"/usr/x"`},
		},
		{summary: "one is dropped", a: debtest.Spec{Entries: file("usr/x", "a")}, b: debtest.Spec{Entries: file("usr/x", "b")}, drop: "/usr/x", owner: "a"},
		{summary: "one is dropped, as shipped elsewhere", a: debtest.Spec{Entries: file("usr/bin/x", "a")}, b: debtest.Spec{Entries: file("bin/x", "b")}, drop: "/usr/bin/x", owner: "a"},
		{summary: "both by a rule", a: debtest.Spec{Entries: file("usr/share/man/x", "a")}, b: debtest.Spec{Entries: file("usr/share/man/x", "b")}, owner: "none"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("a", "b")
			if row.drop != "" {
				r.Layers[0].Packages[1].Drop = []string{row.drop}
			}
			b := newBench(t, r)
			row.a.Name, row.b.Name = "a", "b"
			b.add(row.a)
			b.add(row.b)
			if row.owner == "" {
				code := kiln.User
				if row.summary == "file below a file" {
					code = kiln.Refused
				}
				b.fails(code, row.want...)
				return
			}
			owners := "none"
			for e := range b.assemble().Tree.All() {
				if strings.HasSuffix(e.Path, "/x") {
					owners = e.Origin.Package
				}
			}
			if owners != row.owner {
				t.Errorf("x is of %q, want %q", owners, row.owner)
			}
		})
	}
}

func TestReplacedFileLeavesTheList(t *testing.T) {
	b := newBench(t, oneLayer("a", "b"))
	b.add(debtest.Spec{Name: "a", Entries: []debtest.Entry{{Path: "usr/first", Content: "1"}, {Path: "usr/second", Type: 'h', Link: "usr/first"}, {Path: "usr/third", Type: 'h', Link: "usr/first"}}})
	b.add(debtest.Spec{Name: "b", Fields: []string{"Replaces: a"}, Entries: []debtest.Entry{{Path: "usr/first", Content: "2"}}})
	img := b.assemble()
	if got := content(t, img, "var/lib/dpkg/info/a.list"); got != "/.\n/usr\n/usr/second\n/usr/third\n" {
		t.Errorf("list %q", got)
	}
	e, _ := img.Tree.Lookup("usr/third")
	if !e.Hard || e.Link != "usr/second" || content(t, img, "usr/third") != "1" {
		t.Errorf("the hard link is %v", e)
	}
}

func TestReplacesAcrossLayersLeavesTheLowerLayer(t *testing.T) {
	r := &recipe.Recipe{Layers: []recipe.Layer{{Name: "base", Packages: wants("a")}, {Name: "app", Packages: wants("b")}}}
	b := newBench(t, r)
	b.add(debtest.Spec{Name: "a", Entries: []debtest.Entry{{Path: "usr/x", Content: "1"}}})
	alone := layerDigests(t, func() *bench {
		c := newBench(t, oneLayer("a"))
		c.add(debtest.Spec{Name: "a", Entries: []debtest.Entry{{Path: "usr/x", Content: "1"}}})
		return c
	}().assemble())
	b.add(debtest.Spec{Name: "b", Fields: []string{"Replaces: a"}, Entries: []debtest.Entry{{Path: "usr/x", Content: "2"}}})
	img := b.assemble()
	if got := content(t, img, "usr/x"); got != "2" {
		t.Errorf("content %q", got)
	}
	if layerDigests(t, img)["base"] != alone["base"] {
		t.Error("the lower layer changed")
	}
}

func TestMultiArchSame(t *testing.T) {
	spec := func(arch, content string) debtest.Spec {
		return debtest.Spec{Name: "lib", Architecture: arch, Fields: []string{"Multi-Arch: same"}, Entries: []debtest.Entry{
			{Path: "usr/lib/" + arch + "/lib.so", Content: arch}, {Path: "usr/share/lib/data", Content: content},
		}}
	}
	r := oneLayer("lib", "lib:i386")
	b := newBench(t, r)
	b.add(spec("amd64", "same"))
	b.add(spec("i386", "same"))
	img := b.assemble()
	for _, name := range []string{"lib:amd64", "lib:i386"} {
		if got := content(t, img, "var/lib/dpkg/info/"+name+".list"); !strings.Contains(got, "/usr/share/lib/data\n") {
			t.Errorf("list of %s: %q", name, got)
		}
	}
	if got := content(t, img, "var/lib/dpkg/arch"); got != "amd64\ni386\n" {
		t.Errorf("arch %q", got)
	}

	b = newBench(t, r)
	b.add(spec("amd64", "one"))
	b.add(spec("i386", "other"))
	b.fails(kiln.User, `"/usr/share/lib/data": the package "lib:amd64" and the package "lib:i386"`)
}

func TestMergedUsr(t *testing.T) {
	find := func(b *bench) (string, tree.Entry) {
		img := b.assemble()
		e, _ := img.Tree.Lookup("bin")
		return paths(img), e
	}
	baseFiles := debtest.Spec{Name: "z-base-files", Bare: true, Entries: []debtest.Entry{
		{Path: "usr/"}, {Path: "usr/bin/"}, {Path: "usr/lib/"}, {Path: "usr/lib64/"}, {Path: "usr/sbin/"},
		{Path: "bin", Link: "usr/bin"}, {Path: "lib", Link: "usr/lib"}, {Path: "lib64", Link: "usr/lib64"}, {Path: "sbin", Link: "usr/sbin"}}}

	b := newBench(t, oneLayer("a", "z-base-files"))
	b.add(debtest.Spec{Name: "a", Entries: []debtest.Entry{{Path: "bin/a", Content: "a"}, {Path: "lib64/ld.so", Link: "/lib/x/ld.so"}}})
	b.add(baseFiles)
	got, link := find(b)
	if want := "/bin /lib /lib64 /sbin /usr /usr/bin /usr/bin/a /usr/lib /usr/lib64 /usr/lib64/ld.so /usr/sbin"; got != want {
		t.Errorf("paths %s\nwant  %s", got, want)
	}
	if link.Origin.Package != "z-base-files" {
		t.Errorf("bin is of %+v", link.Origin)
	}

	b = newBench(t, oneLayer("a"))
	b.add(debtest.Spec{Name: "a", Entries: []debtest.Entry{{Path: "bin/a", Content: "a"}}})
	if got, link = find(b); got != "/usr/bin/a" || link.Link != "usr/bin" || link.Origin.Rule != "merged-usr" {
		t.Errorf("paths %s, link %v %+v", got, link, link.Origin)
	}

	b = newBench(t, oneLayer("a"))
	b.in.Recipe.Rules.Off = []recipe.RuleOff{{Name: "merged-usr", Why: "test"}}
	b.add(debtest.Spec{Name: "a", Entries: []debtest.Entry{{Path: "bin/a", Content: "a"}}})
	if got, link = find(b); got != "/bin /bin/a" || link.Type != tree.Dir {
		t.Errorf("paths %s, %v", got, link)
	}
}

// covering is a recipe of two layers where "b" above replaces files of "a" below.
func covering(t *testing.T, replaced ...debtest.Entry) *bench {
	t.Helper()
	b := newBench(t, &recipe.Recipe{Layers: []recipe.Layer{{Name: "base", Packages: wants("a")}, {Name: "app", Packages: wants("b")}}})
	b.add(coveredPackage())
	b.add(debtest.Spec{Name: "b", Fields: []string{"Replaces: a"}, Entries: replaced})
	return b
}

func coveredPackage() debtest.Spec {
	return debtest.Spec{Name: "a", Conffiles: []string{"/etc/a.conf"}, Entries: []debtest.Entry{
		{Path: "etc/a.conf", Content: "a"}, {Path: "usr/x", Content: "1"}, {Path: "usr/y", Content: "1"},
	}}
}

// Where a later layer replaces a package's files, the last layer corrects what the
// whole database says of it: that is what dpkg would have written, had there been
// one layer. The layers below stay as they are.
func TestReplacesAcrossLayersIsInTheDatabase(t *testing.T) {
	c := newBench(t, oneLayer("a"))
	c.add(coveredPackage())
	alone := layerDigests(t, c.assemble())
	for _, row := range []struct {
		summary  string
		replaced []debtest.Entry
		list     string
		md5sums  string
		conf     string
		files    string // of the last layer
	}{
		{"one file", []debtest.Entry{{Path: "usr/x", Content: "2"}},
			"/.\n/etc\n/etc/a.conf\n/usr\n/usr/y\n", "c4ca4238a0b923820dcc509a6f75849b  usr/y\n", "/etc/a.conf\n", "a.conffiles a.list a.md5sums status"},
		{"all but the conffile", []debtest.Entry{{Path: "usr/x", Content: "2"}, {Path: "usr/y", Content: "2"}},
			"/.\n/etc\n/etc/a.conf\n/usr\n", "", "/etc/a.conf\n", "a.conffiles a.list a.md5sums status"},
		{"the conffile", []debtest.Entry{{Path: "etc/a.conf", Content: "2"}},
			"/.\n/etc\n/usr\n/usr/x\n/usr/y\n", "c4ca4238a0b923820dcc509a6f75849b  usr/x\nc4ca4238a0b923820dcc509a6f75849b  usr/y\n", "", "a.conffiles a.list a.md5sums status"},
		{"nothing", []debtest.Entry{{Path: "usr/z", Content: "2"}},
			"/.\n/etc\n/etc/a.conf\n/usr\n/usr/x\n/usr/y\n", "c4ca4238a0b923820dcc509a6f75849b  usr/x\nc4ca4238a0b923820dcc509a6f75849b  usr/y\n", "/etc/a.conf\n", "status"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			img := covering(t, row.replaced...).assemble()
			const info = "var/lib/dpkg/info/a."
			for name, want := range map[string]string{"list": row.list, "md5sums": row.md5sums, "conffiles": row.conf} {
				if diff := cmp.Diff(want, content(t, img, info+name)); diff != "" {
					t.Errorf("a.%s (-want +got):\n%s", name, diff)
				}
			}
			last := img.Layers[len(img.Layers)-1]
			var files []string
			for _, e := range last.Members[1].Entries {
				files = append(files, e.Path[strings.LastIndexByte(e.Path, '/')+1:])
			}
			if got := strings.Join(files, " "); last.Name != "dpkg" || got != row.files {
				t.Errorf("the layer %s holds %s, want %s", last.Name, got, row.files)
			}
			if layerDigests(t, img)["base"] != alone["base"] {
				t.Error("the lower layer changed")
			}
			one := newBench(t, oneLayer("a", "b"))
			one.add(coveredPackage())
			one.add(debtest.Spec{Name: "b", Fields: []string{"Replaces: a"}, Entries: row.replaced})
			if diff := cmp.Diff(content(t, one.assemble(), "var/lib/dpkg/status"), content(t, img, "var/lib/dpkg/status")); diff != "" {
				t.Errorf("status with one layer and with two:\n%s", diff)
			}
		})
	}
}
