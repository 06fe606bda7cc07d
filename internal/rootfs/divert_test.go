package rootfs_test

import (
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
)

// Two packages with one path, of which one diverts the other's, in one layer and in
// two, in either order.
func TestDiversionsOfOtherPackages(t *testing.T) {
	real := debtest.Spec{Name: "real", Time: 10, Entries: []debtest.Entry{{Path: "usr/bin/tool", Mode: 0o755, Content: "real"}, {Path: "usr/real", Content: "r"}}}
	alike := real
	alike.Entries = []debtest.Entry{{Path: "usr/bin/tool", Mode: 0o755, Content: "wrapper"}}
	wrapper := func(preinst_ string) debtest.Spec {
		return debtest.Spec{Name: "wrapper", Time: 10, Scripts: preinst(preinst_), Entries: []debtest.Entry{{Path: "usr/bin/tool", Mode: 0o755, Content: "wrapper"}}}
	}
	const divert = "dpkg-divert --quiet --package wrapper --rename --add /usr/bin/tool --divert /usr/bin/tool.real"
	depends := func(s debtest.Spec, on string) debtest.Spec {
		s.Fields = []string{"Depends: " + on}
		return s
	}
	one := []recipe.Layer{{Name: "base", Packages: wants("real", "wrapper")}}
	for _, row := range []struct {
		summary       string
		layers        []recipe.Layer
		real, wrapper debtest.Spec
		moved         string
		fails         string
	}{
		{"in one layer, wrapper last", one, real, depends(wrapper(divert), "real"), "real", ""},
		{"in one layer, wrapper first", one, depends(real, "wrapper"), wrapper(divert), "real", ""},
		{"of the layer below", []recipe.Layer{{Name: "low", Packages: wants("real")}, {Name: "up", Packages: wants("wrapper")}}, real, wrapper(divert), "real", ""},
		{"of the layer above", []recipe.Layer{{Name: "low", Packages: wants("wrapper")}, {Name: "up", Packages: wants("real")}}, real, wrapper(divert), "real", ""},
		{"with one content", one, alike, depends(wrapper(divert), "real"), "wrapper", ""},
		{"not diverted", one, real, wrapper("true"), "", `"/usr/bin/tool": the package "real" and the package "wrapper"`},
		{"another path is diverted", one, real, wrapper("dpkg-divert --quiet --package wrapper --rename --add /usr/bin/other"), "", `1 path is wanted twice`},
		{"for another package", one, real, wrapper("dpkg-divert --quiet --package third --rename --add /usr/bin/tool"), "", `1 path is wanted twice`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t, &recipe.Recipe{Layers: row.layers})
			b.add(row.real)
			b.add(row.wrapper)
			if row.fails != "" {
				b.fails(kiln.User, row.fails)
				return
			}
			img := b.whole()
			for path, want := range map[string]string{"usr/bin/tool": "wrapper", "usr/bin/tool.real": row.moved} {
				if got := content(t, img, path); got != want {
					t.Errorf("%s is %q, want %q", path, got, want)
				}
			}
			if o := origin(t, img, "usr/bin/tool"); o.Package != "wrapper" {
				t.Errorf("the path is of %+v", o)
			}
			if o := origin(t, img, "usr/bin/tool.real"); o.Package != "real" {
				t.Errorf("what was diverted is of %+v", o)
			}
			for _, list := range []string{"real.list", "wrapper.list"} { // both name it as they ship it
				if got := content(t, img, "var/lib/dpkg/info/"+list); !strings.Contains(got, "/usr/bin/tool\n") {
					t.Errorf("%s is %q", list, got)
				}
			}
		})
	}
}

// A pattern that may be meant for what a script makes does not hide a conflict.
func TestConflictBesideAnUnusedPattern(t *testing.T) {
	r := oneLayer("a", "b")
	r.Layers[0].Packages[0].Drop = []string{"/usr/tol"}
	b := newBench(t, r)
	for _, name := range []string{"a", "b"} {
		b.add(debtest.Spec{Name: name, Entries: []debtest.Entry{{Path: "usr/tool", Content: name}}})
	}
	b.fails(kiln.User, `"/usr/tool": the package "a" and the package "b"`, `layers[0].packages[0] (layer base).drop[0]: the pattern "/usr/tol" matches nothing that is shipped`, `the nearest that there is: "/usr/tool"`)
}
