package cli_test

import (
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// twoArchs is an archive with a library and what it needs for amd64 and i386.
func twoArchs() apttest.Suite {
	lib := func(name, arch string, more ...string) apttest.Package {
		return pkg(name, "1.0", arch, func(s *debtest.Spec) {
			s.Fields = append([]string{"Multi-Arch: same"}, more...)
			s.Entries = append(s.Entries, debtest.Entry{Path: "usr/lib/" + arch + "/" + name + ".so", Content: arch})
		})
	}
	return with(later(0, lib("lib", "amd64", "Depends: dep"), lib("lib", "i386", "Depends: dep"), lib("dep", "amd64"), lib("dep", "i386"), beta("1.0")),
		func(s *apttest.Suite) { s.Archs = []string{"amd64", "i386"} })
}

// A want of a foreign architecture is locked and built with what it needs of that
// architecture, alone and beside the native one, in one layer and in two.
func TestForeignArchitecture(t *testing.T) {
	const (
		one     = "      - lib:i386: old programs link to it\n"
		two     = "      - lib: new programs link to it\n"
		another = "  - name: more\n    packages:\n"
	)
	for _, row := range []struct{ summary, packages, want string }{
		{"alone", one, "dep:i386 lib:i386"},
		{"with the native one", one + two, "dep:amd64 dep:i386 lib:amd64 lib:i386"},
		{"above the native one", two + another + one, "dep:amd64 dep:i386 lib:amd64 lib:i386"},
		{"below the native one", one + another + two, "dep:amd64 dep:i386 lib:amd64 lib:i386"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(twoArchs()))
			head, _, _ := strings.Cut(recipeText, "      - alpha")
			s.recipe(head + row.packages)
			s.does("build", "web", "-o", "folder:root", "-o", "oci:web.oci")
			if got := s.installed("root"); got != row.want {
				t.Errorf("dpkg would list %s, want %s", got, row.want)
			}
			if got := s.read("root/var/lib/dpkg/arch"); got != "amd64\ni386\n" {
				t.Errorf("arch is %q", got)
			}
			if got := s.read("root/usr/lib/i386/dep.so"); got != "i386" {
				t.Errorf("dep.so is %q", got)
			}
			lock := s.read("web/kiln.lock")
			s.remove("store")
			if s.does("build", "web", "--locked"); s.read("web/kiln.lock") != lock {
				t.Error("the lock changed")
			}
		})
	}
}

// installed lists "package:arch" of the dpkg database in a folder.
func (s *scene) installed(root string) string {
	s.t.Helper()
	var all []string
	for _, line := range strings.Split(s.read(root+"/var/lib/dpkg/status"), "\n") {
		if name, ok := strings.CutPrefix(line, "Package: "); ok {
			all = append(all, name)
		}
		if arch, ok := strings.CutPrefix(line, "Architecture: "); ok {
			all[len(all)-1] += ":" + arch
		}
	}
	return strings.Join(all, " ")
}

// A local .deb for all architectures is one candidate, however many there are; and
// one of the foreign architecture is taken for it.
func TestForeignArchitectureWithLocalDebs(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(twoArchs()))
	head, _, _ := strings.Cut(recipeText, "      - alpha")
	head = strings.Replace(head, "layers:", "  - deb: beta.deb\n  - deb: dep.deb\nlayers:", 1)
	s.recipe(head + "      - lib:i386: old programs link to it\n      - beta: the data\n")
	s.write("web/beta.deb", string(debtest.Build(pkg("beta", "2.0", "all", nil).Spec)))
	s.write("web/dep.deb", string(debtest.Build(pkg("dep", "3.0", "i386", fields("Multi-Arch: same")).Spec)))
	s.build()
	s.locked(set{"lib": "1.0", "dep": "3.0", "beta": "2.0"})
}
