package examples_test

import (
	"io/fs"
	"path"
	"slices"
	"testing"

	"kiln/examples"
	"kiln/internal/recipe"
)

func TestTemplatesAreValid(t *testing.T) {
	for _, tm := range examples.Templates() {
		src, err := fs.ReadFile(examples.FS, path.Join(tm.Name, recipe.FileName))
		if err != nil {
			t.Errorf("template %q: %v", tm.Name, err)
			continue
		}
		r, problems := recipe.Parse(tm.Name+"/"+recipe.FileName, src)
		if len(problems) > 0 {
			t.Errorf("template %q:\n%v", tm.Name, problems)
		} else if r.Name != tm.Name {
			t.Errorf("template %q makes an image called %q", tm.Name, r.Name)
		}
		if tm.Summary == "" {
			t.Errorf("template %q has no summary", tm.Name)
		}
	}
}

// Every folder is listed, and nothing is embedded but what init should write.
func TestNothingElseIsEmbedded(t *testing.T) {
	want := []string{}
	for _, tm := range examples.Templates() {
		want = append(want, tm.Name+"/"+recipe.FileName)
	}
	var got []string
	err := fs.WalkDir(examples.FS, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, p)
		}
		return err
	})
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("embedded: %q, %v; want %q", got, err, want)
	}
}
