package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/compare"
	"kiln/internal/debian"
	"kiln/internal/image"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// sides reads the arguments of a command that compares two things: recipes, locks,
// images.
type sides struct {
	app    *app
	cmd    *cobra.Command
	flags  explainFlags
	family *debian.Family
	store  *store.Store
	images []*image.Image
}

func (a *app) newSides(cmd *cobra.Command, f explainFlags) (*sides, error) {
	family, st, err := a.family(f.source)
	if err != nil {
		return nil, err
	}
	return &sides{app: a, cmd: cmd, flags: f, family: family, store: st}, nil
}

func (s *sides) close() {
	for _, img := range s.images {
		img.Close()
	}
	s.store.Close()
}

// sideKind tells what an argument names: "recipe", "lock" or "image".
func sideKind(arg string) string {
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		if _, err := os.Stat(filepath.Join(arg, recipe.FileName)); err == nil {
			return "recipe"
		}
	case strings.HasSuffix(arg, ".lock"):
		return "lock"
	case strings.HasSuffix(arg, ".yaml"), strings.HasSuffix(arg, ".yml"):
		return "recipe"
	}
	return "image"
}

// twoSides refuses any other number of arguments.
func twoSides(cmd *cobra.Command, args []string) error {
	if len(args) == 2 {
		return nil
	}
	return &kiln.Error{
		Code:  kiln.Usage,
		Text:  cmd.CommandPath() + " wants two things to compare: recipes, locks or images",
		Hints: []string{cmd.CommandPath() + " old.lock web/kiln.lock", cmd.CommandPath() + " oci:old.oci web", cmd.CommandPath() + " --help"},
	}
}

// full is all that is known of one side, for kiln diff.
func (s *sides) full(arg string) (*compare.Side, error) {
	switch sideKind(arg) {
	case "recipe":
		return s.recipe(arg)
	case "lock":
		l, p, err := s.lockFile(arg)
		if err != nil {
			return nil, err
		}
		return &compare.Side{Name: arg, Kind: "lock", Platform: p.String(), Packages: lockedPackages(l, p)}, nil
	}
	return s.image(arg)
}

// recipe puts the image of a recipe together, and writes nothing but the store.
func (s *sides) recipe(arg string) (*compare.Side, error) {
	r, err := recipe.Load(arg)
	if err != nil {
		return nil, err
	}
	p, err := onePlatform(r, s.flags.platform)
	if err != nil {
		return nil, err
	}
	update, err := s.flags.source.update()
	if err != nil {
		return nil, err
	}
	e, err := bake.Explain(s.cmd.Context(), bake.LockOptions{
		Family: s.family, Recipe: r, Path: lockPath(r.Path()), Locked: s.flags.locked, Update: update, Sink: s.app.ui.sink, Workshop: workshop(s.family, nil),
	}, p)
	if err != nil {
		return nil, err
	}
	config := e.Config()
	side := &compare.Side{Name: arg, Kind: "recipe", Platform: p.String(), Tree: e.Tree, Contents: e.Contents, Config: &config, Scripts: scriptEffects(e)}
	if side.Packages, err = side.Installed(); err != nil {
		return nil, err
	}
	locked := lockedPackages(e.Lock, p)
	for i := range side.Packages {
		for _, l := range locked {
			if q := &side.Packages[i]; q.Name == l.Name && q.Architecture == l.Architecture {
				q.Download = l.Download
			}
		}
	}
	if len(side.Packages) == 0 {
		side.Packages = locked
	}
	return side, nil
}

// scriptEffects is what the scripts of a recipe's packages changed, as far as the
// image shows it: not what was taken back, and not what is left out. It is never nil.
func scriptEffects(e *bake.Explanation) []compare.Script {
	all := []compare.Script{}
	made := map[string]bool{}
	for i := range e.Runs {
		run := &e.Runs[i]
		if run.Skipped != "" {
			continue
		}
		c := compare.Script{Name: run.Package.Name + "." + run.Script}
		for j := range run.Changes {
			if word := effect(e.Tree, &run.Changes[j], made); word != "" {
				c.Effects = append(c.Effects, word+" "+tree.Absolute(run.Changes[j].Path))
			}
		}
		slices.Sort(c.Effects)
		all = append(all, c)
	}
	return all
}

