package rootfs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
	"kiln/internal/store"
)

// Files that are just laid over the layers below give what maint would have come to.
func TestLaidFilesAreAsInstalled(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	laid := 0
	rapid.Check(t, func(t *rapid.T) {
		in := drawImage(t, st)
		in.Files = fstest.MapFS{"folder/a": {Data: []byte("a")}, "folder/d/b": {Data: []byte("b")}}
		for i := range rapid.IntRange(1, 2).Draw(t, "layers of files") {
			in.Recipe.Layers = append(in.Recipe.Layers, drawFiles(t, fmt.Sprintf("files%d", i)))
		}
		n, differing, err := rootfs.Laid(context.Background(), st, in)
		laid += n
		if len(differing) > 0 || kiln.CodeOf(err) == kiln.Bug {
			t.Fatal(differing, err)
		}
	})
	if laid == 0 {
		t.Error("none was laid")
	}
}

func drawFiles(t *rapid.T, name string) recipe.Layer {
	l := recipe.Layer{Name: name}
	text := "laid"
	for range rapid.IntRange(1, 4).Draw(t, "files") {
		f := recipe.File{Path: "/" + somePath(t) + rapid.SampledFrom([]string{"", "/r", "/new/r"}).Draw(t, "rest"), Why: "test"}
		switch rapid.IntRange(0, 4).Draw(t, "sort") {
		case 0:
			f.Directory = true
			f.Mode = rapid.SampledFrom([]string{"", "0700"}).Draw(t, "mode")
		case 1:
			f.Link = "n"
		case 2:
			f.From = "folder"
		default:
			f.Content = &text
		}
		l.Files = append(l.Files, f)
	}
	return l
}

// A layer without packages holds its files, and nothing of what dpkg knows of the packages below.
func TestLayerOfFilesHoldsNothingElse(t *testing.T) {
	text := "x"
	r := &recipe.Recipe{Layers: []recipe.Layer{
		{Name: "base", Packages: wants("dpkg")},
		{Name: "app", Files: []recipe.File{{Path: "/etc/app.conf", Content: &text, Why: "test"}}},
	}}
	b := newBench(t, r)
	b.add(debtest.Spec{Name: "dpkg", Scripts: []debtest.Script{{Name: "triggers", Content: "interest-noawait /usr/lib/x\ninterest y\n"}}})
	var got []string
	for _, e := range b.assemble().Layers[1].Entries() {
		got = append(got, e.Path)
	}
	if diff := cmp.Diff(". etc etc/app.conf", strings.Join(got, " ")); diff != "" {
		t.Error(diff)
	}
}
