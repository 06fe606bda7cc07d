package bake_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/tree"
)

// storySample has one of each thing that a story tells.
func storySample() (bake.Story, []bake.Unit) {
	lib := kiln.PackageID{Name: "lib", Version: "1", Architecture: "i386"}
	by := tree.Origin{Package: "lib:i386", Script: "lib:i386.postinst:3"}
	return bake.Story{
		Packages: []bake.Package{{
			ID: lib, Name: "lib:i386", Layer: "base", RequiredBy: []string{"recipe"}, Recipe: "layers[base].packages[0]", Why: "old programs",
			Relations: []bake.Relation{{Field: "Depends", Text: "a | b (>= 2)"}}, Files: 3, Bytes: 70,
		}},
		Runs: []bake.Run{{
			Package: lib, Script: "postinst", Args: []string{"configure", ""},
			Changes: []tree.Change{
				{Path: "etc/made", After: &tree.Entry{Path: "etc/made"}},
				{Path: "etc/mended", Before: &tree.Entry{Path: "etc/mended"}, After: &tree.Entry{Path: "etc/mended"}, Fields: []string{"mode", "content"}},
				{Path: "etc/gone", Before: &tree.Entry{Path: "etc/gone", Type: tree.Symlink, Origin: by}},
			},
			Notes: []bake.Note{{Kind: bake.Enable, Subject: "x.service", Script: "lib:i386.postinst:7"}},
		}, {Package: lib, Script: "preinst", Skipped: "skip[0]", Why: "it asks"}},
		Accounts: []bake.Account{{Name: "u", ID: 7, GID: 8, Gecos: "g", Home: "/h", Shell: "/s", Origin: by}, {Group: true, Name: "g", ID: 8, Members: []string{"u"}}},
		Dropped: []bake.Dropped{
			{Path: "usr/share/man/x", Type: tree.File, Package: lib, Origin: by, By: "no-man", Why: "nobody reads"}, {Path: "run/y", Type: tree.Dir, By: "no-man", Why: "nobody reads"},
		},
		Folders: []bake.SharedFolder{{Path: "etc", Origin: tree.Origin{Rule: "parents"}}},
	}, []bake.Unit{{Name: "x.service", Wanted: []string{"lib:i386.postinst:7"}, Enabled: true, Recipe: "system.services.enable[0]", Why: "w"}}
}

// What a record tells of a story is the story.
func TestStory(t *testing.T) {
	story, units := storySample()
	text, err := bake.StoryText(&story, units)
	if err != nil {
		t.Fatal(err)
	}
	got, gotUnits, err := bake.ReadStory(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(story, *got) + cmp.Diff(units, gotUnits); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	for _, row := range []struct{ old, new, want string }{
		{`{`, `[`, "no JSON"},
		{`"format":1`, `"format":2`, "it has format 2, and this kiln knows 1"},
		{`"package":0`, `"package":1`, "leads nowhere"},
		{`"package":-1`, `"package":-2`, "leads nowhere"},
		{`"reason":0`, `"reason":9`, "leads nowhere"},
		{`"type":"l","origin":0`, `"type":"l","origin":-1`, "leads nowhere"},
		{`"path":"etc","origin":2`, `"path":"etc","origin":3`, "leads nowhere"},
	} {
		bad := strings.Replace(string(text), row.old, row.new, 1)
		if bad == string(text) {
			t.Errorf("nothing was changed of %q in\n%s", row.old, text)
		} else if _, _, err := bake.ReadStory([]byte(bad)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: %v, want %q", row.new, err, row.want)
		}
	}
}
