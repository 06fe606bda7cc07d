package rootfs_test

import (
	"strings"
	"testing"

	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
)

// A script may link a file that a rule or the recipe makes: it stays one file,
// whichever name sorts first, and whichever layer the script is of.
func TestHardLinksToOwnFiles(t *testing.T) {
	for _, row := range []struct {
		summary, script string
		want            map[string]string
	}{
		{"of a rule, sorting before", "ln /etc/passwd /etc/aaa", map[string]string{"etc/passwd": "= /etc/aaa"}},
		{"of a rule, sorting behind", "ln /etc/passwd /etc/zzz", map[string]string{"etc/zzz": "= /etc/passwd"}},
		{"of a rule, on both sides", "ln /etc/passwd /etc/zzz; ln /etc/zzz /etc/aaa", map[string]string{"etc/passwd": "= /etc/aaa", "etc/zzz": "= /etc/aaa"}},
		{"of a rule, and gone again", "ln /etc/passwd /etc/aaa; rm /etc/aaa", map[string]string{"etc/passwd": "f 0644", "etc/aaa": ""}},
		{"of a rule, which moves", "ln /etc/passwd /etc/aaa; rm /etc/passwd; cp -p /etc/aaa /etc/passwd", map[string]string{"etc/aaa": "f 0644", "etc/passwd": "f 0644"}},
		{"of the recipe, sorting before", "ln /srv/mine /srv/aaa", map[string]string{"srv/mine": "= /srv/aaa"}},
		{"of the recipe, sorting behind", "ln /srv/mine /srv/zzz", map[string]string{"srv/zzz": "= /srv/mine"}},
		{"of the recipe, changed", "ln /srv/mine /srv/aaa; echo more >> /srv/aaa", map[string]string{"srv/aaa": "f 0644 @10 9B", "srv/mine": "f 0644 @10 4B"}},
		{"of the recipe, its mode changed", "ln /srv/mine /srv/aaa; chmod 600 /srv/aaa", map[string]string{"srv/aaa": "f 0600 @10 4B", "srv/mine": "f 0644 @10 4B"}},
	} {
		for _, layers := range [][]recipe.Layer{{{Name: "base", Packages: wants("pkg")}}, {{Name: "low", Packages: wants("low")}, {Name: "base", Packages: wants("pkg")}}} {
			t.Run(row.summary, func(t *testing.T) {
				mine := []recipe.File{{Path: "/srv/mine", Content: text("mine"), Why: "test"}}
				layers[0].Files = mine
				b := newBench(t, &recipe.Recipe{Layers: layers})
				b.add(debtest.Spec{Name: "pkg", Time: 10, Entries: []debtest.Entry{{Path: "usr/pkg", Content: "p"}}, Scripts: postinst(row.script)})
				if len(layers) > 1 {
					b.add(debtest.Spec{Name: "low", Time: 10, Entries: []debtest.Entry{{Path: "usr/low", Content: "p"}}})
				}
				check(t, b, row.want, nil)
				b.in.Build = "test"
				cold := strings.Join(dump(b.assemble()), "\n")
				if warm := strings.Join(dump(b.assemble()), "\n"); warm != cold {
					t.Errorf("from the store it is\n%s\nwant\n%s", warm, cold)
				}
			})
		}
	}
}
