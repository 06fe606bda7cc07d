package apt_test

import (
	"context"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

func TestIndexForms(t *testing.T) {
	for _, form := range []string{"", "gz", "xz", "zst"} {
		suite := honest()
		suite.Compress = []string{form}
		_, pkgs, err := newBench(t, suite).load("arm64")
		if err != nil || names(pkgs) != "alpha:arm64 docs:all" {
			t.Errorf("form %q: %q, %v", form, names(pkgs), err)
		}
	}
}

func TestByHash(t *testing.T) {
	asked := func(b *bench) string {
		var all []string
		for _, r := range b.Requests() {
			if strings.Contains(r.Path, "binary-") {
				all = append(all, r.Path)
			}
		}
		return strings.Join(all, " ")
	}
	with := newBench(t, honest())
	if _, _, err := with.load("amd64"); err != nil || !strings.Contains(asked(with), "/by-hash/SHA256/") || strings.Contains(asked(with), "Packages") {
		t.Errorf("with by-hash: asked for %q, %v", asked(with), err)
	}
	suite := honest()
	suite.NoByHash = true
	without := newBench(t, suite)
	if _, _, err := without.load("amd64"); err != nil || asked(without) != "dists/trixie/main/binary-amd64/Packages.xz" {
		t.Errorf("without: asked for %q, %v", asked(without), err)
	}
	gone := newBench(t, suite)
	gone.Update(apttest.New(func() apttest.Suite { s := suite; s.Fields = []string{"Acquire-By-Hash: yes"}; return s }()))
	if _, _, err := gone.load("amd64"); err != nil || !strings.HasSuffix(asked(gone), " dists/trixie/main/binary-amd64/Packages.xz") {
		t.Errorf("promised and not kept: asked for %q, %v", asked(gone), err)
	}
}

func TestNextFormWhereOneIsMissing(t *testing.T) {
	suite := honest()
	suite.NoByHash = true
	b := newBench(t, suite)
	b.Fail("*Packages.xz", apttest.Fault{Status: 404})
	if _, pkgs, err := b.load("amd64"); err != nil || len(pkgs) != 3 {
		t.Errorf("%q, %v", names(pkgs), err)
	}
	b.Fail("*Packages.gz", apttest.Fault{Status: 404})
	b.client = b.newClient(t, openStore(t))
	_, _, err := b.load("amd64")
	wantError(t, err, kiln.Network, "cannot fetch", "Packages.xz", "404")
}

func TestArchitectureAll(t *testing.T) {
	rows := []struct {
		summary string
		suite   apttest.Suite
		arch    string
		want    string
	}{
		{"in every index", honest(), "arm64", "alpha:arm64 docs:all"},
		{"in one of its own", func() apttest.Suite { s := honest(); s.SplitAll = true; return s }(), "arm64", "alpha:arm64 docs:all"},
		{"in one of its own that is not for clients", func() apttest.Suite {
			s := honest()
			s.SplitAll, s.Fields = true, []string{"No-Support-for-Architecture-all: Packages"}
			return s
		}(), "arm64", "alpha:arm64"},
		{"of an architecture that is not there", func() apttest.Suite { s := honest(); s.SplitAll = true; return s }(), "riscv64", "docs:all"},
		{"nothing for an architecture", honest(), "riscv64", ""},
	}
	for _, row := range rows {
		b := newBench(t, row.suite)
		_, pkgs, err := b.load(row.arch)
		if err != nil || names(pkgs) != row.want {
			t.Errorf("%s: %q, want %q: %v", row.summary, names(pkgs), row.want, err)
		}
		if row.want == "" && b.events[len(b.events)-1].State != kiln.Warning {
			t.Errorf("%s: no warning", row.summary)
		}
	}
}

func TestFlatArchive(t *testing.T) {
	for _, folder := range []string{"/", "./", "deep/er/"} {
		suite := honest()
		suite.Name, suite.Codename = folder, "-"
		suite.EditIndex = func(_, text string) string { return strings.ReplaceAll(text, "Filename: ", "Filename: ./") }
		b := newBench(t, suite)
		_, pkgs, err := b.load("amd64")
		if err != nil || names(pkgs) != "alpha:amd64 alpha:arm64 docs:all large:amd64" {
			t.Fatalf("%q: %q, %v", folder, names(pkgs), err)
		}
		if err := b.client.Fetch(context.Background(), b.items(t, pkgs)); err != nil {
			t.Errorf("%q: %v", folder, err)
		}
	}
}

func TestComponents(t *testing.T) {
	suite := honest()
	suite.Components = []string{"main", "contrib"}
	suite.Packages = append(suite.Packages, apttest.Package{Component: "contrib", Spec: debtest.Spec{Name: "extra", Architecture: "amd64"}})
	b := newBench(t, suite)
	_, pkgs, err := b.load("amd64")
	if err != nil || names(pkgs) != "alpha:amd64 docs:all large:amd64 extra:amd64" {
		t.Errorf("%q, %v", names(pkgs), err)
	}
	b.pocket.Components = []string{"main", "non-free"}
	_, _, err = b.load("amd64")
	wantError(t, err, kiln.User, `no component "non-free"`)
}

// TestHostileIndexes serves indexes that the Release vouches for and that are
// bad all the same, or that it does not vouch for.
func TestHostileIndexes(t *testing.T) {
	edit := func(old, new string) func(*apttest.Suite, *apttest.Fault) {
		return func(s *apttest.Suite, _ *apttest.Fault) {
			s.EditIndex = func(_, text string) string { return strings.Replace(text, old, new, 1) }
		}
	}
	rows := []struct {
		summary string
		set     func(*apttest.Suite, *apttest.Fault)
		says    string
	}{
		{"altered, of the same size", func(_ *apttest.Suite, f *apttest.Fault) { f.Content = []byte("same") }, "the content is another"},
		{"a path that climbs", edit("Filename: pool/", "Filename: ../../pool/"), "inside the archive"},
		{"a path that is absolute", edit("Filename: pool/", "Filename: /pool/"), "inside the archive"},
		{"a path with a backslash", edit("Filename: pool/", `Filename: ..\..\`), "below the archive's root"},
		{"no SHA256", edit("SHA256: ", "SHA25: "), "SHA256"},
		{"not deb822", edit("Package: ", "Package "), "colon"},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			suite, f := honest(), apttest.Fault{}
			row.set(&suite, &f)
			b := newBench(t, suite)
			if f.Content != nil {
				b.Fail("*", apttest.Fault{})
				for name, content := range apttest.New(suite) {
					if strings.Contains(name, "binary-amd64") {
						bad := append([]byte(nil), content...)
						bad[len(bad)/2] ^= 1
						b.Fail(name, apttest.Fault{Content: bad})
					}
				}
			}
			_, _, err := b.load("amd64")
			wantError(t, err, kiln.Refused, row.says)
		})
	}
}

func TestIndexThatIsAnotherInsideThanListed(t *testing.T) {
	suite := honest()
	suite.EditRelease = func(s string) string {
		var out []string
		for _, l := range strings.Split(s, "\n") {
			if strings.HasSuffix(l, " main/binary-amd64/Packages") {
				l = " " + strings.Repeat("0", 64) + strings.TrimPrefix(l, l[:65])
			}
			out = append(out, l)
		}
		return strings.Join(out, "\n")
	}
	_, _, err := newBench(t, suite).load("amd64")
	wantError(t, err, kiln.Refused, "its text was altered")

	suite.EditRelease = func(s string) string {
		var out []string
		for _, l := range strings.Split(s, "\n") {
			if f := strings.Fields(l); len(f) == 3 && f[2] == "main/binary-amd64/Packages" {
				l = " " + f[0] + " 10 " + f[2]
			}
			out = append(out, l)
		}
		return strings.Join(out, "\n")
	}
	_, _, err = newBench(t, suite).load("amd64")
	wantError(t, err, kiln.Refused, "longer than 10 bytes")
}

func TestLockedIndex(t *testing.T) {
	ctx := context.Background()
	suite := honest()
	b := newBench(t, suite)
	rel, err := b.client.Release(ctx, b.pocket)
	if err != nil {
		t.Fatal(err)
	}
	indexes, err := b.client.Indexes(ctx, b.pocket, rel, "amd64")
	if err != nil {
		t.Fatal(err)
	}
	// As a lock has it: no more than the path, the digest and the size.
	ix := apt.Index{Component: "main", Architecture: "amd64", Path: indexes[0].Path, Digest: indexes[0].Digest, Size: indexes[0].Size}

	b.Fail("*", apttest.Fault{Times: 1, Status: 500})
	if list, err := b.client.Packages(ctx, b.pocket, ix); err != nil || list.Len() != 3 {
		t.Errorf("from the store: %v, %v", list, err)
	}
	site := apttest.New(suite)
	suite.Packages, suite.Date = suite.Packages[:1], apttest.Now
	site.Add(suite)
	b.Update(site)
	b.client = b.newClient(t, openStore(t))
	if list, err := b.client.Packages(ctx, b.pocket, ix); err != nil || list.Len() != 3 {
		t.Errorf("by hash, from an archive that moved on: %v, %v", list, err)
	}
	b.Update(apttest.New(suite))
	b.client = b.newClient(t, openStore(t))
	_, err = b.client.Packages(ctx, b.pocket, ix)
	wantError(t, err, kiln.Network, "cannot load the locked index", "no mirror keeps it any more")
	if hints := strings.Join(kiln.HintsOf(err), " "); !strings.Contains(hints, "kiln lock --update") {
		t.Errorf("hints %q", hints)
	}
	ix.Path = "../../../../etc/passwd"
	_, err = b.client.Packages(ctx, b.pocket, ix)
	wantError(t, err, kiln.Refused, "below the archive's root")
}
