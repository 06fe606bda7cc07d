package rootfs_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// bench is a store with packages in it, and an Input that names them.
type bench struct {
	*testing.T
	store *store.Store
	in    rootfs.Input
}

func newBench(t *testing.T, r *recipe.Recipe) *bench {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return &bench{t, st, rootfs.Input{Platform: kiln.Platform{OS: "linux", Architecture: "amd64"}, Recipe: r}}
}

// add stores a package and locks it.
func (b *bench) add(s debtest.Spec, requiredBy ...string) {
	b.Helper()
	d, _, err := b.store.PutBytes(debtest.Build(s))
	if err != nil {
		b.Fatal(err)
	}
	id := kiln.PackageID{Name: or(s.Name, "pkg"), Version: or(s.Version, "1.0"), Architecture: or(s.Architecture, "all")}
	if requiredBy == nil {
		requiredBy = []string{"recipe"}
	}
	b.in.Packages = append(b.in.Packages, rootfs.Package{ID: id, Deb: d, RequiredBy: requiredBy})
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func (b *bench) assemble() *rootfs.Image {
	b.Helper()
	img, err := rootfs.Assemble(context.Background(), b.store, b.in)
	if err != nil {
		b.Fatal(err)
	}
	return img
}

func (b *bench) fails(code kiln.Code, want ...string) {
	b.Helper()
	_, err := rootfs.Assemble(context.Background(), b.store, b.in)
	if err == nil {
		b.Fatalf("no error; want one with %q", want)
	}
	if got := kiln.CodeOf(err); got != code {
		b.Errorf("code %q, want %q: %v", got, code, err)
	}
	text := err.Error() + "\n" + strings.Join(kiln.HintsOf(err), "\n")
	for _, w := range want {
		if !strings.Contains(text, w) {
			b.Errorf("no %q in the error:\n%s", w, text)
		}
	}
}

// dump shows the image's tree without what rules make in every image.
func dump(img *rootfs.Image) []string {
	own := []string{"accounts", "dpkg-database", "merged-usr", "parents"}
	var lines []string
	for e := range img.Tree.All() {
		if e.Path != "." && !slices.Contains(own, e.Origin.Rule) {
			lines = append(lines, e.String())
		}
	}
	return lines
}

// paths lists what dump does, by path only.
func paths(img *rootfs.Image) string {
	var all []string
	for _, line := range dump(img) {
		name, _, _ := strings.Cut(line, " ")
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

func content(t *testing.T, img *rootfs.Image, path string) string {
	t.Helper()
	e, ok := img.Tree.Lookup(path)
	if !ok {
		t.Fatalf("no %q in the image:\n%s", path, strings.Join(img.Tree.Dump(), "\n"))
	}
	r, err := img.Contents.OpenContent(e.Content)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b strings.Builder
	if _, err := readInto(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// oneLayer is a recipe with one layer that wants the packages.
func oneLayer(packages ...string) *recipe.Recipe {
	return &recipe.Recipe{Layers: []recipe.Layer{{Name: "base", Packages: wants(packages...)}}}
}

func wants(packages ...string) []recipe.Package {
	var all []recipe.Package
	for _, p := range packages {
		all = append(all, recipe.Package{Name: p, Why: "test"})
	}
	return all
}

// layerDigests tells what each layer holds: its epoch and each member's entries.
func layerDigests(t *testing.T, img *rootfs.Image) map[string]string {
	t.Helper()
	digests := map[string]string{}
	for _, l := range img.Layers {
		var b strings.Builder
		w := tree.NewTarWriter(&b)
		for _, m := range l.Members {
			b.WriteString(m.Name + "\n")
			for _, e := range m.Entries {
				if err := w.Add(e, img.Contents); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.WriteString(l.Epoch.Time().String())
		digests[l.Name] = string(kiln.DigestOf([]byte(b.String())))
	}
	return digests
}

func TestAssemble(t *testing.T) {
	r := oneLayer("app")
	b := newBench(t, r)
	b.add(debtest.Spec{Name: "app", Fields: []string{"Depends: lib"}, Time: 200, Entries: []debtest.Entry{
		{Path: "usr/bin/app", Mode: 0o4755, Content: "app"},
		{Path: "usr/bin/app2", Type: 'h', Link: "usr/bin/app"},
		{Path: "usr/share/doc/app/copyright", Content: "free"},
		{Path: "usr/share/doc/app/README", Content: "long"},
		{Path: "usr/share/man/man1/app.1.gz", Content: "long"},
		{Path: "var/lib/app/", Mode: 0o700, UID: 5, GID: 6},
	}})
	b.add(debtest.Spec{Name: "lib", Time: 100, Entries: []debtest.Entry{
		{Path: "lib/x/lib.so", Link: "lib.so.1"},
		{Path: "lib/x/lib.so.1", Content: "lib"},
		{Path: "usr/share/doc/lib", Link: "app"},
	}}, "app")
	img := b.assemble()
	want := []string{
		"/usr d 0755 @100",
		"/usr/bin d 0755 @200",
		"/usr/bin/app f 4755 @200 3B a172cedcae47",
		"/usr/bin/app2 f 4755 @200 3B a172cedcae47 = /usr/bin/app",
		"/usr/lib/x d 0755 @100",
		"/usr/lib/x/lib.so l 0777 @100 -> lib.so.1",
		"/usr/lib/x/lib.so.1 f 0644 @100 3B 0b8a72d8e4ca",
		"/usr/share d 0755 @100",
		"/usr/share/doc d 0755 @100",
		"/usr/share/doc/app d 0755 @200",
		"/usr/share/doc/app/copyright f 0644 @200 4B b0d8d1b9c0ce",
		"/usr/share/doc/lib l 0777 @100 -> app",
		"/var d 0755 @200",
		"/var/lib d 0755 @200",
		"/var/lib/app d 0700 5:6 @200",
	}
	if diff := cmp.Diff(want, dump(img), cmp.Transformer("digestless", digestless)); diff != "" {
		t.Errorf("tree differs (-want +got):\n%s", diff)
	}
	var members []string
	for _, m := range img.Layers[0].Members {
		members = append(members, m.Name)
	}
	if diff := cmp.Diff([]string{"directories", "app_1.0_all", "lib_1.0_all", "kiln"}, members); diff != "" {
		t.Error(diff)
	}
	if img.Epoch != 200 || img.Layers[0].Epoch != 200 {
		t.Errorf("epochs %d and %d, want 200", img.Epoch, img.Layers[0].Epoch)
	}
	if got := content(t, img, "usr/bin/app2"); got != "app" {
		t.Errorf("content %q", got)
	}
	e, _ := img.Tree.Lookup("usr/bin/app")
	if diff := cmp.Diff(tree.Origin{Package: "app", Recipe: "layers[base].packages[0]", Why: "test"}, e.Origin); diff != "" {
		t.Error(diff)
	}
}

// digestless cuts the short digest off a line of a dump, which the digests of the
// tree and the contents cover.
func digestless(line string) string {
	fields := strings.Fields(line)
	if i := slices.IndexFunc(fields, func(f string) bool { return strings.HasSuffix(f, "B") && f[0] >= '0' && f[0] <= '9' }); i > 0 && len(fields) > i+1 {
		fields = slices.Delete(fields, i+1, i+2)
	}
	return strings.Join(fields, "|")
}

func TestDatabase(t *testing.T) {
	b := newBench(t, oneLayer("app", "lib"))
	b.add(debtest.Spec{
		Name: "app", Architecture: "amd64", Conffiles: []string{"/etc/app.conf", "/usr/share/doc/app/gone", "remove-on-upgrade /etc/old"},
		Fields: []string{"X-Note: n", "Depends: lib:amd64 (>= 1)", "Status: purge ok", "Priority: optional"},
		Entries: []debtest.Entry{
			{Path: "etc/app.conf", Content: "1\n"},
			{Path: "usr/share/doc/app/gone", Content: "1\n"},
			{Path: "usr/bin/b", Content: "b"}, {Path: "usr/bin/a", Content: "a"},
			{Path: "usr/share/man/x", Content: "x"},
		},
	})
	b.add(debtest.Spec{Name: "lib", Architecture: "amd64", Fields: []string{"Multi-Arch: same"}, Entries: []debtest.Entry{{Path: "lib/x", Content: "x"}}})
	img := b.assemble()
	for _, row := range []struct{ path, want string }{
		{"status", "Package: app\nStatus: install ok installed\nPriority: optional\nMaintainer: Test <test@example.org>\nArchitecture: amd64\n" +
			"Version: 1.0\nDepends: lib:amd64 (>= 1)\nConffiles:\n /etc/app.conf b026324c6904b2a9cb4b88d6d61c81d1\n /etc/old newconffile remove-on-upgrade\nDescription: test package\nX-Note: n\n\n" +
			"Package: lib\nStatus: install ok installed\nMaintainer: Test <test@example.org>\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1.0\nDescription: test package\n\n"},
		{"info/app.list", "/.\n/etc\n/etc/app.conf\n/usr\n/usr/share\n/usr/bin\n/usr/bin/b\n/usr/bin/a\n"},
		{"info/app.md5sums", "0cc175b9c0f1b6a831c399e269772661  usr/bin/a\n92eb5ffee6ae2fec3ad71c777531578f  usr/bin/b\n"},
		{"info/app.conffiles", "/etc/app.conf\nremove-on-upgrade /etc/old\n"},
		{"info/lib:amd64.list", "/.\n/lib\n/lib/x\n"},
		{"info/lib:amd64.md5sums", "9dd4e461268c8034f5c8564e155c67a6  lib/x\n"},
		{"info/format", "1\n"},
	} {
		if diff := cmp.Diff(row.want, content(t, img, "var/lib/dpkg/"+row.path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.path, diff)
		}
	}
	if got := strings.Join(img.Tree.Children("var/lib/dpkg"), " "); got != "var/lib/dpkg/info var/lib/dpkg/status" {
		t.Errorf("the database holds %s", got)
	}
}

// twoLayers is a recipe and packages that use most of what there is.
func twoLayers(t *testing.T) *bench {
	greeting := "hello\n"
	r := &recipe.Recipe{
		Layers: []recipe.Layer{
			{Name: "base", Packages: wants("a", "b")},
			{Name: "app", Packages: wants("c"), Files: []recipe.File{{Path: "/etc/motd", Content: &greeting, Why: "greet"}}},
		},
		Users: []recipe.User{{Name: "app", UID: 10001, Why: "runs it"}},
	}
	b := newBench(t, r)
	b.add(debtest.Spec{Name: "a", Time: 10, Fields: []string{"Depends: shared"}, Entries: []debtest.Entry{{Path: "usr/a", Content: "a"}}})
	b.add(debtest.Spec{Name: "b", Time: 20, Fields: []string{"Depends: a"}, Entries: []debtest.Entry{{Path: "usr/b", Content: "b"}, {Path: "var/x/", Mode: 0o1777}, {Path: "var/x/b", Content: "b"}}})
	b.add(debtest.Spec{Name: "shared", Time: 30, Fields: []string{"Depends: b"}, Entries: []debtest.Entry{{Path: "bin/s", Content: "s"}}}, "a", "c")
	b.add(debtest.Spec{Name: "c", Time: 25, Entries: []debtest.Entry{{Path: "usr/c", Content: "c"}, {Path: "var/x/c", Content: "c"}}})
	b.add(debtest.Spec{Name: "d", Time: 24, Entries: []debtest.Entry{{Path: "usr/d", Content: "d"}}}, "c")
	return b
}

func TestOrderOfPackagesDoesNotMatter(t *testing.T) {
	b := twoLayers(t)
	want := layerDigests(t, b.assemble())
	all := b.in.Packages
	n := 0
	permute(len(all), func(order []int) {
		b.in.Packages = nil
		n++
		for _, i := range order {
			p := all[i]
			p.RequiredBy = slices.Clone(p.RequiredBy)
			if n%2 == 0 {
				slices.Reverse(p.RequiredBy)
			}
			b.in.Packages = append(b.in.Packages, p)
		}
		if diff := cmp.Diff(want, layerDigests(t, b.assemble())); diff != "" {
			t.Fatalf("order %v:\n%s", order, diff)
		}
	})
	if n != 120 {
		t.Errorf("%d orders tried", n)
	}
}

// permute calls f with every order of n things.
func permute(n int, f func([]int)) {
	order := make([]int, 0, n)
	var next func()
	next = func() {
		if len(order) == n {
			f(order)
			return
		}
		for i := range n {
			if !slices.Contains(order, i) {
				order = append(order, i)
				next()
				order = order[:len(order)-1]
			}
		}
	}
	next()
}

func TestColdAndWarmStoreGiveTheSame(t *testing.T) {
	cold, other := twoLayers(t), twoLayers(t)
	first := layerDigests(t, cold.assemble())
	var mu sync.Mutex
	var states []kiln.State
	cold.in.Sink = func(e kiln.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Step == kiln.StepUnpack {
			states = append(states, e.State)
		}
	}
	if diff := cmp.Diff(first, layerDigests(t, cold.assemble())); diff != "" {
		t.Error(diff)
	}
	if slices.ContainsFunc(states, func(s kiln.State) bool { return s != kiln.Cached }) || len(states) != 5 {
		t.Errorf("the second run unpacked: %v", states)
	}
	if diff := cmp.Diff(first, layerDigests(t, other.assemble())); diff != "" {
		t.Error(diff)
	}
}

func TestLayers(t *testing.T) {
	img := twoLayers(t).assemble()
	var got []string
	for _, l := range img.Layers {
		var files []string
		for _, m := range l.Members {
			for _, e := range m.Entries {
				if e.Type == tree.File {
					files = append(files, m.Name+":"+e.Path)
				}
			}
		}
		got = append(got, l.Name+" @"+l.Epoch.Time().Format("05")+" "+strings.Join(files, " "))
	}
	want := []string{
		"base @30 b_1.0_all:usr/b b_1.0_all:var/x/b a_1.0_all:usr/a shared_1.0_all:usr/bin/s kiln:etc/group kiln:etc/passwd " +
			"kiln:var/lib/dpkg/info/a.list kiln:var/lib/dpkg/info/a.md5sums kiln:var/lib/dpkg/info/b.list kiln:var/lib/dpkg/info/b.md5sums kiln:var/lib/dpkg/info/format " +
			"kiln:var/lib/dpkg/info/shared.list kiln:var/lib/dpkg/info/shared.md5sums kiln:var/lib/dpkg/status",
		"app @25 c_1.0_all:usr/c c_1.0_all:var/x/c d_1.0_all:usr/d kiln:etc/motd " +
			"kiln:var/lib/dpkg/info/c.list kiln:var/lib/dpkg/info/c.md5sums kiln:var/lib/dpkg/info/d.list kiln:var/lib/dpkg/info/d.md5sums kiln:var/lib/dpkg/info/format kiln:var/lib/dpkg/status",
		"dpkg @30 kiln:var/lib/dpkg/status",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layers differ (-want +got):\n%s", diff)
	}
	for _, l := range img.Layers[1:] { // what a lower layer decided about a directory stays
		for _, e := range l.Members[0].Entries {
			if e.Path == "var/x" && e.Mode != 0o1777 {
				t.Errorf("layer %s: %v", l.Name, e)
			}
		}
	}
	if got := strings.Count(content(t, img, "var/lib/dpkg/status"), "Package: "); got != 5 {
		t.Errorf("the merged status has %d packages", got)
	}
	if img.User != "" {
		t.Errorf("user %q", img.User)
	}
}

func TestLayerDependsOnItsOwnPackagesOnly(t *testing.T) {
	before := layerDigests(t, twoLayers(t).assemble())

	b := twoLayers(t)
	b.add(debtest.Spec{Name: "base-files", Time: 999, Entries: []debtest.Entry{{Path: "usr/bin/"}, {Path: "bin", Link: "usr/bin"}, {Path: "usr/new", Content: "n"}}}, "c")
	after := layerDigests(t, b.assemble())
	if before["base"] != after["base"] {
		t.Error("a package of the layer app changes the layer base")
	}
	if before["app"] == after["app"] {
		t.Error("a package of the layer app does not change it")
	}

	b = twoLayers(t)
	b.add(debtest.Spec{Name: "e", Time: 999, Entries: []debtest.Entry{{Path: "usr/new", Content: "n"}}}, "a")
	after = layerDigests(t, b.assemble())
	if before["app"] != after["app"] {
		t.Error("a package of the layer base changes the layer app")
	}
}

func TestEpochPassesOverTimesAfterTheBuild(t *testing.T) {
	for _, row := range []struct {
		summary      string
		first, other int64
		want         kiln.Epoch
	}{
		{"the newest", 50, 70, 70},
		{"at the build", 50, 100, 100},
		{"one is late", 70, 5000, 70},
		{"all are late", 101, 5000, 100},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t, oneLayer("pkg"))
			b.add(debtest.Spec{Bare: true, Time: 100, Entries: []debtest.Entry{
				{Path: "x", Content: "x", Time: row.first}, {Path: "y", Content: "y", Time: row.other},
			}})
			if got := b.assemble().Epoch; got != row.want {
				t.Errorf("epoch %d, want %d", got, row.want)
			}
		})
	}
}

func TestDamagedContentIsFoundAndMadeAnew(t *testing.T) {
	b := newBench(t, oneLayer("pkg"))
	b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "x", Content: "precious"}}})
	img := b.assemble()
	flip(t, b.store.Dir(), "precious")
	e, _ := img.Tree.Lookup("x")
	held, release := tree.Hold(img.Contents)
	defer release()
	for _, contents := range []tree.Contents{held, held} { // the blob is gone at the second time, and held open
		r, err := contents.OpenContent(e.Content)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var got strings.Builder
		if _, err := readInto(&got, r); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("read %q, error %v", got.String(), err)
		}
	}
	if got := content(t, b.assemble(), "x"); got != "precious" {
		t.Errorf("after the damage: %q", got)
	}
}

