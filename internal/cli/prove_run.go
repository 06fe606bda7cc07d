package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/image"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/proof"
	"kiln/internal/recipe"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// proving is one run of kiln prove.
type proving struct {
	app         *app
	flags       proveFlags
	family      *debian.Family
	store       *store.Store
	work        string // folder of both builds
	started     time.Time
	compression oci.Compression

	secrets bake.StageSecrets

	first      string // what the second build is held against
	recipe     *recipe.Recipe
	lock       *lock.Lock
	platforms  []kiln.Platform
	variations []proof.Variation
	result     *bake.Result // of the second build
	answers    []proof.Answer
	outputs    []proof.Output
	took       time.Duration
}

// proveRecipe builds a recipe twice.
func (p *proving) proveRecipe(ctx context.Context, path string) error {
	var err error
	if p.recipe, err = recipe.Load(path); err != nil {
		return err
	}
	if p.platforms, err = choosePlatforms(p.recipe, p.flags.platforms); err != nil {
		return err
	}
	if p.secrets, err = p.flags.stages.given(p.app, p.recipe); err != nil {
		return err
	}
	update, err := p.flags.source.update()
	if err != nil {
		return err
	}
	first := filepath.Join(p.work, "first")
	if err := os.Mkdir(first, 0o755); err != nil {
		return err
	}
	outputs := p.proofOutputs(p.flags.types, first)
	if _, err := bake.Build(ctx, bake.Options{
		Lock: bake.LockOptions{
			Family: p.family, Recipe: p.recipe, Path: lockPath(p.recipe.Path()), Locked: p.flags.locked, Update: update, Sink: p.app.ui.sink, Workshop: workshop(p.family, p.secrets),
		},
		Store: p.store, Platforms: p.platforms, Outputs: outputs, Compression: p.compression, Native: nativePlatform(), Tool: tool(), Unjudged: true, Build: p.family.Build, Sink: p.app.ui.sink,
	}); err != nil {
		return err
	}
	if p.lock, err = lock.Load(lockPath(p.recipe.Path())); err != nil {
		return err
	}
	p.first = "a build of " + p.recipe.Path()
	file, err := copyRecipe(p.recipe, p.lock, p.platforms, filepath.Dir(p.recipe.Path()), filepath.Join(p.work, "second", "recipe"))
	if err != nil {
		return err
	}
	again, err := p.buildAgain(ctx, file, p.flags.types)
	if err != nil {
		return err
	}
	for i := range outputs {
		if err := p.asked(ctx, reference(outputs[i])); err != nil {
			return err
		}
		o := proof.Options{Native: nativePlatform(), Files: true}
		if err := p.compare(ctx, reference(outputs[i]), reference(again[i]), o); err != nil {
			return err
		}
	}
	return nil
}

// proofOutputs are outputs of both builds, below a folder.
func (p *proving) proofOutputs(types []string, dir string) []bake.Output {
	var all []bake.Output
	for _, t := range types {
		all = append(all, bake.Output{Type: bake.OutputType(t), Path: filepath.Join(dir, "image."+t)})
	}
	return all
}

func reference(o bake.Output) image.Reference {
	return image.Reference{Kind: image.Kind(o.Type), Path: o.Path}
}

// buildAgain builds the recipe at file a second time, elsewhere.
func (p *proving) buildAgain(ctx context.Context, file string, types []string) ([]bake.Output, error) {
	folder := filepath.Join(p.work, "second")
	if err := p.family.Fetch(ctx, p.recipe, p.lock, p.platforms); err != nil {
		return nil, err
	}
	cold := filepath.Join(folder, "store")
	if err := fillStore(ctx, p.store, p.lock, p.platforms, cold, store.Options{Now: p.app.world.Now}); err != nil {
		return nil, err
	}
	s := &second{app: p.app, folder: folder, in: secondInput{
		Recipe: file, Store: cold, Platforms: p.platforms, Outputs: p.proofOutputs(types, folder), Compression: p.compression, Days: secondDays,
	}}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if p.secrets == nil { // of an image
		given, err := p.flags.stages.given(p.app, p.recipe)
		if err != nil {
			return nil, err
		}
		p.secrets = given
	}
	for id, source := range p.secrets {
		value, err := source(ctx)
		if err != nil {
			return nil, err
		}
		if s.in.Secrets == nil {
			s.in.Secrets = map[string][]byte{}
		}
		s.in.Secrets[id] = value
	}
	work := kiln.Sink(p.app.ui.sink).Start(kiln.StepVerify, "second build", 0)
	started := p.app.world.Now()
	out, variations, err := s.run(ctx)
	if work.End(err) != nil {
		return nil, err
	}
	p.took, p.result, p.variations = p.app.world.Now().Sub(started), out.Result, variations
	return s.in.Outputs, nil
}

