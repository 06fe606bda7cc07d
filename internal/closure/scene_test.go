package closure_test

import (
	"path"
	"strings"
	"testing"

	"kiln/internal/closure"
	"kiln/internal/linkage/linkagetest"
	"kiln/internal/tree"
)

// scene is an image being made.
type scene struct {
	t        *testing.T
	entries  map[string]tree.Entry
	contents tree.Bytes
	in       closure.Input
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return &scene{t: t, entries: map[string]tree.Entry{}, contents: tree.Bytes{}, in: closure.Input{Path: []string{"/usr/bin", "/bin"}}}
}

// put adds an entry, and the folders above it.
func (s *scene) put(e tree.Entry) {
	for dir := path.Dir(e.Path); dir != "."; dir = path.Dir(dir) {
		if _, ok := s.entries[dir]; !ok {
			s.entries[dir] = tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755}
		}
	}
	s.entries[e.Path] = e
}

// file adds a file; of a path that ends in "*" everybody may execute it, as ls -F
// shows that. Its package is called like the last name of the path.
func (s *scene) file(p, content string) {
	p, program := strings.CutSuffix(p, "*")
	e := tree.Entry{Path: p, Type: tree.File, Mode: 0o644, Size: int64(len(content)), Content: s.contents.Add([]byte(content))}
	if program {
		e.Mode = 0o755
	}
	e.Origin.Package = path.Base(p)
	s.put(e)
}

func (s *scene) elf(p string, spec linkagetest.Spec) { s.file(p, string(linkagetest.File(spec))) }

func (s *scene) link(p, target string) {
	s.put(tree.Entry{Path: p, Type: tree.Symlink, Mode: 0o777, Link: target, Origin: tree.Origin{Package: path.Base(p)}})
}

// own makes an entry one of the recipe's own.
func (s *scene) own(p string) {
	e := s.entries[p]
	e.Origin = tree.Origin{Recipe: "layers[app].files[0]", Why: "test"}
	s.entries[p] = e
	s.in.Own = append(s.in.Own, "/"+p)
}

func (s *scene) tree() *tree.Tree {
	s.t.Helper()
	var list []tree.Entry
	for _, e := range s.entries { // tree.Of sorts
		list = append(list, e)
	}
	tr, err := tree.Of(list...)
	if err != nil {
		s.t.Fatal(err)
	}
	return tr
}

func (s *scene) input() closure.Input {
	s.t.Helper()
	in := s.in
	in.Tree, in.Contents = s.tree(), s.contents
	var err error
	if in.Facts, err = closure.Gather(in.Tree, s.contents); err != nil {
		s.t.Fatal(err)
	}
	return in
}

// finds compares all findings: "kind path missing", and after it "!" where the
// finding is certain and "[start]".
func (s *scene) finds(want ...string) []closure.Finding {
	s.t.Helper()
	found := closure.Check(s.input())
	var got []string
	for _, f := range found {
		line := strings.Join([]string{string(f.Kind), f.Path, f.Missing}, " ")
		if f.Certain() {
			line += " !"
		}
		if f.Start != "" {
			line += " [" + f.Start + "]"
		}
		got = append(got, line)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("found\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	return found
}

const (
	ld  = "/lib64/ld-linux-x86-64.so.2"
	lib = "usr/lib/x86_64-linux-gnu/"
)

// glibc adds the dynamic linker and libc.
func (s *scene) glibc() {
	s.link("lib64", "usr/lib64")
	s.link("lib", "usr/lib")
	s.link("usr/lib64/ld-linux-x86-64.so.2", "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
	s.elf(lib+"ld-linux-x86-64.so.2*", linkagetest.Spec{Soname: "ld-linux-x86-64.so.2"})
	s.elf(lib+"libc.so.6*", linkagetest.Spec{Soname: "libc.so.6", Interpreter: ld, Needed: []string{"ld-linux-x86-64.so.2"}})
}
