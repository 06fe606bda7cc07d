package rootfs_test

import (
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
)

func TestDropsAndKeeps(t *testing.T) {
	spec := debtest.Spec{Entries: []debtest.Entry{
		{Path: "srv/conf", Content: "c"},
		{Path: "usr/lib/x/gconv/"}, {Path: "usr/lib/x/gconv/a.so", Content: "a"},
		{Path: "usr/lib/x/lib.so", Content: "l"}, {Path: "usr/lib/x/zlib.so", Type: 'h', Link: "usr/lib/x/lib.so"},
		{Path: "usr/share/doc/pkg/copyright", Content: "f"}, {Path: "usr/share/doc/pkg/changelog", Content: "f"},
		{Path: "usr/share/locale/de/LC_MESSAGES/x.mo", Content: "m"}, {Path: "usr/share/locale/locale.alias", Content: "m"},
		{Path: "usr/share/info/x", Content: "i"}, {Path: "usr/share/lintian/overrides/x", Content: "i"}, {Path: "usr/share/man/man1/x", Content: "i"},
	}}
	const always = " /usr /usr/lib /usr/lib/x"
	for _, row := range []struct {
		summary              string
		off                  []string
		drop, keep           []string
		layerDrop, layerKeep []recipe.Glob
		want                 string
	}{
		{summary: "rules", want: "/srv /srv/conf" + always + " /usr/lib/x/gconv /usr/lib/x/gconv/a.so /usr/lib/x/lib.so /usr/lib/x/zlib.so /usr/share /usr/share/doc /usr/share/doc/pkg /usr/share/doc/pkg/copyright /usr/share/locale /usr/share/locale/locale.alias"},
		{summary: "a folder goes with what it holds", drop: []string{"/usr/lib/*/gconv/**", "/usr/share/**", "/srv/**"}, want: "/usr /usr/lib /usr/lib/x /usr/lib/x/lib.so /usr/lib/x/zlib.so"},
		{summary: "by the layer", layerDrop: []recipe.Glob{{Path: "/usr/**", Why: "test"}}, want: "/srv /srv/conf"},
		{summary: "the first hard link", drop: []string{"/usr/lib/x/lib.so", "/srv/**", "/usr/share/**", "/**/gconv/**"}, want: "/usr /usr/lib /usr/lib/x /usr/lib/x/zlib.so"},
		{summary: "keep alone", keep: []string{"/usr/lib/x/lib.so"}, want: "/usr /usr/lib /usr/lib/x /usr/lib/x/lib.so"},
		{summary: "keep wins over drop and rules", keep: []string{"/usr/share/man/**", "/srv/conf"}, drop: []string{"/srv/**"}, want: "/srv /srv/conf /usr /usr/share /usr/share/man /usr/share/man/man1 /usr/share/man/man1/x"},
		{summary: "the layer's keep is an exception only", layerKeep: []recipe.Glob{{Path: "/usr/share/info/x", Why: "test"}}, layerDrop: []recipe.Glob{{Path: "/{srv,usr}/**", Why: "test"}}, want: "/usr /usr/share /usr/share/info /usr/share/info/x"},
		{summary: "rules off", off: []string{"no-man", "no-info"}, drop: []string{"/srv/**", "/usr/lib/**", "/usr/share/doc/**"},
			want: "/usr /usr/share /usr/share/info /usr/share/info/x /usr/share/locale /usr/share/locale/locale.alias /usr/share/man /usr/share/man/man1 /usr/share/man/man1/x"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			r.Layers[0].Packages[0].Drop, r.Layers[0].Packages[0].Keep = row.drop, row.keep
			r.Layers[0].Drop, r.Layers[0].Keep = row.layerDrop, row.layerKeep
			for _, name := range append(row.off, "merged-usr") {
				r.Rules.Off = append(r.Rules.Off, recipe.RuleOff{Name: name, Why: "test"})
			}
			b := newBench(t, r)
			b.add(spec)
			img := b.assemble()
			if got := paths(img); got != row.want {
				t.Errorf("paths %s\nwant  %s", got, row.want)
			}
			if e, ok := img.Tree.Lookup("usr/lib/x/zlib.so"); ok && content(t, img, e.Path) != "l" {
				t.Error("the hard link lost its content")
			}
		})
	}
}

func TestGlobErrors(t *testing.T) {
	for _, row := range []struct {
		summary string
		change  func(*recipe.Layer)
		want    []string
	}{
		{"typo in a package's drop", func(l *recipe.Layer) { l.Packages[0].Drop = []string{"/usr/lib/*/gcnv/**"} },
			[]string{"layers[0].packages[0] (layer base).drop[0]", `"/usr/lib/*/gcnv/**" matches nothing`, `"/usr/lib/x/gconv"`}},
		{"typo in a package's keep", func(l *recipe.Layer) { l.Packages[0].Keep = []string{"/ect/conf"} },
			[]string{"packages[0] (layer base).keep[0]", `"/etc"`}},
		{"a layer's drop", func(l *recipe.Layer) { l.Drop = []recipe.Glob{{Path: "/usr/lib/x/gconv/b.so"}} },
			[]string{"layers[0].drop[0] (layer base)", `"/usr/lib/x/gconv/a.so"`}},
		{"a layer's keep", func(l *recipe.Layer) { l.Keep = []recipe.Glob{{Path: "/srv"}} }, []string{"layers[0].keep[0] (layer base)"}},
		{"relative", func(l *recipe.Layer) { l.Packages[0].Drop = []string{"usr/**"} }, []string{"does not start with a slash", `"/usr/**"`}},
		{"malformed", func(l *recipe.Layer) { l.Drop = []recipe.Glob{{Path: "/usr/[a"}} }, []string{`"/usr/[a" is malformed`}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			row.change(&r.Layers[0])
			b := newBench(t, r)
			b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "etc/conf"}, {Path: "usr/lib/x/gconv/a.so"}}})
			b.fails(kiln.User, row.want...)
		})
	}
}

