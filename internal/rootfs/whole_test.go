package rootfs_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"kiln/internal/rootfs"
	"kiln/internal/tree"
)

// whole assembles with a report and checks that the image is what the packages
// and their scripts made, less what was left out: no more and no less.
func (b *bench) whole() *rootfs.Image {
	b.Helper()
	b.in.Trace = true
	img, after, err := rootfs.Configured(context.Background(), b.store, b.in)
	if err != nil {
		b.Fatal(err)
	}
	for _, problem := range wrong(img, after) {
		b.Error(problem)
	}
	return img
}

// wrong lists what contradicts the promises of an image's layers.
func wrong(img *rootfs.Image, after []rootfs.Configuration) []string {
	var problems []string
	image := tree.New()
	for i := range after {
		l := img.Layers[i]
		problems = append(problems, wrongMembers(l, image, after[i].Tree, i)...)
		if err := image.Apply(l); err != nil {
			return append(problems, fmt.Sprintf("layer %q: %v", l.Name, err))
		}
		problems = append(problems, wrongEntries(l.Name, image, after[i].Tree, after[i].Dropped)...)
	}
	return append(problems, unreadable(img)...)
}

// wrongMembers finds entries that stand twice in a layer, in the wrong member, or
// that repeat what the layers below hold.
func wrongMembers(l tree.Layer, lower, after *tree.Tree, number int) []string {
	var problems []string
	seen := map[string]string{}
	for _, m := range l.Members {
		last := ""
		for _, e := range m.Entries {
			if other, twice := seen[e.Path]; twice {
				problems = append(problems, fmt.Sprintf("layer %q: %q is in the members %q and %q", l.Name, e.Path, other, m.Name))
			}
			seen[e.Path] = m.Name
			if _, ok := seen[tree.Parent(e.Path)]; !ok {
				problems = append(problems, fmt.Sprintf("layer %q: %v comes before its directory", l.Name, e))
			}
			if m.Name == "directories" && e.Type != tree.Dir {
				problems = append(problems, fmt.Sprintf("layer %q: %v is in the member %q", l.Name, e, m.Name))
			}
			if last != "" && tree.Compare(last, e.Path) >= 0 {
				problems = append(problems, fmt.Sprintf("layer %q: %q comes after %q", l.Name, e.Path, last))
			}
			last = e.Path
			if e.ModTime > l.Epoch {
				problems = append(problems, fmt.Sprintf("layer %q: %v is newer than the layer", l.Name, e))
			}
			old, there := lower.Lookup(e.Path)
			if m.Name == "kiln" && e.Type != tree.Dir && number > 0 && there && alike(old, e) && !isDatabase(e.Path) &&
				len(after.Names(e.Path)) < 2 && len(lower.Names(e.Path)) < 2 {
				problems = append(problems, fmt.Sprintf("layer %q repeats %v", l.Name, e))
			}
		}
	}
	return problems
}

func isDatabase(path string) bool { return strings.HasPrefix(path+"/", "var/lib/dpkg/") }

// alike compares all that outputs tell but hard links and the times of folders.
func alike(x, y tree.Entry) bool {
	x.Origin, y.Origin = tree.Origin{}, tree.Origin{}
	x.Hard, y.Hard = false, false
	if x.Type == tree.File {
		x.Link, y.Link = "", ""
	}
	if x.Type == tree.Dir {
		x.ModTime, y.ModTime = 0, 0
	}
	return x.String() == y.String() && maps.Equal(x.Xattrs, y.Xattrs)
}

// wrongEntries compares the image as far as the layer with what was configured.
func wrongEntries(layer string, image, after *tree.Tree, dropped map[string]bool) []string {
	var problems []string
	for e := range image.All() {
		is, ok := after.Lookup(e.Path)
		switch {
		case isDatabase(e.Path) || e.Path == ".":
		case dropped[e.Path]: // a layer above leaves its own change out, or the folder is needed
		case !ok:
			problems = append(problems, fmt.Sprintf("layer %q: nothing made %v (%+v)", layer, e, e.Origin))
		case ok && !alike(e, is):
			problems = append(problems, fmt.Sprintf("layer %q: the image has %v (%+v)\nconfigured was %v (%+v)", layer, e, e.Origin, is, is.Origin))
		case ok && e.Type == tree.File && !slices.Equal(kept(image, image.Names(e.Path), dropped), kept(image, after.Names(is.Path), dropped)):
			problems = append(problems, fmt.Sprintf("layer %q: the names of %q are %q, configured were %q", layer, e.Path, image.Names(e.Path), after.Names(is.Path)))
		}
		if e.Path != "." && e.Origin == (tree.Origin{}) {
			problems = append(problems, fmt.Sprintf("layer %q: %v has no origin", layer, e))
		}
	}
	for e := range after.All() {
		if _, ok := image.Lookup(e.Path); !ok && !dropped[e.Path] && !isDatabase(e.Path) && !strings.HasPrefix(e.Path, "var/cache/debconf") && !idle(e, dropped) {
			problems = append(problems, fmt.Sprintf("layer %q: the image lacks %v (%+v)", layer, e, e.Origin))
		}
	}
	return problems
}

// idle reports whether e is a folder that was there only for what is left out.
func idle(e tree.Entry, dropped map[string]bool) bool {
	if e.Type != tree.Dir || e.Origin.Script != "" || e.Origin.Recipe != "" && e.Origin.Package == "" {
		return false
	}
	for p := range dropped {
		if strings.HasPrefix(p, e.Path+"/") {
			return true
		}
	}
	return slices.Contains([]string{"var", "var/lib", "var/cache"}, e.Path) // above the databases
}

// kept lists those of the names that are in the image as configured.
func kept(image *tree.Tree, names []string, dropped map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { _, ok := image.Lookup(n); return !ok || dropped[n] })
}

// unreadable finds files whose content is not there.
func unreadable(img *rootfs.Image) []string {
	var problems []string
	w := tree.NewTarWriter(discard{})
	for e := range img.Tree.All() {
		if err := w.Add(e, img.Contents); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// holding lists the members of the layer that hold the path.
func holding(img *rootfs.Image, layer int, path string) string {
	var names []string
	for _, m := range img.Layers[layer].Members {
		if slices.ContainsFunc(m.Entries, func(e tree.Entry) bool { return e.Path == path }) {
			names = append(names, m.Name)
		}
	}
	return strings.Join(names, " ")
}

func origin(t *testing.T, img *rootfs.Image, path string) tree.Origin {
	t.Helper()
	e, ok := img.Tree.Lookup(path)
	if !ok {
		t.Fatalf("no %q in the image:\n%s", path, strings.Join(img.Tree.Dump(), "\n"))
	}
	return e.Origin
}
