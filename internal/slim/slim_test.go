package slim_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"kiln/internal/closure"
	"kiln/internal/linkage/linkagetest"
	"kiln/internal/slim"
	"kiln/internal/tree"
)

const (
	ld  = "/lib64/ld-linux-x86-64.so.2"
	lib = "usr/lib/x86_64-linux-gnu/"
)

// image is a program with a library, a second one that nothing is linked with, a
// plugin that needs a third, and data.
func image(t *testing.T) closure.Input {
	t.Helper()
	contents := tree.Bytes{}
	entries := map[string]tree.Entry{}
	put := func(pkg, p, content string, mode uint32) {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			entries[dir] = tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755}
		}
		entries[p] = tree.Entry{
			Path: p, Type: tree.File, Mode: mode, Size: int64(len(content)), Content: contents.Add([]byte(content)),
			Origin: tree.Origin{Package: pkg},
		}
	}
	elf := func(pkg, p string, s linkagetest.Spec) { put(pkg, p, string(linkagetest.File(s)), 0o755) }
	elf("app", "usr/bin/app", linkagetest.Spec{Interpreter: ld, Needed: []string{"liba.so.1"}})
	elf("app", "usr/lib/app/plugin.so", linkagetest.Spec{Needed: []string{"libplug.so.1"}})
	put("app", "usr/share/app/used", "used", 0o644)
	put("app", "usr/share/app/big/one", strings.Repeat("x", 2000), 0o644)
	put("app", "usr/share/app/big/two", strings.Repeat("y", 2000), 0o644)
	put("app", "usr/share/app/spare", "spare", 0o644)
	put("app", "usr/share/doc/app/copyright", "free", 0o644)
	elf("libc6", lib+"ld-linux-x86-64.so.2", linkagetest.Spec{Soname: "ld-linux-x86-64.so.2"})
	elf("liba1", lib+"liba.so.1", linkagetest.Spec{Soname: "liba.so.1"})
	elf("liba1", lib+"liba-extra.so.1", linkagetest.Spec{Soname: "liba-extra.so.1"})
	elf("libplug1", lib+"libplug.so.1", linkagetest.Spec{Soname: "libplug.so.1"})
	elf("idle", lib+"libidle.so.1", linkagetest.Spec{Soname: "libidle.so.1", Needed: []string{"libdeep.so.1"}})
	elf("libdeep1", lib+"libdeep.so.1", linkagetest.Spec{Soname: "libdeep.so.1"})
	put("data", "usr/share/data/table", "table", 0o644)
	entries["lib64"] = tree.Entry{Path: "lib64", Type: tree.Symlink, Mode: 0o777, Link: "usr/lib/x86_64-linux-gnu"}

	var list []tree.Entry
	for _, e := range entries { // tree.Of sorts
		list = append(list, e)
	}
	tr, err := tree.Of(list...)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := closure.Gather(tr, contents)
	if err != nil {
		t.Fatal(err)
	}
	return closure.Input{Tree: tr, Contents: contents, Facts: facts, Path: []string{"/usr/bin"}}
}

func packages() []slim.Package {
	return []slim.Package{
		{Name: "app", Recipe: "layers[base].packages[0]", Why: "the service", RequiredBy: []string{"recipe"}},
		{Name: "data", RequiredBy: []string{"app"}},
		{Name: "idle", RequiredBy: []string{"app"}},
		{Name: "liba1", RequiredBy: []string{"app"}},
		{Name: "libc6", RequiredBy: []string{"app"}},
		{Name: "libdeep1", RequiredBy: []string{"idle"}},
		{Name: "libplug1", RequiredBy: []string{"app"}},
	}
}

