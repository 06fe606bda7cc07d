package cli_test

import (
	"os"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// entries is a package "beta" with further entries.
func entries(more ...debtest.Entry) func(*debtest.Spec) {
	return func(s *debtest.Spec) { s.Entries = append(s.Entries, more...) }
}

// withBeta is the archive an hour later, with another beta.
func withBeta(hours int, change func(*debtest.Spec)) apttest.Suite {
	return later(hours, alpha("1.0", "amd64"), libalpha("1.0", "amd64"), pkg("beta", "1.1", "all", change))
}

// A package that an archive vouches for can still be evil. It is refused; the
// good image of before and its lock stay; nothing is written outside of the tree;
// and the mended package gives the right image.
func TestDebIsRefused(t *testing.T) {
	const named = `cannot unpack the package "beta_1.1_all": `
	rows := []struct {
		summary string
		change  func(*debtest.Spec)
		texts   []string
	}{
		{"an entry above the root", entries(debtest.Entry{Path: "../../escape", Verbatim: true, Content: "x"}),
			[]string{named, "leads out of the tree", "../../escape"}},
		{"an entry above the root in the middle of its path", entries(debtest.Entry{Path: "./usr/../../escape", Verbatim: true, Content: "x"}),
			[]string{named, "leads out of the tree"}},
		{"an absolute hard link to outside", entries(debtest.Entry{Path: "./usr/passwd", Type: 'h', Link: "/etc/passwd", Verbatim: true}),
			[]string{named, "/usr/passwd", "/etc/passwd"}},
		{"a hard link above the root", entries(debtest.Entry{Path: "./usr/passwd", Type: 'h', Link: "../../etc/passwd", Verbatim: true}),
			[]string{named, `the hard link "/usr/passwd" leads out of the tree`}},
		{"a hard link to a symbolic link", entries(debtest.Entry{Path: "usr/to", Link: "/etc/passwd"}, debtest.Entry{Path: "usr/passwd", Type: 'h', Link: "usr/to"}),
			[]string{named, `the hard link "/usr/passwd" names "/usr/to", which is a symbolic link`}},
		{"a device", entries(debtest.Entry{Path: "dev/sda", Type: 'b', Major: 8}), []string{named, `"/dev/sda" is a device`}},
		{"a named pipe", entries(debtest.Entry{Path: "run/pipe", Type: 'p'}), []string{named, `"/run/pipe" is a named pipe`}},
		{"an unknown kind of entry", entries(debtest.Entry{Path: "run/odd", Type: 'X'}), []string{named, `"/run/odd"`}},
		{"one path twice", entries(debtest.Entry{Path: "usr/x", Content: "1"}, debtest.Entry{Path: "usr/x", Link: "/etc"}),
			[]string{named, `the entry "/usr/x" stands in the archive twice`}},
		{"a name with a newline", entries(debtest.Entry{Path: "usr/a\nb", Content: "x"}), []string{named, "control character"}},
		{"cut at the end", func(s *debtest.Spec) { s.Hostile.Truncate = 100 }, []string{named, "it is truncated"}},
		{"cut in its data", func(s *debtest.Spec) { s.Hostile.TruncateData = 60 }, []string{named, "it is truncated"}},
		{"no data", func(s *debtest.Spec) { s.Hostile.NoData = true }, []string{named, "data.tar"}},
		{"not a .deb", func(s *debtest.Spec) { s.Hostile.Before = []debtest.ArMember{{Name: "x", Content: []byte("y")}} }, []string{named, "its first member is not debian-binary"}},
		{"another format", func(s *debtest.Spec) { s.Hostile.FormatVersion = "3.0\n" }, []string{named, "3.0"}},
		{"a bomb", func(s *debtest.Spec) { s.Compression, s.Hostile.Bomb = "zst", 80<<20 }, []string{named, "data.tar.zst", "it is a decompression bomb"}},
		{"a bomb in its control archive", func(s *debtest.Spec) { s.Hostile.ControlBomb = 64 << 20 }, []string{named, "control.tar.gz", "it is a decompression bomb"}},
	}
	want := clean(t, withBeta(2, nil))
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, apttest.New(stable()))
			s.build()
			s.server.Update(apttest.New(withBeta(1, row.change)))
			s.does("lock", "web", "--update")
			for range 2 { // the second time from the store
				s.refuses("build web", 3, append(row.texts, "try: tell the owner of the archive")...)
			}
			s.server.Update(apttest.New(withBeta(2, nil)))
			s.does("lock", "web", "--update")
			if got := s.build(); got.Index != want.Index {
				t.Errorf("index %s, want %s", got.Index, want.Index)
			}
		})
	}
}

// Links that point anywhere are what Debian is full of: they are kept as they
// are, and nothing is ever written through one.
func TestLinksLeadNowhere(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(withBeta(1, entries(
		debtest.Entry{Path: "usr/absolute", Link: "/etc/shadow"},
		debtest.Entry{Path: "usr/above", Link: "../../../../../../etc/shadow"},
		debtest.Entry{Path: "usr/self", Link: "self"},
	))))
	s.does("build", "web", "-o", "folder:root")
	for name, want := range map[string]string{"absolute": "/etc/shadow", "above": "../../../../../../etc/shadow", "self": "self"} {
		if got := s.snapshot()["/root/usr/"+name]; !strings.HasSuffix(got, " "+want) {
			t.Errorf("%s is %q, want a link to %s", name, got, want)
		}
	}
}

