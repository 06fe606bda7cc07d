package rootfs_test

import (
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
)

// What the upper layer's drop leaves out where the layer below has the path, too: it
// is not in the image, while the drop of one package leaves what another one has.
func TestDropOverLowerLayers(t *testing.T) {
	data := []debtest.Entry{{Path: "srv/d/x", Content: "up"}, {Path: "srv/d/own", Content: "up"}}
	globs := func(paths ...string) (all []recipe.Glob) {
		for _, p := range paths {
			all = append(all, recipe.Glob{Path: p, Why: "test"})
		}
		return all
	}
	for _, row := range []struct {
		summary  string
		up       debtest.Spec
		app      recipe.Layer
		packages []string // its drop of the package
		want     string   // below /srv/d
		removed  string
		list     string // of low, below /srv/d
	}{
		{summary: "it replaces", up: debtest.Spec{Fields: []string{"Replaces: low"}, Entries: data}, want: "own=up x=up y=low", list: "y"},
		{summary: "what replaces is dropped", up: debtest.Spec{Fields: []string{"Replaces: low"}, Entries: data}, app: recipe.Layer{Drop: globs("/srv/d/x")}, want: "own=up y=low", removed: "srv/d/x", list: "y"},
		{summary: "what would stand there twice is dropped", up: debtest.Spec{Entries: data}, app: recipe.Layer{Drop: globs("/srv/d/x")}, want: "own=up y=low", removed: "srv/d/x", list: "y"},
		{summary: "the package's own drop", up: debtest.Spec{Fields: []string{"Replaces: low"}, Entries: data}, packages: []string{"/srv/d/x"}, want: "own=up x=low y=low", list: "x y"},
		{summary: "folders stay", up: debtest.Spec{Fields: []string{"Replaces: low"}, Entries: data}, app: recipe.Layer{Drop: globs("/srv/**")}, want: "y=low", removed: "srv/d/x", list: "y"},
		{summary: "but for what is kept", up: debtest.Spec{Fields: []string{"Replaces: low"}, Entries: data}, app: recipe.Layer{Drop: globs("/srv/**"), Keep: globs("/srv/d/x")}, want: "x=up y=low", list: "y"},
		{summary: "a file of the recipe in its place", up: debtest.Spec{Entries: data}, app: recipe.Layer{Drop: globs("/srv/d/x"), Files: []recipe.File{{Path: "/srv/d/x", Content: text("mine"), Why: "test"}}}, want: "own=up x=mine y=low", list: "y"},
		{summary: "a script's change", up: debtest.Spec{Scripts: postinst("echo more >> /srv/d/x")}, app: recipe.Layer{Drop: globs("/srv/d/x")}, want: "y=low", removed: "srv/d/x", list: "y"},
		{summary: "a script's new file", up: debtest.Spec{Scripts: postinst("rm /srv/d/x; echo new > /srv/d/x")}, app: recipe.Layer{Drop: globs("/srv/d/x")}, want: "y=low", removed: "srv/d/x", list: "y"},
		{summary: "a script removes it", up: debtest.Spec{Fields: []string{"Replaces: low"}, Entries: data, Scripts: postinst("rm /srv/d/x")}, app: recipe.Layer{Drop: globs("/srv/d/x")}, want: "own=up y=low", removed: "srv/d/x", list: "y"},
		{summary: "a script makes a folder of it", up: debtest.Spec{Scripts: postinst("rm /srv/d/x; mkdir /srv/d/x; echo f > /srv/d/x/f")}, app: recipe.Layer{Drop: globs("/srv/d/x/**")}, want: "y=low", removed: "srv/d/x", list: "x y"},
		{summary: "diverted before", up: debtest.Spec{Entries: data, Scripts: preinst("dpkg-divert --quiet --package up --rename --add /srv/d/x")}, app: recipe.Layer{Drop: globs("/srv/d/x")}, want: "own=up x.distrib=low y=low", removed: "srv/d/x", list: "y"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			row.app.Name, row.app.Packages = "app", wants("up")
			row.app.Packages[0].Drop = row.packages
			b := newBench(t, &recipe.Recipe{Layers: []recipe.Layer{{Name: "base", Packages: wants("low")}, row.app}})
			b.add(debtest.Spec{Name: "low", Entries: []debtest.Entry{{Path: "srv/d/x", Content: "low"}, {Path: "srv/d/y", Content: "low"}}})
			row.up.Name = "up"
			b.add(row.up)
			img := b.whole()
			var got []string
			for _, p := range img.Tree.Children("srv/d") {
				got = append(got, strings.TrimPrefix(p, "srv/d/")+"="+content(t, img, p))
			}
			if strings.Join(got, " ") != row.want {
				t.Errorf("the image has %q, want %q", got, row.want)
			}
			if got := strings.Join(img.Layers[1].Removed, " "); got != row.removed {
				t.Errorf("the layer removes %q, want %q", got, row.removed)
			}
			var list []string
			for line := range strings.Lines(content(t, img, "var/lib/dpkg/info/low.list")) {
				if name, ok := strings.CutPrefix(strings.TrimSpace(line), "/srv/d/"); ok {
					list = append(list, name)
				}
			}
			if strings.Join(list, " ") != row.list {
				t.Errorf("low.list has %q, want %q", list, row.list)
			}
		})
	}
}

// Two architectures of a package share a file: the drop of one leaves that of the other.
func TestDropOfASharedFile(t *testing.T) {
	b := newBench(t, &recipe.Recipe{Layers: []recipe.Layer{
		{Name: "base", Packages: wants("lib")},
		{Name: "app", Packages: wants("lib:i386"), Drop: []recipe.Glob{{Path: "/usr/share/lib/**", Why: "test"}}},
	}})
	for _, arch := range []string{"amd64", "i386"} {
		b.add(debtest.Spec{Name: "lib", Architecture: arch, Fields: []string{"Multi-Arch: same"}, Entries: []debtest.Entry{{Path: "usr/lib/" + arch + ".so", Content: arch}, {Path: "usr/share/lib/data", Content: "same"}}})
	}
	img := b.whole()
	if got := content(t, img, "usr/share/lib/data"); got != "same" || len(img.Layers[1].Removed) > 0 {
		t.Errorf("content %q, removed %q", got, img.Layers[1].Removed)
	}
}

// A pattern of which only layers below have something is an error, as any that leaves
// nothing out.
func TestDropOfALowerLayerAlone(t *testing.T) {
	b := newBench(t, &recipe.Recipe{Layers: []recipe.Layer{
		{Name: "base", Packages: wants("low")}, {Name: "app", Packages: wants("up"), Drop: []recipe.Glob{{Path: "/srv/x", Why: "test"}}},
	}})
	b.add(debtest.Spec{Name: "low", Entries: []debtest.Entry{{Path: "srv/x", Content: "low"}}})
	b.add(debtest.Spec{Name: "up", Entries: []debtest.Entry{{Path: "srv/y", Content: "up"}}})
	b.fails(kiln.User, `"/srv/x" matches nothing`)
}
