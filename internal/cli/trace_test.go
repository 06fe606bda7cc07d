package cli_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"

	"kiln"
)

// refuses runs kiln, which must end with the given status, say each of the texts,
// print no result, and leave everything outside of the store as it was, and
// nothing half-made in it.
func (s *scene) refuses(args string, status int, texts ...string) outcome {
	s.t.Helper()
	before := s.snapshot()
	o := s.kiln(strings.Fields(args)...)
	s.expect("kiln "+args, o, status, texts...)
	s.unchanged("kiln "+args, before)
	return o
}

func (s *scene) expect(what string, o outcome, status int, texts ...string) {
	s.t.Helper()
	if o.status != status {
		s.t.Errorf("%s: status %d, want %d", what, o.status, status)
	}
	if o.stdout != "" {
		s.t.Errorf("%s: printed on standard output: %q", what, o.stdout)
	}
	for _, text := range texts {
		if !strings.Contains(o.stderr, text) {
			s.t.Errorf("%s: standard error does not say %q", what, text)
		}
	}
	if s.t.Failed() {
		s.t.Fatalf("%s: %s", what, o)
	}
}

// unchanged compares the scene with what it was before.
func (s *scene) unchanged(what string, before map[string]string) {
	s.t.Helper()
	if diff := cmp.Diff(before, s.snapshot()); diff != "" {
		s.t.Errorf("%s left traces (-before +after):\n%s", what, diff)
	}
	s.idle(what)
}

// idle demands that nobody left unfinished work in the store.
func (s *scene) idle(what string) {
	s.t.Helper()
	for _, d := range []string{"staging", "locks"} {
		entries, err := os.ReadDir(s.path("store/" + d))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			s.t.Fatal(err)
		}
		for _, e := range entries {
			s.t.Errorf("%s left %s/%s in the store", what, d, e.Name())
		}
	}
}

// snapshot maps each file of the scene outside of the store to what it is.
func (s *scene) snapshot() map[string]string {
	s.t.Helper()
	all, err := snapshot(s.root, s.path("store"))
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// snapshot maps each file below root, but for those of one folder, to what it is.
func snapshot(root, but string) (map[string]string, error) {
	all := map[string]string{}
	return all, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == but {
			return fs.SkipDir
		}
		all[strings.TrimPrefix(p, root)], err = describe(p, d)
		return err
	})
}

// describe gives a file's mode and the digest of its content, or its target.
func describe(p string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	switch {
	case info.Mode().IsRegular():
		b, err := os.ReadFile(p)
		return info.Mode().String() + " " + string(kiln.DigestOf(b)), err
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(p)
		return info.Mode().String() + " " + to, err
	}
	return info.Mode().String(), nil
}

// noTemporaries demands that nothing half-made stands outside of the store.
func (s *scene) noTemporaries() {
	s.t.Helper()
	for name := range s.snapshot() {
		if strings.Contains(name, ".tmp-") || strings.Contains(name, ".old-") {
			s.t.Errorf("left %s", name)
		}
	}
}
