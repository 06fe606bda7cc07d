package rootfs_test

import (
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
)

// A name that would remove files from the layers below cannot come from a package,
// nor from the recipe; once it is dropped, the rest of the package is fine.
func TestWhiteoutsOfPackages(t *testing.T) {
	for _, row := range []struct {
		summary string
		entry   debtest.Entry
		path    string
	}{
		{"a file", debtest.Entry{Path: "usr/.wh.bin", Content: "x"}, "/usr/.wh.bin"},
		{"an opaque mark", debtest.Entry{Path: "etc/.wh..wh..opq"}, "/etc/.wh..wh..opq"},
		{"the bare prefix", debtest.Entry{Path: "etc/.wh."}, "/etc/.wh."},
		{"in the root", debtest.Entry{Path: ".wh.etc"}, "/.wh.etc"},
		{"a link", debtest.Entry{Path: "usr/.wh.bin", Link: "x"}, "/usr/.wh.bin"},
		{"a hard link", debtest.Entry{Path: "usr/.wh.bin", Type: 'h', Link: "usr/good"}, "/usr/.wh.bin"},
		{"an empty directory", debtest.Entry{Path: "usr/.wh.lib/"}, "/usr/.wh.lib"},
		{"below a directory that does not stand there", debtest.Entry{Path: "./usr/.wh.lib/x", Verbatim: true, Content: "x"}, "/usr/.wh.lib/x"},
		{"a directory on the way", debtest.Entry{Path: "usr/.wh.lib/x/y", Content: "x"}, "/usr/.wh.lib"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			b := newBench(t, r)
			b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "usr/good", Content: "g"}, row.entry}})
			b.fails(kiln.Refused, `cannot make "`+row.path+`" of the package "pkg"`, `".wh."`, `- pkg: {why: ..., drop: ["`+row.path+`"]}`)
			r.Layers[0].Packages[0].Drop = []string{row.path}
			if row.summary == "a directory on the way" { // what is below it is needed no less
				b.fails(kiln.Refused, `cannot make "/usr/.wh.lib/x"`, `drop: ["/usr/.wh.lib/x"]`)
				r.Layers[0].Packages[0].Drop = []string{row.path, row.path + "/**"}
			}
			if got := paths(b.assemble()); got != "/usr /usr/good" && got != "/etc /usr /usr/good" {
				t.Errorf("the rest is %s", got)
			}
		})
	}
}

func TestWhiteoutsOfTheRecipe(t *testing.T) {
	for _, row := range []struct {
		summary string
		file    recipe.File
		path    string
	}{
		{"content", recipe.File{Path: "/etc/.wh.passwd", Content: text("")}, "/etc/.wh.passwd"},
		{"link", recipe.File{Path: "/.wh.etc", Link: "x"}, "/.wh.etc"},
		{"directory", recipe.File{Path: "/.wh..wh..opq", Directory: true}, "/.wh..wh..opq"},
		{"below such a directory", recipe.File{Path: "/srv/.wh.x/y", Content: text("")}, "/srv/.wh.x/y"},
		{"a file of the host", recipe.File{Path: "/srv/.wh.x", From: "good"}, "/srv/.wh.x"},
		{"in a folder of the host", recipe.File{Path: "/srv", From: "folder"}, "/srv/.wh.x"},
		{"far down in a folder of the host", recipe.File{Path: "/srv", From: "deep"}, "/srv/a/.wh.b"},
		{"a folder of the host", recipe.File{Path: "/srv/.wh.d", From: "folder/ok"}, "/srv/.wh.d"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			row.file.Why = "test"
			r.Layers[0].Files = []recipe.File{row.file}
			b := newBench(t, r)
			b.folder(map[string]string{"good": "g", "folder/.wh.x": "", "folder/ok/y": "", "deep/a/.wh.b/c": ""})
			b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "usr/good", Content: "g"}}})
			b.fails(kiln.User, `cannot make "`+row.path+`"`, `layers[base].files[0]`, `".wh."`)
		})
	}
}

// Only the beginning of a name counts.
func TestNamesThatAreNoWhiteouts(t *testing.T) {
	b := newBench(t, oneLayer("pkg"))
	b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "srv/.wh", Content: "1"}, {Path: "srv/a.wh.b", Content: "1"}, {Path: "srv/..wh.x", Content: "1"}}})
	if got := paths(b.assemble()); got != "/srv /srv/..wh.x /srv/.wh /srv/a.wh.b" {
		t.Errorf("paths %s", got)
	}
}