// told is a proposal in one line.
func told(all []slim.Proposal) string {
	var lines []string
	for _, p := range all {
		line := fmt.Sprintf("%s %s", p.Action, p.Package)
		if p.From != nil {
			line += fmt.Sprintf(" from %v", p.From)
		}
		if p.Along != nil {
			line += fmt.Sprintf(" along %v", p.Along)
		}
		for _, pattern := range p.Patterns {
			line += " " + pattern.Path
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestPropose(t *testing.T) {
	for _, row := range []struct {
		summary string
		trace   []string
		change  func([]slim.Package)
		want    string
	}{
		{"by what programs say", nil, nil, `without idle from [app] along [libdeep1]
drop liba1 /usr/lib/*/liba-extra.so.1`},
		{"the recipe names it", nil, func(p []slim.Package) { p[2].Recipe = "layers[base].packages[1]" }, "drop liba1 /usr/lib/*/liba-extra.so.1"},
		{"it is essential", nil, func(p []slim.Package) { p[2].RequiredBy = []string{"essential"} }, "drop liba1 /usr/lib/*/liba-extra.so.1"},
		{"what stays comes through it", nil, func(p []slim.Package) { p[0].RequiredBy, p[3].RequiredBy = []string{"idle"}, []string{"idle"} }, "drop idle /usr/lib/*/libidle.so.1\ndrop liba1 /usr/lib/*/liba-extra.so.1\nwithout libdeep1 from [idle]"},
		{"by a trace", []string{"/usr/share/app/used", "/usr/share/data/table", "/nowhere"}, nil, `drop app /usr/share/app/big/** /usr/lib/app/** /usr/share/app/spare
without idle from [app] along [libdeep1]
drop liba1 /usr/lib/*/liba-extra.so.1
without libplug1 from [app]`},
		{"a trace of a plugin", []string{"/usr/lib/app/plugin.so", "/usr/share/app/used", "/usr/share/app/spare", "/usr/share/app/big/one", "/usr/share/app/big/two"}, nil, `without idle from [app] along [libdeep1]
drop liba1 /usr/lib/*/liba-extra.so.1
without data from [app]`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			in := image(t)
			for _, p := range row.trace {
				in.Roots = append(in.Roots, closure.Root{Path: p, Why: "the trace"})
			}
			list := packages()
			if row.change != nil {
				row.change(list)
			}
			traced := row.trace != nil
			all := slim.Propose(slim.Input{Tree: in.Tree, Packages: list, Facts: in.Facts, Needed: slim.Needed(in, list, traced), Traced: traced})
			if got := told(all); got != row.want {
				t.Errorf("proposed\n%s\nwant\n%s", got, row.want)
			}
			for _, p := range all {
				if p.Bytes <= 0 || p.Basis == "" || p.Risk == "" {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

// An image that does without what is proposed lacks nothing.
func TestProposalsLeaveNothingLacking(t *testing.T) {
	in := image(t)
	list := packages()
	all := slim.Propose(slim.Input{Tree: in.Tree, Packages: list, Facts: in.Facts, Needed: slim.Needed(in, list, false)})
	for _, p := range all {
		for e := range in.Tree.Clone().All() {
			gone := e.Origin.Package == p.Package && p.Action != slim.Drop || strings.Contains(strings.Join(p.Along, " ")+" ", e.Origin.Package+" ") && e.Origin.Package != ""
			for _, pattern := range p.Patterns {
				gone = gone || closure.Generic(tree.Absolute(e.Path)) == pattern.Path
			}
			if gone {
				in.Tree.Remove(e.Path)
			}
		}
	}
	if found := closure.Check(in); found != nil {
		t.Errorf("%v", found)
	}
}

func TestReadTrace(t *testing.T) {
	for _, row := range []struct {
		summary, text, want string
		relative            int
	}{
		{"paths", "/usr/bin/app\n\n  /etc/a b\n/usr//bin/../bin/app\n# a comment\n", "/usr/bin/app /etc/a b", 0},
		{"strace", `execve("/usr/bin/app", ["/usr/bin/app", "/not/this"], 0x7ffd /* 10 vars */) = 0
[pid  1234] openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
1234  12:00:00.123456 openat(AT_FDCWD, "/gone", O_RDONLY) = -1 ENOENT (No such file or directory)
stat("/with \"quotes\"\t\303\244", {st_mode=S_IFREG|0644, st_size=1, ...}) = 0
access("relative/x", R_OK) = 0
readlink("/proc/self/exe", "/usr/bin/other", 4095) = 14
rename("/a", "/b") = 0
openat(AT_FDCWD, "/unfinished", O_RDONLY <unfinished ...>
<... openat resumed>) = 4
+++ exited with 0 +++
--- SIGCHLD {si_signo=SIGCHLD} ---
`, "/usr/bin/app /etc/ld.so.cache /with \"quotes\"\tä /proc/self/exe /a /b /unfinished", 1},
		{"fatrace", "python3(812): RO  /usr/lib/python3/x.py\n12:00:01.5 sh(1): C /bin/sh\n", "/usr/lib/python3/x.py /bin/sh", 0},
		{"something else", "hello (world)\nexec\n", "", 0},
	} {
		got, err := slim.ReadTrace(strings.NewReader(row.text))
		if err != nil || strings.Join(got.Paths, " ") != row.want || got.Relative != row.relative {
			t.Errorf("%s: %q, %d relative, %v", row.summary, got.Paths, got.Relative, err)
		}
	}
	if _, err := slim.ReadTrace(strings.NewReader(strings.Repeat("x", 2<<20))); err == nil {
		t.Error("a line without end is read")
	}
}

func FuzzReadTrace(f *testing.F) {
	f.Add("openat(AT_FDCWD, \"/etc/x\", O_RDONLY) = 3\n")
	f.Add("a(1): O /x\n/y\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := slim.ReadTrace(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, p := range got.Paths {
			if !path.IsAbs(p) || path.Clean(p) != p {
				t.Errorf("%q", p)
			}
		}
	})
}
