package bake

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/disk"
	"kiln/internal/oci"
	"kiln/internal/recipe"
)

// check looks for what would stop the build at its end only, before any work is
// done and anything is written: so that nothing is left of a build that cannot be.
func (o Options) check() error {
	if err := o.checkOutputs(); err != nil {
		return err
	}
	if err := o.checkKeys(); err != nil {
		return err
	}
	return checkFiles(o.Lock.Recipe, o.Platforms)
}

// checkKeys reads the keys that outputs are signed with.
func (o Options) checkKeys() error {
	r := o.Lock.Recipe
	if !slices.ContainsFunc(o.Outputs, func(out Output) bool { return out.Type.boots() }) {
		return nil
	}
	if _, err := o.signer(r); err != nil {
		return err
	}
	if !slices.ContainsFunc(o.Outputs, func(out Output) bool { return out.Type == Updates }) {
		return nil
	}
	_, err := updateKey(r)
	return err
}

func (o Options) checkOutputs() error {
	for i, out := range o.Outputs {
		for _, first := range o.Outputs[:i] {
			if err := checkApart(first, out); err != nil {
				return err
			}
		}
		if err := o.checkOutput(out); err != nil {
			return err
		}
	}
	return nil
}

// checkApart refuses two outputs in one place, or one below the other: the later
// would be put into the earlier, or remove it.
func checkApart(first, second Output) error {
	a, err := filepath.Abs(first.Path)
	if err != nil {
		return err
	}
	b, err := filepath.Abs(second.Path)
	if err != nil {
		return err
	}
	what := ""
	switch {
	case a == b:
		what = "two outputs to one place"
	case below(a, b) || below(b, a):
		what = "one output inside of another"
	default:
		return nil
	}
	return &kiln.Error{
		Code:  kiln.Usage,
		Text:  fmt.Sprintf("cannot write %s: %s:%s and %s:%s", what, first.Type, first.Path, second.Type, second.Path),
		Hints: []string{fmt.Sprintf("name another place for the second: -o %s:PATH", second.Type)},
	}
}

// below tells whether the clean absolute path p lies below dir.
func below(dir, p string) bool {
	return strings.HasPrefix(p, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

func (o Options) checkOutput(out Output) error {
	if out.Type.single() {
		if _, err := pick(o.Platforms, o.Native, out); err != nil {
			return err
		}
	}
	if out.Type.boots() && !o.Lock.Recipe.Boots() {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot write %s:%s: the recipe %q has no kernel, and its image does not boot", out.Type, out.Path, o.Lock.Recipe.Path()),
			Hints: []string{"write in the recipe: system: {kernel: {why: ...}}", "kiln init --template system-minimal writes a recipe of an image that boots"},
		}
	}
	switch out.Type {
	case Parts, Updates:
		return disk.CheckFolder(out.Path)
	case OCI:
		return oci.CheckLayout(out.Path)
	case DockerArchive:
		return oci.CheckDockerArchive(out.Path, o.Compression)
	case Folder:
		return oci.CheckFolder(out.Path)
	}
	return oci.CheckFile(out.Path)
}

// checkFiles looks for the host's files that the recipe names, and reports all
// that are missing, with their places.
func checkFiles(r *recipe.Recipe, platforms []kiln.Platform) error {
	root, err := r.Root()
	if err != nil {
		return err
	}
	defer root.Close()
	var problems recipe.Problems
	for _, taken := range r.Taken(platforms) {
		if strings.HasPrefix(taken.Part, "sources[") { // read, and complained about, as the lock is made
			continue
		}
		if _, err := root.Stat(path.Clean(taken.Path)); err != nil {
			p := r.Problem(taken.Part, fmt.Sprintf("cannot read %q in the recipe's folder: %v", taken.Path, cause(err)))
			p.Note = "no link may lead out of the recipe's folder: copy the file there"
			if errors.Is(err, fs.ErrNotExist) {
				p.Note = "make the file first, or correct the path: it is relative to the recipe"
			}
			problems = append(problems, p)
		}
	}
	if problems == nil {
		return nil
	}
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the recipe %q: %v", r.Path(), problems), Err: problems}
}

// wanted tells whether any of the platforms has the file.
func wanted(f recipe.File, platforms []kiln.Platform) bool {
	return len(f.Platforms) == 0 || slices.ContainsFunc(platforms, func(p kiln.Platform) bool { return slices.Contains(f.Platforms, p) })
}

// cause leaves out the path that a text names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
