package rootfs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
)

// shared is a package that may be there in several architectures at once.
func shared(name, arch, depends string) debtest.Spec {
	s := debtest.Spec{Name: name, Architecture: arch, Fields: []string{"Multi-Arch: same"}, Entries: []debtest.Entry{
		{Path: "usr/lib/" + arch + "/" + name + ".so", Content: name + " for " + arch},
		{Path: "usr/share/doc/" + name + "/copyright", Content: name},
	}}
	if depends != "" {
		s.Fields = append(s.Fields, "Depends: "+depends)
	}
	return s
}

// withForeign is a bench with "lib" and what it needs in the given architectures,
// locked as the resolver locks them: a foreign requirer is named with its
// architecture.
func withForeign(t *testing.T, r *recipe.Recipe, archs ...string) *bench {
	b := newBench(t, r)
	var requirers []string
	for _, arch := range archs {
		name := "lib"
		if arch != "amd64" {
			name += ":" + arch
		}
		requirers = append(requirers, name)
		b.add(shared("lib", arch, "dep, data"))
		b.add(shared("dep", arch, ""), name)
	}
	b.add(debtest.Spec{Name: "data", Fields: []string{"Multi-Arch: foreign"}, Entries: []debtest.Entry{{Path: "usr/share/data", Content: "d"}}}, requirers...)
	return b
}

// installed lists "package:arch" of a status file.
func installed(status string) string {
	var all []string
	for _, line := range strings.Split(status, "\n") {
		if name, ok := strings.CutPrefix(line, "Package: "); ok {
			all = append(all, name)
		}
		if arch, ok := strings.CutPrefix(line, "Architecture: "); ok {
			all[len(all)-1] += ":" + arch
		}
	}
	return strings.Join(all, " ")
}

// A package of a foreign architecture brings what it requires of that architecture
// into its own layer, beside or without the native package of the same name.
func TestForeignArchitecture(t *testing.T) {
	const both = "data:all dep:amd64 dep:i386 lib:amd64 lib:i386"
	layers := func(all ...[]string) *recipe.Recipe {
		r := &recipe.Recipe{}
		for i, packages := range all {
			r.Layers = append(r.Layers, recipe.Layer{Name: "l" + string(rune('0'+i)), Packages: wants(packages...)})
		}
		return r
	}
	for _, row := range []struct {
		summary string
		recipe  *recipe.Recipe
		archs   []string
		members []string // packages of each layer
		status  string
		arch    string
	}{
		{"alone", layers([]string{"lib:i386"}), []string{"i386"},
			[]string{"data_1.0_all dep_1.0_i386 lib_1.0_i386"}, "data:all dep:i386 lib:i386", "amd64\ni386\n"},
		{"with the native one", layers([]string{"lib:i386", "lib"}), []string{"amd64", "i386"},
			[]string{"data_1.0_all dep_1.0_amd64 dep_1.0_i386 lib_1.0_amd64 lib_1.0_i386"}, both, "amd64\ni386\n"},
		{"above the native one", layers([]string{"lib"}, []string{"lib:i386"}), []string{"amd64", "i386"},
			[]string{"data_1.0_all dep_1.0_amd64 lib_1.0_amd64", "dep_1.0_i386 lib_1.0_i386", ""}, both, "amd64\ni386\n"},
		{"below the native one", layers([]string{"lib:i386"}, []string{"lib:amd64"}), []string{"amd64", "i386"},
			[]string{"data_1.0_all dep_1.0_i386 lib_1.0_i386", "dep_1.0_amd64 lib_1.0_amd64", ""}, both, "amd64\ni386\n"},
		{"what it needs in a layer below", layers([]string{"dep:i386"}, []string{"lib:i386"}), []string{"i386"},
			[]string{"dep_1.0_i386", "data_1.0_all lib_1.0_i386", ""}, "data:all dep:i386 lib:i386", "amd64\ni386\n"},
		{"two of them", layers([]string{"lib:i386"}, []string{"lib:armhf"}), []string{"i386", "armhf"},
			[]string{"data_1.0_all dep_1.0_i386 lib_1.0_i386", "dep_1.0_armhf lib_1.0_armhf", ""},
			"data:all dep:armhf dep:i386 lib:armhf lib:i386", "amd64\narmhf\ni386\n"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := withForeign(t, row.recipe, row.archs...)
			img := b.assemble()
			if diff := cmp.Diff(row.members, packageMembers(img)); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
			if got := installed(content(t, img, "var/lib/dpkg/status")); got != row.status {
				t.Errorf("status has %s, want %s", got, row.status)
			}
			if got := content(t, img, "var/lib/dpkg/arch"); got != row.arch {
				t.Errorf("arch %q, want %q", got, row.arch)
			}
			for _, arch := range row.archs {
				for _, name := range []string{"lib", "dep"} {
					so := "/usr/lib/" + arch + "/" + name + ".so"
					if list := content(t, img, "var/lib/dpkg/info/"+name+":"+arch+".list"); !strings.Contains(list, so+"\n") {
						t.Errorf("the list of %s:%s is %q", name, arch, list)
					}
					if got := content(t, img, so[1:]); got != name+" for "+arch {
						t.Errorf("%s is %q", so, got)
					}
				}
			}
			want := layerDigests(t, img)
			for i, j := 0, len(b.in.Packages)-1; i < j; i, j = i+1, j-1 {
				b.in.Packages[i], b.in.Packages[j] = b.in.Packages[j], b.in.Packages[i]
			}
			if diff := cmp.Diff(want, layerDigests(t, b.assemble())); diff != "" {
				t.Errorf("the order of the lock matters:\n%s", diff)
			}
		})
	}
}

// packageMembers lists the packages of each layer, sorted by name.
func packageMembers(img *rootfs.Image) []string {
	var all []string
	for _, l := range img.Layers {
		var names []string
		for _, m := range l.Members {
			if strings.Contains(m.Name, "_") {
				names = append(names, m.Name)
			}
		}
		all = append(all, strings.Join(slices.Sorted(slices.Values(names)), " "))
	}
	return all
}

// A hint names a foreign package so that the recipe would find it.
func TestHintForAForeignPackage(t *testing.T) {
	r := oneLayer("lib:i386", "x")
	b := withForeign(t, r, "i386")
	b.add(debtest.Spec{Name: "x", Entries: []debtest.Entry{{Path: "usr/lib/i386/dep.so", Content: "x"}}})
	b.fails(kiln.User, `"/usr/lib/i386/dep.so"`, `- dep:i386: {why: ..., drop: ["/usr/lib/i386/dep.so"]}`, `- x: {why: ..., drop: ["/usr/lib/i386/dep.so"]}`)
}