// Contents that are held read the same, also when what was opened is no longer there.
func TestHeldContents(t *testing.T) {
	b := twoLayers(t)
	img := b.assemble()
	held, release := tree.Hold(img.Contents)
	for range 2 {
		for e := range img.Tree.All() {
			if e.Type != tree.File {
				continue
			}
			want, got := readOf(t, img.Contents, e.Content), readOf(t, held, e.Content)
			if got != want {
				t.Errorf("%s: %q, want %q", e.Path, got, want)
			}
		}
	}
	again, none := tree.Hold(held)
	if again != held {
		t.Error("what is held is held again")
	}
	none()
	release()
	for e := range img.Tree.All() {
		if e.Type == tree.File && readOf(t, held, e.Content) != readOf(t, img.Contents, e.Content) {
			t.Errorf("%s: it reads otherwise after its release", e.Path)
		}
	}
}

func readOf(t *testing.T, c tree.Contents, d kiln.Digest) string {
	t.Helper()
	r, err := c.OpenContent(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b strings.Builder
	if _, err := readInto(&b, r); err != nil {
		t.Error(err)
	}
	return b.String()
}

func TestCancelled(t *testing.T) {
	b := twoLayers(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := rootfs.Assemble(ctx, b.store, b.in); err != context.Canceled {
		t.Errorf("error %v", err)
	}
}

// The bytes of images are a promise: this digest may change only together with
// lock.Format.
func TestTreeIsGolden(t *testing.T) {
	const want = "sha256:95c19ec027bcc163d6ebcc08acfcfb0d9fe8037b048c7a3cf31b6bfd9a280293"
	if got := twoLayers(t).assemble().Tree.Digest(); got != want {
		t.Errorf("tree digest %s, want %s", got, want)
	}
}
