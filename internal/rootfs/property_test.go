package rootfs_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
	"kiln/internal/store"
)

// Whatever packages ship and scripts do, in however many layers: the image is what
// was configured less what was left out.
func TestWholeOfRandomImages(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if n := flag.Lookup("rapid.checks"); n.Value.String() == n.DefValue { // each is several images
		_ = n.Value.Set("30")
	}
	rapid.Check(t, func(t *rapid.T) {
		in := drawImage(t, st)
		img, after, err := rootfs.Configured(context.Background(), st, in)
		if err != nil {
			if kiln.CodeOf(err) == kiln.Bug {
				t.Fatal(err)
			}
			t.Skip(err)
		}
		for _, problem := range wrong(img, after) {
			t.Error(problem)
		}
		plain := assembled(t, st, in)
		in.Build = "test"
		for _, summary := range []string{"cold", "warm"} {
			if diff := cmp.Diff(plain, assembled(t, st, in), cmpopts.IgnoreUnexported(rootfs.User{}, rootfs.Group{})); diff != "" {
				t.Errorf("%s, with results kept (-without +with):\n%s", summary, diff)
			}
		}
	})
}

// assembled returns all that there is to an image, each content read.
func assembled(t *rapid.T, st *store.Store, in rootfs.Input) []any {
	img, err := rootfs.Assemble(context.Background(), st, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range unreadable(img) {
		t.Error(problem)
	}
	return []any{img.Layers, img.Tree.Entries(), img.Epoch, img.Accounts.Users, img.Accounts.Groups, img.Units, img.Report}
}

// drawImage draws layers with one or two packages each, and puts those into the
// store.
func drawImage(t *rapid.T, st *store.Store) rootfs.Input {
	in := rootfs.Input{Platform: kiln.Platform{OS: "linux", Architecture: "amd64"}, Recipe: &recipe.Recipe{}}
	number := 0
	for i := range rapid.IntRange(1, 3).Draw(t, "layers") {
		l := recipe.Layer{Name: fmt.Sprintf("layer%d", i)}
		for range rapid.IntRange(1, 2).Draw(t, "packages") {
			s := drawPackage(t, fmt.Sprintf("p%d", number))
			number++
			l.Packages = append(l.Packages, recipe.Package{Name: s.Name, Why: "test"})
			d, _, err := st.PutBytes(debtest.Build(s))
			if err != nil {
				t.Fatal(err)
			}
			id := kiln.PackageID{Name: s.Name, Version: "1.0", Architecture: "all"}
			in.Packages = append(in.Packages, rootfs.Package{ID: id, Deb: d, RequiredBy: []string{"recipe"}})
		}
		if rapid.IntRange(0, 3).Draw(t, "drops") == 0 { // of all that is there: a pattern that matches nothing is an error
			l.Drop = append(l.Drop, recipe.Glob{Path: "/" + somePath(t) + rapid.SampledFrom([]string{"", "/**"}).Draw(t, "rest"), Why: "test"})
		}
		if rapid.IntRange(0, 3).Draw(t, "files") == 0 {
			text := "recipe"
			l.Files = append(l.Files, recipe.File{Path: "/" + somePath(t) + "/r", Content: &text, Why: "test"})
		}
		in.Recipe.Layers = append(in.Recipe.Layers, l)
	}
	return in
}

func drawPackage(t *rapid.T, name string) debtest.Spec {
	s := debtest.Spec{Name: name, Time: int64(1000 + len(name)*10)}
	modes := rapid.SampledFrom([]int64{0o755, 0o700, 0o2775})
	for _, dir := range []string{"srv", "srv/d", "srv/e", "srv/d/s"} {
		if rapid.Bool().Draw(t, dir) {
			s.Entries = append(s.Entries, debtest.Entry{Path: dir + "/", Mode: modes.Draw(t, "mode")})
		}
	}
	first := ""
	for _, file := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"srv/", "srv/d/", "srv/e/", "srv/d/s/"}), 0, 3, rapid.ID[string]).Draw(t, "files") {
		e := debtest.Entry{Path: file + name, Content: "x"}
		if first != "" && rapid.Bool().Draw(t, "hard") {
			e.Type, e.Link = 'h', first
		} else if first == "" {
			first = e.Path
		}
		s.Entries = append(s.Entries, e)
	}
	for _, script := range []string{"preinst", "postinst"} {
		var lines []string
		for range rapid.IntRange(0, 4).Draw(t, script) {
			lines = append(lines, drawLine(t))
		}
		if lines != nil {
			s.Scripts = append(s.Scripts, debtest.Script{Name: script, Content: "#!/bin/sh\n" + strings.Join(lines, "\n") + "\nexit 0\n"})
		}
	}
	return s
}

// somePath draws a path at which something may be.
func somePath(t *rapid.T) string {
	dir := rapid.SampledFrom([]string{"srv", "srv/d", "srv/e", "srv/d/s", "srv/f"}).Draw(t, "dir")
	name := rapid.SampledFrom([]string{"", "/p0", "/p1", "/p2", "/n", "/m"}).Draw(t, "name")
	return dir + name
}

// drawLine draws a line of a script. What it does may fail.
func drawLine(t *rapid.T) string {
	lines := []string{
		"echo 1 > A", "echo 2 >> A", "mkdir -p A", "mkdir -m 711 A", "rm -f A", "rm -rf A", "rmdir A", "mv A B", "mv -T A B", "cp -a A B", "cp A B",
		"ln A B", "ln -f A B", "ln -s B A", "ln -sfn n A", "chmod 600 A", "chmod -R g+w A", "chown 3:4 A", "chown -R 5 A", "touch A", "touch -d @7 A",
		"cp -p A A.t; mv A.t A", "dpkg-divert --quiet --package zz --rename --add A", "dpkg-statoverride --force --update --add root root 0711 A",
		"update-alternatives --quiet --install B alt A 10", "rm -rf A; ln -s d A", "mv A A.moved; ln -s A.moved A",
	}
	line := rapid.SampledFrom(lines).Draw(t, "line")
	return strings.NewReplacer("A", "/"+somePath(t), "B", "/"+somePath(t)).Replace(line) + " 2>/dev/null || true"
}

// Order of packages and state of the store leave no trace.
func TestRandomImagesAreReproducible(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rapid.Check(t, func(t *rapid.T) {
		in := drawImage(t, st)
		img, err := rootfs.Assemble(context.Background(), st, in)
		if err != nil {
			t.Skip(err)
		}
		slices.Reverse(in.Packages)
		again, err := rootfs.Assemble(context.Background(), st, in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range img.Layers {
			if x, y := fmt.Sprintf("%+v", img.Layers[i]), fmt.Sprintf("%+v", again.Layers[i]); x != y {
				t.Errorf("layer %d differs:\n%s\n%s", i, x, y)
			}
		}
	})
}