// compare compares one output of both builds.
func (p *proving) compare(ctx context.Context, first, second image.Reference, o proof.Options) error {
	o.Spool, o.Sink = p.app.spool(), p.app.ui.sink
	if slices.Contains([]image.Kind{image.Layout, image.LayoutArchive}, second.Kind) {
		o.Platforms = p.platforms
	}
	out := proof.Output{Type: string(first.Kind)}
	var err error
	if out.First, err = p.digestOf(first); err != nil {
		return err
	}
	if out.Second, err = p.digestOf(second); err != nil {
		return err
	}
	if bake.OutputType(first.Kind) == bake.Listing {
		out.Differences, err = proof.CompareListings(first.Path, second.Path)
	} else {
		out.Differences, err = proof.Compare(ctx, first, second, o)
	}
	if err != nil {
		return err
	}
	if out.Differences == nil {
		out.Differences = []proof.Difference{}
	}
	out.Equal = len(out.Differences) == 0
	p.outputs = append(p.outputs, out)
	return nil
}

// digestOf is the digest of what the layout in a folder names, or of a file.
func (p *proving) digestOf(ref image.Reference) (kiln.Digest, error) {
	if ref.Kind == image.Layout {
		return image.LayoutDigest(ref)
	}
	return fileDigest(ref.Path)
}

// asked gathers what the record of an image tells of scripts that asked what differs from build
// to build. Forms without a record tell nothing.
func (p *proving) asked(ctx context.Context, ref image.Reference) error {
	if !slices.Contains([]image.Kind{image.Layout, image.LayoutArchive}, ref.Kind) || p.answers != nil {
		return nil
	}
	out, err := image.ReadOutline(ctx, ref, image.Options{Native: nativePlatform()})
	if err != nil || out.Record == nil {
		return err
	}
	for _, recorded := range out.Record.Platforms {
		text, ok := out.Record.Files[oci.TitleStory(recorded.Platform)]
		if !ok {
			continue
		}
		story, _, err := bake.ReadStory(text)
		if err != nil {
			return err
		}
		for _, run := range story.Runs {
			for _, n := range run.Notes {
				a := proof.Answer{Script: n.Script, Asked: n.Kind, Answer: strings.TrimPrefix(n.Subject, "answered ")}
				if n.Pinned() && !slices.Contains(p.answers, a) {
					p.answers = append(p.answers, a)
				}
			}
		}
	}
	return nil
}

// statement is what was found.
func (p *proving) statement() *proof.Statement {
	v := versionOf()
	s := &proof.Statement{PredicateType: proof.PredicateType, Predicate: proof.Predicate{
		Kiln:       proof.Builder{Version: v.Version, Revision: v.Revision, Go: v.Go, Format: v.Format, Build: p.family.Build},
		Recipe:     proof.SubjectOf(p.recipe.Name, kiln.DigestOf(p.recipe.Text())),
		Lock:       kiln.DigestOf(p.lock.Marshal()),
		First:      p.first,
		Variations: p.variations,
		Outputs:    p.outputs,
		Answers:    p.answers,
		Times:      proof.Times{Started: p.started.UTC(), Finished: p.app.world.Now().UTC(), SecondMS: p.took.Milliseconds()},
	}}
	s.Predicate.Reproducible = !slices.ContainsFunc(p.outputs, func(o proof.Output) bool { return !o.Equal })
	name := p.recipe.Name
	if p.recipe.Version != "" {
		name += ":" + p.recipe.Version
	}
	s.Subject = []proof.Subject{proof.SubjectOf(name, p.result.Index)}
	for _, img := range p.result.Images {
		of := name + " " + img.Platform.String()
		if img.Digest != p.result.Index {
			s.Subject = append(s.Subject, proof.SubjectOf(of, img.Digest))
		}
		s.Subject = append(s.Subject, proof.SubjectOf(of+", tree", img.Tree))
	}
	return s
}

// proveImage builds an image again, from its record or from a recipe.
func (p *proving) proveImage(ctx context.Context, ref image.Reference) error {
	img, err := image.Read(ctx, ref, image.Options{
		Native: nativePlatform(), Platform: p.onlyPlatform(), Spool: p.app.spool(), Record: true, Sink: p.app.ui.sink, Keep: func(tree.Entry) bool { return false },
	})
	if err != nil {
		return err
	}
	defer img.Close()
	ref.Kind = img.Kind
	p.first = "the image " + ref.String()
	if err := p.asked(ctx, ref); err != nil {
		return err
	}
	file, err := p.recorded(ctx, img)
	if err != nil {
		return err
	}
	types := []string{string(img.Kind)}
	if img.Kind == image.Folder {
		types[0] = string(bake.Listing)
	}
	if !slices.Contains(provable(), types[0]) {
		return fmt.Errorf("bug: an image of the kind %q", img.Kind)
	}
	again, err := p.buildAgain(ctx, file, types)
	if err != nil {
		return err
	}
	if img.Kind == image.Folder {
		return p.compareFolder(ctx, ref, again[0].Path)
	}
	return p.compare(ctx, ref, reference(again[0]), proof.Options{Native: nativePlatform()})
}

