package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/image"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// explained returns the image that an argument of kiln why names, where it is one. A
// file without a TYPE: before it counts as one only by its name: paths of the image
// that is asked about are often paths of the host, too.
func explained(arg string) (image.Reference, bool) {
	if _, ok, _ := imageOfRegistry(arg); ok {
		return image.Reference{From: arg}, true // imageRef fetches it
	}
	ref := image.ParseReference(arg)
	if ref.Kind != "" {
		return ref, true
	}
	info, err := os.Stat(ref.Path)
	if err != nil || !info.IsDir() && filepath.Ext(ref.Path) != ".tar" {
		return ref, false
	}
	return ref, isImage(ref)
}

// explainImage takes from an image and the record of its build alone how the image for
// one platform came about. All of it is verified: each blob against its digest, the
// recorded tree against the image's.
func (a *app) explainImage(ctx context.Context, ref image.Reference, platform string) (*inquiry, error) {
	o := image.Options{Native: nativePlatform(), Spool: a.spool(), Record: true, Sink: a.ui.sink, Keep: func(tree.Entry) bool { return false }}
	if platform != "" {
		p, err := kiln.ParsePlatform(platform)
		if err != nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: err.Error()}
		}
		o.Platform = p
	}
	var layers layerEntries
	o.Entry = layers.add
	img, err := image.Read(ctx, ref, o)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	if c := img.Config; c != nil && platform != "" && c.Platform != o.Platform {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("%s is for %s alone", ref, c.Platform), Hints: []string{"--platform " + c.Platform.String()}}
	}
	if img.Record == nil || img.Config == nil {
		return nil, unrecorded(img, ref)
	}
	e, err := recordedStory(img)
	if err != nil {
		out := &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot tell about %s: %v", ref, err), Hints: []string{"kiln verify " + ref.String()}, Err: err}
		if out.Code == kiln.User {
			out.Hints = []string{"build it again: kiln build RECIPE", "or ask the recipe that it was made of: kiln why RECIPE SUBJECT..."}
		}
		return nil, out
	}
	e.Layers = layers.of(img, e)
	q := newInquiry(e.Recipe, e)
	q.image, q.config = ref.String(), *img.Config
	return q, nil
}

// unrecorded is the error of an image that does not tell what it was made of.
func unrecorded(img *image.Image, ref image.Reference) error {
	e := &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot tell about the %s image %q: no record of its build stands beside it", img.Kind, img.Path),
		Hints: []string{"ask the recipe that it was made of: kiln why RECIPE SUBJECT..."},
	}
	switch img.Kind {
	case image.Tar, image.Folder:
		e.Text = fmt.Sprintf("cannot tell about %s: a root file system alone has no record of its build", ref)
		e.Hints = append(e.Hints, "or the layout that it was unpacked of: kiln why oci:FOLDER SUBJECT...")
	default:
		e.Text += ": its index.json names none"
		e.Hints = append(e.Hints, "or the layout that kiln wrote: other tools that copy an image leave its record behind")
	}
	return e
}

// recordedStory is what the record of an image tells of one platform.
func recordedStory(img *image.Image) (*bake.Explanation, error) {
	p := img.Config.Platform
	t, err := img.Record.Tree(p)
	if err != nil {
		return nil, err
	}
	if got, want := img.Tree.Digest(), t.Digest(); got != want {
		return nil, &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("its tree is %s, and the record of its build is of the tree %s", got, want)}
	}
	text, ok := img.Record.Files[oci.TitleStory(p)]
	if !ok {
		return nil, &kiln.Error{Code: kiln.User, Text: "an older kiln wrote the record of its build, which does not tell enough"}
	}
	story, units, err := bake.ReadStory(text)
	if err != nil {
		return nil, &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("the %s of its record cannot be read: %v", oci.TitleStory(p), err)}
	}
	r, problems := recipe.Parse(oci.TitleRecipe, img.Record.Files[oci.TitleRecipe])
	if problems != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: problems.Error(), Err: problems}
	}
	l, err := lock.Parse("the lock recorded with the image", img.Record.Files[oci.TitleLock])
	if err != nil {
		return nil, err
	}
	if l.Platforms[p] == nil {
		return nil, &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("its recorded lock has no platform %s", p)}
	}
	return &bake.Explanation{Root: bake.Root{Tree: t, Units: units, Story: *story}, Recipe: r, Lock: l, Platform: p}, nil
}

// layerEntries are the entries of each layer of an image, as its tar has them.
type layerEntries [][]tree.Entry

func (l *layerEntries) add(layer int, e tree.Entry) {
	for len(*l) <= layer {
		*l = append(*l, nil)
	}
	(*l)[layer] = append((*l)[layer], e)
}

// of returns the layers of the image, with the origins that the record tells.
func (l layerEntries) of(img *image.Image, e *bake.Explanation) []tree.Layer {
	lowest := map[string]tree.Origin{}
	for _, f := range e.Folders {
		lowest[f.Path] = f.Origin
	}
	var layers []tree.Layer
	for i, entries := range l {
		layer := tree.Layer{Name: strings.TrimPrefix(img.Layers[i].CreatedBy, "kiln layer "), Members: []tree.Member{{}}}
		for _, entry := range entries {
			if hidden, ok := strings.CutPrefix(filepath.Base(entry.Path), ".wh."); ok {
				layer.Removed = append(layer.Removed, tree.Join(tree.Parent(entry.Path), hidden))
				continue
			}
			if top, ok := e.Tree.Lookup(entry.Path); ok {
				entry.Origin = top.Origin
			}
			if o, ok := lowest[entry.Path]; ok {
				entry.Origin = o
			}
			layer.Members[0].Entries = append(layer.Members[0].Entries, entry)
		}
		slices.SortFunc(layer.Members[0].Entries, func(a, b tree.Entry) int { return tree.Compare(a.Path, b.Path) })
		layers = append(layers, layer)
	}
	return layers
}
