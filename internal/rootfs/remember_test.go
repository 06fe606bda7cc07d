package rootfs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
)

// keeping is an image of two layers whose scripts read one of the recipe's files
// and of the other no more than its name.
func keeping(t *testing.T) *bench {
	t.Helper()
	read, unread := "read 1\n", "unread 1\n"
	r := &recipe.Recipe{Layers: []recipe.Layer{
		{Name: "low", Packages: wants("low"), Files: []recipe.File{
			{Path: "/etc/read", Content: &read, Why: "test"}, {Path: "/etc/unread", Content: &unread, Owner: "daemon", Why: "test"},
		}},
		{Name: "up", Packages: wants("up")},
	}}
	r.Users = []recipe.User{{Name: "daemon", UID: 7, Why: "test"}}
	b := newBench(t, r)
	b.add(debtest.Spec{Name: "low", Scripts: postinst("mkdir -p /srv; cp /etc/read /srv/low; echo /etc/un* > /srv/names; echo hello > /srv/hello"), Entries: []debtest.Entry{{Path: "etc/low", Content: "x"}}})
	b.add(debtest.Spec{Name: "up", Scripts: postinst("cat /srv/low /etc/read > /srv/up; [ ! -e /etc/gone ] || echo there > /srv/gone; rm /etc/low")})
	b.in.Build = "one"
	return b
}

// configurings tells of each layer, in order, whether it was configured or known.
func (b *bench) configurings() string {
	b.Helper()
	var all []string
	b.in.Sink = func(e kiln.Event) {
		if e.Step != kiln.StepConfigure || e.State == kiln.Started {
			return
		}
		all = append(all, fmt.Sprintf("%s %s", strings.Fields(e.Subject)[1], map[kiln.State]string{kiln.Finished: "done", kiln.Cached: "known"}[e.State]))
	}
	with := b.assemble()
	b.in.Sink = nil
	build := b.in.Build
	b.in.Build = ""
	without := b.assemble()
	b.in.Build = build
	if diff := cmp.Diff(without.Layers, with.Layers); diff != "" {
		b.Errorf("with what was kept it is another image (-without +with):\n%s", diff)
	}
	if diff := cmp.Diff(without.Units, with.Units); diff != "" {
		b.Error(diff)
	}
	return strings.Join(all, ", ")
}

func TestConfiguringIsDoneOnce(t *testing.T) {
	text := func(s string) *string { return &s }
	const known, again, upper = "low known, up known", "low done, up done", "low known, up done"
	for _, row := range []struct {
		summary string
		change  func(b *bench)
		want    string
	}{
		{"nothing", func(*bench) {}, known},
		{"a file that no script reads", func(b *bench) { b.in.Recipe.Layers[0].Files[1].Content = text("other\n") }, known},
		{"a file that scripts read", func(b *bench) { b.in.Recipe.Layers[0].Files[0].Content = text("read 2\n") }, again},
		{"the mode of a file", func(b *bench) { b.in.Recipe.Layers[0].Files[1].Mode = "0600" }, again},
		{"another file", func(b *bench) {
			b.in.Recipe.Layers[0].Files = append(b.in.Recipe.Layers[0].Files, recipe.File{Path: "/etc/gone", Content: text(""), Why: "test"})
		}, again},
		{"a file of the upper layer", func(b *bench) {
			b.in.Recipe.Layers[1].Files = []recipe.File{{Path: "/etc/gone", Content: text(""), Why: "test"}}
		}, upper},
		{"a label", func(b *bench) { b.in.Recipe.Container.Labels = map[string]string{"a": "b"} }, known},
		{"a drop", func(b *bench) { b.in.Recipe.Layers[0].Drop = []recipe.Glob{{Path: "/srv/hello", Why: "test"}} }, known},
		{"a reason", func(b *bench) { b.in.Recipe.Layers[1].Packages[0].Why = "another" }, upper},
		{"a skip", func(b *bench) { b.in.Recipe.Skip = []recipe.Skip{{Package: "up", Why: "test"}} }, upper},
		{"a user", func(b *bench) { b.in.Recipe.Users[0].Home = "/srv" }, again},
		{"the build of kiln", func(b *bench) { b.in.Build = "two" }, again},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := keeping(t)
			if got := b.configurings(); got != again {
				t.Errorf("at first: %s", got)
			}
			row.change(b)
			if got := b.configurings(); got != row.want {
				t.Errorf("then: %s, want %s", got, row.want)
			}
			if got := b.configurings(); got != known {
				t.Errorf("again: %s", got)
			}
		})
	}
}

// What is kept and damaged is made anew.
func TestDamagedConfigurings(t *testing.T) {
	b := keeping(t)
	b.configurings()
	var results []string
	err := filepath.WalkDir(b.store.Dir(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(path, "/results/") {
			results = append(results, path)
		}
		return err
	})
	if err != nil || len(results) == 0 {
		t.Fatalf("%d results: %v", len(results), err)
	}
	for _, path := range results {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, damage := range [][]byte{data[:len(data)/2], nil, []byte(strings.Replace(string(data), "srv", "etc", 1))} {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage, 0o644); err != nil {
				t.Fatal(err)
			}
			b.configurings()
		}
	}
}

// The recipe's accounts go to the first layer: it is not missed in those above, when these
// alone are made anew.
func TestAccountsOfALayerThatIsKnown(t *testing.T) {
	b := keeping(t)
	b.add(basePasswd(""))
	b.in.Recipe.Layers[0].Packages = wants("low", "base-passwd")
	b.in.Recipe.Users = []recipe.User{{Name: "app", UID: 10001, Why: "test"}}
	b.in.Recipe.Layers[0].Files[1].Owner = "app"
	b.configurings()
	b.in.Recipe.Layers[1].Packages[0].Why = "another"
	if got := b.configurings(); got != "low known, up done" {
		t.Error(got)
	}
}
