package survey_test

import (
	"testing"
	"time"

	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// What the recipe says of the image's life is known: support lasts through its last day.
// What it does not say is not known, and why.
func TestLifecycle(t *testing.T) {
	s := subject(t, nil)
	s.Recipe = &recipe.Recipe{Name: "web", Version: "1.4"}
	f := read(t, s)
	if f.Recipe.SupportUntil != nil || f.Recipe.Replaces != nil || f.Unknown["recipe.support_until"] == "" || f.Unknown["recipe.replaces"] == "" {
		t.Errorf("%+v, not known %v", f.Recipe, f.Unknown)
	}
	s.Recipe.Lifecycle = recipe.Lifecycle{SupportUntil: recipe.Date{Time: time.Date(2028, 6, 30, 0, 0, 0, 0, time.UTC)}, Replaces: "web@1.3"}
	f = read(t, s)
	if f.Recipe.SupportUntil == nil || !f.Recipe.SupportUntil.Equal(time.Date(2028, 7, 1, 0, 0, 0, 0, time.UTC)) || f.Recipe.Replaces == nil || *f.Recipe.Replaces != "web@1.3" || f.Unknown["recipe.replaces"] != "" {
		t.Errorf("%+v, not known %v", f.Recipe, f.Unknown)
	}
}

// A package is as old as the newest file that it ships; what a script or the recipe has
// changed does not count.
func TestNewest(t *testing.T) {
	times := func(e *tree.Entry) {
		switch e.Path {
		case "usr/bin/tool":
			e.ModTime, e.Origin = 1000, tree.Origin{Package: "base"}
		case "etc/base.conf":
			e.ModTime, e.Origin = 5000, tree.Origin{Package: "base", Script: "base.postinst"}
		}
	}
	s := subject(t, times)
	if f := read(t, s); len(f.Packages) != 1 || f.Packages[0].Newest == nil || f.Packages[0].Newest.Unix() != 5000 {
		t.Errorf("by the list of files: %+v", f.Packages)
	}
	s.Origins = true
	if f := read(t, s); f.Packages[0].Newest == nil || f.Packages[0].Newest.Unix() != 1000 {
		t.Errorf("by origins: %+v", f.Packages)
	}
	if f := read(t, subject(t, nil)); f.Packages[0].Newest != nil || f.Unknown["pkg.newest"] == "" {
		t.Errorf("without times: %+v", f.Packages)
	}
}