// effect is "makes", "changes" or "removes"; empty where the image t shows nothing
// of it. made are the paths that scripts have made so far.
func effect(t *tree.Tree, c *tree.Change, made map[string]bool) string {
	_, there := t.Lookup(c.Path)
	switch {
	case c.Before == nil:
		made[c.Path] = true
		if there {
			return "makes"
		}
	case c.After == nil:
		if !there && !made[c.Path] {
			return "removes"
		}
	case there:
		return "changes"
	}
	return ""
}

// image reads an image, as far as it is looked at.
func (s *sides) image(arg string) (*compare.Side, error) {
	want := kiln.Platform{}
	if s.flags.platform != "" {
		var err error
		if want, err = kiln.ParsePlatform(s.flags.platform); err != nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: err.Error()}
		}
	}
	ref, done, err := s.app.imageRef(s.cmd.Context(), arg)
	if err != nil {
		return nil, err
	}
	defer done() // what is looked at later is kept elsewhere
	img, err := image.Read(s.cmd.Context(), ref, image.Options{
		Platform: want, Native: nativePlatform(), Keep: compare.Needs, Spool: s.store.Dir(), Record: true, Sink: s.app.ui.sink,
	})
	if err != nil {
		return nil, notSide(arg, err)
	}
	s.images = append(s.images, img)
	side := &compare.Side{Name: arg, Kind: "image", Tree: img.Tree, Contents: img.Contents(), Config: img.Config, Unowned: img.Unowned}
	if img.Config != nil {
		side.Platform = img.Config.Platform.String()
	}
	if img.Record != nil && img.Config != nil && img.Record.Files[oci.TitleStory(img.Config.Platform)] != nil {
		e, err := recordedStory(img)
		if err != nil {
			return nil, &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot compare %s: %v", arg, err), Err: err, Hints: []string{"kiln verify " + arg}}
		}
		side.Scripts = scriptEffects(e)
	}
	side.Packages, err = side.Installed()
	return side, err
}

// notSide adds to the error of a path where nothing is what may stand there.
func notSide(arg string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) || kiln.CodeOf(err) != kiln.User {
		return err
	}
	return &kiln.Error{
		Code: kiln.User, Text: err.Error(), Err: errors.New(arg),
		Hints: []string{"name a recipe (its folder or kiln.yaml), a lock (kiln.lock) or an image (oci:FOLDER, oci-archive:FILE, docker-archive:FILE, tar:FILE, folder:FOLDER)"},
	}
}

// lockFile reads a lock and chooses one of its platforms.
func (s *sides) lockFile(path string) (*lock.Lock, kiln.Platform, error) {
	l, err := lock.Load(path)
	if err != nil {
		return nil, kiln.Platform{}, err
	}
	var have []kiln.Platform
	for _, p := range kiln.Platforms() {
		if l.Platforms[p] != nil {
			have = append(have, p)
		}
	}
	want := s.flags.platform
	for _, p := range have {
		if want != "" && (p.String() == want || p.OS+"/"+p.Architecture == want) || want == "" && p == nativePlatform() {
			return l, p, nil
		}
	}
	if want != "" || len(have) == 0 {
		return nil, kiln.Platform{}, &kiln.Error{Code: kiln.User, Text: "the lock " + path + " has no platform " + cmp.Or(want, "at all"), Hints: []string{"kiln lock"}}
	}
	return l, have[0], nil
}

// lockedPackages is what a lock tells of packages.
func lockedPackages(l *lock.Lock, p kiln.Platform) []compare.Package {
	all := []compare.Package{}
	for _, pkg := range l.Platforms[p].Packages {
		all = append(all, compare.Package{Name: pkg.Name, Version: pkg.Version, Architecture: pkg.Architecture, Source: pkg.Source, Download: pkg.Size, Content: -1})
	}
	return all
}

// completeSides completes recipes, locks, and images by TYPE:.
func completeSides(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []string
	if kind, path, typed := strings.Cut(word, ":"); typed {
		for _, found := range below(path) {
			list = append(list, kind+":"+found)
		}
		return list, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	for _, k := range image.Kinds() {
		if strings.HasPrefix(string(k), word) {
			list = append(list, string(k)+":")
		}
	}
	return append(list, below(word)...), cobra.ShellCompDirectiveNoSpace
}