func TestRules(t *testing.T) {
	for _, r := range rootfs.Rules() {
		if r.Name == "" || r.Why == "" {
			t.Errorf("rule %+v has no name or no reason", r)
		}
	}
	b := newBench(t, oneLayer("pkg"))
	b.add(debtest.Spec{})
	b.in.Recipe.Rules.Off = []recipe.RuleOff{{Name: "no-docs"}}
	b.fails(kiln.User, `rules.off[0]: there is no rule "no-docs"`, "no-doc, no-man, no-info, no-locale, no-lintian, no-traces, merged-usr")
	b.in.Recipe.Rules.Off = []recipe.RuleOff{{Name: "dpkg-database"}}
	b.fails(kiln.User, `no rule "dpkg-database" that can be turned off`)
}

func TestScripts(t *testing.T) {
	script := func(names ...string) []debtest.Script {
		var all []debtest.Script
		for _, n := range names {
			all = append(all, debtest.Script{Name: n, Content: "#!/bin/sh\nset -e\nfrobnicate --now\n"})
		}
		return all
	}
	for _, row := range []struct {
		summary string
		skip    []recipe.Skip
		want    []string // of the error; nil for none
	}{
		{"none is skipped", nil, []string{`"a_1.0_all": its preinst ended with status 127 near line 3`, `frobnicate: not found`, "skip:\n  - {package: a, scripts: [preinst], why: ...}"}},
		{"one is left", []recipe.Skip{{Package: "a", Scripts: []string{"postinst"}}, {Package: "b"}}, []string{`"a_1.0_all": its preinst ended with status 127`}},
		{"all", []recipe.Skip{{Package: "a"}, {Package: "b", Scripts: []string{"postinst"}}}, nil},
		{"no such package", []recipe.Skip{{Package: "a"}, {Package: "b"}, {Package: "d"}}, []string{`skip[2]: the package "d" is not in the image for linux/amd64`}},
		{"no such script", []recipe.Skip{{Package: "a"}, {Package: "b", Scripts: []string{"preinst"}}}, []string{`skip[1]: the package "b_1.0_all" has no script "preinst", it has postinst`}},
		{"no script at all", []recipe.Skip{{Package: "a"}, {Package: "b"}, {Package: "c"}}, []string{`skip[2]: the package "c_1.0_all" has no preinst and no postinst`}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("a", "b", "c")
			r.Skip = row.skip
			b := newBench(t, r)
			b.add(debtest.Spec{Name: "a", Scripts: script("postinst", "preinst", "prerm")})
			b.add(debtest.Spec{Name: "b", Scripts: script("postinst")})
			b.add(debtest.Spec{Name: "c", Scripts: script("prerm", "postrm")})
			if row.want == nil {
				b.assemble()
				return
			}
			b.fails(kiln.User, row.want...)
		})
	}
}

func TestLocksThatDoNotFit(t *testing.T) {
	b := newBench(t, oneLayer("pkg", "other"))
	b.add(debtest.Spec{})
	b.fails(kiln.User, `cannot find the package "other" of layers[0].packages[1] (layer base)`, "kiln lock")

	b = newBench(t, oneLayer("pkg"))
	b.add(debtest.Spec{})
	b.add(debtest.Spec{Name: "stray"}, "gone")
	b.fails(kiln.User, `"stray_1.0_all" to a layer`, "nothing in the recipe requires it", "kiln lock")

	b = newBench(t, oneLayer("pkg", "pkg"))
	b.add(debtest.Spec{})
	b.fails(kiln.User, `"pkg" stands in the recipe twice`)

	b = newBench(t, &recipe.Recipe{})
	b.fails(kiln.User, "the recipe has no layers")
}

func TestVirtualWantsAndEssential(t *testing.T) {
	r := &recipe.Recipe{Layers: []recipe.Layer{{Name: "base", Packages: wants("awk")}, {Name: "app", Packages: wants("tool")}}}
	r.Layers[0].Packages[0].Drop = []string{"/usr/bin/extra"}
	b := newBench(t, r)
	b.add(debtest.Spec{Name: "mawk", Fields: []string{"Provides: awk"}, Entries: []debtest.Entry{{Path: "usr/bin/mawk"}, {Path: "usr/bin/extra"}}})
	b.add(debtest.Spec{Name: "tool", Fields: []string{"Depends: sh"}, Entries: []debtest.Entry{{Path: "usr/bin/tool"}}})
	b.add(debtest.Spec{Name: "sh", Entries: []debtest.Entry{{Path: "usr/bin/sh"}}}, "essential", "tool")
	img := b.assemble()
	if got, want := paths(img), "/usr /usr/bin /usr/bin/mawk /usr/bin/sh /usr/bin/tool"; got != want {
		t.Errorf("paths %s, want %s", got, want)
	}
	var members []string
	for _, m := range img.Layers[0].Members {
		members = append(members, m.Name)
	}
	if len(members) != 4 || members[1] != "mawk_1.0_all" || members[2] != "sh_1.0_all" {
		t.Errorf("members of base: %q", members)
	}
}