// A member below a link of the same or another package would be written where the
// link points to.
func TestEntryBelowLink(t *testing.T) {
	out := t.TempDir()
	rows := []struct {
		summary string
		suite   apttest.Suite
		texts   []string
	}{
		{"of the same package, absolute", withBeta(1, entries(
			debtest.Entry{Path: "usr/out", Link: out}, debtest.Entry{Path: "./usr/out/escape", Verbatim: true, Content: "x"},
		)), []string{"/usr/out", "beta"}},
		{"of the same package, above the root", withBeta(1, entries(
			debtest.Entry{Path: "usr/out", Link: "../../../.."}, debtest.Entry{Path: "./usr/out/escape", Verbatim: true, Content: "x"},
		)), []string{"/usr/out", "beta"}},
		{"of another package", later(1,
			pkg("alpha", "1.0", "amd64", entries(debtest.Entry{Path: "usr/out", Link: out})),
			pkg("beta", "1.1", "all", entries(debtest.Entry{Path: "usr/out/escape", Content: "x"})),
		), []string{"/usr/out", "alpha", "beta"}},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			s := newScene(t, apttest.New(row.suite))
			o := s.kiln("build", "web", "-o", "folder:root")
			if names(t, out) != "" {
				t.Fatalf("written outside: %s", names(t, out))
			}
			if o.status == 0 {
				t.Fatalf("accepted: %s", o)
			}
			s.expect("kiln build", o, o.status, row.texts...)
			if o.status != 1 && o.status != 3 {
				t.Errorf("%s", o)
			}
		})
	}
}

// Two packages that ship one path are a conflict that the recipe must settle.
func TestPathOfTwoPackages(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(withBeta(1, entries(debtest.Entry{Path: "usr/bin/alpha", Mode: 0o755, Content: "another"}))))
	s.does("lock", "web")
	s.refuses("build web", 1, "cannot unpack the packages: 1 path is wanted twice", `"/usr/bin/alpha"`, "alpha", "beta",
		`try: leave one of the two out`, `- beta: {why: ..., drop: ["/usr/bin/alpha"]}`)
	s.edit("web/kiln.yaml", "- beta: the data", `- beta: {why: the data, drop: ["/usr/bin/alpha"]}`)
	s.build("--locked")
}

// A maintainer script that cannot be honoured stops the build; the message names
// the script, the line, the command and what can be done, and what it says to write
// makes the build succeed.
func TestMaintainerScripts(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(withBeta(1, func(s *debtest.Spec) {
		s.Scripts = []debtest.Script{
			{Name: "preinst", Content: "#!/bin/sh\nmkdir -p /srv/beta\n"}, {Name: "postinst", Content: "#!/bin/sh\nset -e\nalpha --make x\n"}, {Name: "prerm", Content: "#!/bin/sh\n"},
		}
	})))
	s.does("lock", "web")
	o := s.refuses("build web", 1,
		`kiln: cannot honour beta's postinst, line 3: it calls "/usr/bin/alpha", which is a program that kiln has no function for (alpha --make x)`,
		"\n  try: to do without the script, write into the recipe:\nskip:\n  - {package: beta, scripts: [postinst], why: ...}\n",
		"\n  try: to do without the package, take out what requires it: kiln why RECIPE package:beta tells what does\n")
	_, yaml, _ := strings.Cut(o.stderr, "write into the recipe:\n")
	yaml, _, _ = strings.Cut(yaml, "  try:")
	base := s.read("web/kiln.yaml")
	s.write("web/kiln.yaml", base+yaml)
	s.does("build", "web", "--locked", "-o", "folder:root")
	if info, err := os.Stat(s.path("root/srv/beta")); err != nil || !info.IsDir() {
		t.Errorf("the preinst, which is not skipped, did not make its folder: %v", err)
	}

	s.write("web/kiln.yaml", base+"skip:\n  - {package: gamma, why: none}\n")
	s.refuses("build web", 1, `skip[0]: the package "gamma" is not in the image`, "try: remove the skip, or correct the package's name")
	s.write("web/kiln.yaml", base+"skip:\n  - {package: beta, why: none}\n  - {package: alpha, why: none}\n")
	s.refuses("build web", 1, `skip[1]: the package "alpha_1.0_amd64" has no preinst and no postinst to skip`, "try: remove the skip")
	s.write("web/kiln.yaml", base+"skip:\n  - {package: beta, scripts: [preinst], why: half}\n")
	s.refuses("build web", 1, "cannot honour beta's postinst, line 3", "- {package: beta, scripts: [postinst], why: ...}")
	s.write("web/kiln.yaml", base+"skip:\n  - {package: beta, scripts: [prerm], why: none}\n")
	s.refuses("build web", 1, "prerm")
}

// A script that fails stops the build as well, with what it printed.
func TestMaintainerScriptFails(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(withBeta(1, func(s *debtest.Spec) {
		s.Scripts = []debtest.Script{{Name: "postinst", Content: "#!/bin/sh\necho 'no such luck' >&2\nexit 3\n"}}
	})))
	s.does("lock", "web")
	s.refuses("build web", 1, `cannot configure the package "beta_1.1_all": its postinst ended with status 3 near line 3`, "\n  no such luck\n",
		"skip:\n  - {package: beta, scripts: [postinst], why: ...}\n")
}