// compareFolder compares a folder with the listing that the second build gave.
func (p *proving) compareFolder(ctx context.Context, ref image.Reference, listing string) error {
	text, err := os.ReadFile(listing)
	if err != nil {
		return err
	}
	t, err := tree.ParseListing(text)
	if err != nil {
		return err
	}
	reports, err := proof.Verify(ctx, ref, proof.Expected{Tree: t, Name: "the second build"}, proof.Options{Spool: p.app.spool(), Sink: p.app.ui.sink})
	if err != nil {
		return err
	}
	r := reports[0]
	for i := range r.Changes { // the folder comes first here
		r.Changes[i].Was, r.Changes[i].Is = r.Changes[i].Is, r.Changes[i].Was
	}
	p.outputs = append(p.outputs, proof.Output{
		Type: string(ref.Kind), First: r.Found, Second: r.Tree, Equal: r.Equal, Differences: r.Changes, Ignored: r.Ignored,
	})
	return nil
}

func (p *proving) onlyPlatform() kiln.Platform {
	if len(p.flags.platforms) == 1 {
		if named, err := kiln.ParsePlatform(p.flags.platforms[0]); err == nil {
			return named
		}
	}
	return kiln.Platform{}
}

// recorded writes the recipe that an image was made of, its lock and its files to the
// folder of the second build, and returns the path of the recipe there.
func (p *proving) recorded(ctx context.Context, img *image.Image) (string, error) {
	to := filepath.Join(p.work, "second", "recipe")
	if img.Record == nil {
		return p.unrecorded(ctx, to, img)
	}
	if img.Record.Format != lock.Format {
		return "", &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot build the image again: it is of format %d, and this kiln writes format %d", img.Record.Format, lock.Format),
			Hints: []string{"use a kiln of that format: kiln version tells it"},
		}
	}
	p.compression = img.Record.Compression
	for _, t := range img.Record.Platforms {
		p.platforms = append(p.platforms, t.Platform)
	}
	r, problems := recipe.Parse("the recipe recorded with the image", img.Record.Files[oci.TitleRecipe])
	if problems != nil {
		return "", &kiln.Error{Code: kiln.User, Text: problems.Error(), Err: problems}
	}
	var err error
	if p.lock, err = lock.Parse("the lock recorded with the image", img.Record.Files[oci.TitleLock]); err != nil {
		return "", err
	}
	given, err := p.given(ctx)
	if err != nil {
		return "", err
	}
	defer given.close()
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(to, recipe.FileName)
	if err := copyTaken(r, p.platforms, given.folder, to); err != nil {
		return "", err
	}
	for name, text := range map[string][]byte{file: r.Text(), lockPath(file): img.Record.Files[oci.TitleLock]} {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return "", err
		}
	}
	p.recipe, err = recipe.Load(file)
	return file, err
}

// unrecorded is recorded for an image without a record: --recipe tells all.
func (p *proving) unrecorded(ctx context.Context, to string, img *image.Image) (string, error) {
	if p.flags.recipe == "" && p.flags.pack == "" {
		return "", &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot build the %s image %q again: no record of its build stands beside it", img.Kind, img.Path),
			Hints: []string{"name the recipe that it was made of, with its lock: --recipe RECIPE", "or a pack of it: --pack FILE"},
		}
	}
	given, err := p.given(ctx)
	if err != nil {
		return "", err
	}
	defer given.close()
	if p.recipe, p.lock = given.recipe, given.lock; p.lock == nil {
		if p.recipe, err = recipe.Load(p.flags.recipe); err != nil {
			return "", err
		}
		if p.lock, err = lock.Load(lockPath(p.recipe.Path())); err != nil {
			return "", err
		}
	}
	platform := ""
	if img.Config != nil {
		platform = img.Config.Platform.String()
	}
	if len(p.flags.platforms) > 0 {
		platform = p.flags.platforms[0]
	}
	one, err := onePlatform(p.recipe, platform)
	if err != nil {
		return "", err
	}
	p.platforms = []kiln.Platform{one}
	file, err := copyRecipe(p.recipe, p.lock, p.platforms, given.folder, to)
	if err != nil {
		return "", err
	}
	p.recipe, err = recipe.Load(file) // since the pack is closed
	return file, err
}

// given is what --recipe or --pack say that an image was made of.
type given struct {
	folder string         // with the recipe's files; empty where neither says it
	recipe *recipe.Recipe // of a pack
	lock   *lock.Lock     // of a pack
	close  func()
}

func (p *proving) given(ctx context.Context) (given, error) {
	folder := p.flags.recipe
	if folder != "" && !isFolder(folder) {
		folder = filepath.Dir(folder)
	}
	g := given{folder: folder, close: func() {}}
	if p.flags.pack == "" {
		return g, nil
	}
	path, done, err := p.app.packPath(ctx, p.store, p.flags.pack)
	if err != nil {
		return g, err
	}
	defer done()
	u, err := bake.Unpack(ctx, bake.UnpackOptions{Archivist: p.family, Store: p.store, Path: path, From: layoutPath(p.flags.pack), Sink: p.app.ui.sink})
	if err != nil {
		return g, err
	}
	root, err := u.Recipe.Root()
	if err != nil {
		u.Close()
		return g, err
	}
	defer root.Close()
	g.folder, g.recipe, g.lock, g.close = root.Name(), u.Recipe, u.Lock, func() { u.Close() }
	return g, nil
}
