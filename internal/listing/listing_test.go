package listing_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/listing"
)

// sample has each thing that a package of an index can have, and things that
// differ from what is usual.
const sample = `Package: zeta
Version: 1:2.0-1
Architecture: amd64
Source: alpha (2.0)
Multi-Arch: same
Section: libs
Priority: optional
Pre-Depends: libc6 (>= 2.41)
Depends: beta (<< 3) | gamma:any (= 2.0-1) | delta, epsilon:arm64 [amd64 i386] <!nocheck> <stage1 cross>, beta
Recommends: only-recommended
Conflicts: beta (<= 1)
Breaks: gone (>> 5)
Replaces: only-replaced
Provides: virtual (= 3), virtual, other:any
Installed-Size: 123456
Filename: pool/main/a/alpha/zeta_2.0-1_amd64.deb
SHA256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
Size: 9876543210

Package: beta
Version: 2
Architecture: all
Essential: yes
Provides: virtual
Filename: ./odd name.deb
SHA256: 1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
Size: 1

Package: beta
Version: 2
Architecture: amd64
Depends: zeta
Filename: beta_2_amd64.deb
SHA256: 2123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
Size: 1

Package: beta
Version: 10
Architecture: all
Source: omega
Filename: pool/beta_10_all.deb
SHA256: 3123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
Size: 1
`

func read(t testing.TB, text string) []*deb.Package {
	t.Helper()
	packages, err := deb.ReadPackages(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

func build(t testing.TB, packages []*deb.Package, text listing.Text) []byte {
	t.Helper()
	b, err := listing.Build(packages, text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, b []byte) *listing.List {
	t.Helper()
	l, err := listing.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func all(l *listing.List) []*deb.Package {
	var list []*deb.Package
	for i := range l.Len() {
		list = append(list, l.Package(i))
	}
	return list
}

// TestRoundTrip demands each package back as it was, in order, whatever order they
// came in.
func TestRoundTrip(t *testing.T) {
	p := read(t, sample)
	want := []*deb.Package{p[3], p[1], p[2], p[0]}
	text := listing.Text{Digest: kiln.DigestOf([]byte(sample)), Size: int64(len(sample))}
	first := build(t, p, text)
	l := open(t, first)
	if diff := cmp.Diff(want, all(l)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if l.Text() != text {
		t.Errorf("made of %v, not of %v", l.Text(), text)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		random.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		twice := append(slices.Clone(p), p[random.IntN(len(p))]) // one of them is left out
		if !bytes.Equal(first, build(t, twice, text)) {
			t.Fatal("another order of packages gives another listing")
		}
	}
}

func TestLookups(t *testing.T) {
	l := open(t, build(t, read(t, sample), listing.Text{}))
	check := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	check("names", []string{"beta", "zeta"}, slices.Collect(l.Names()))
	check("architectures", []string{"all", "amd64"}, l.Architectures())
	check("essential", []int{1}, l.Essential())
	check("text", listing.Text{}, l.Text())
	named := map[string][2]int{"beta": {0, 3}, "zeta": {3, 4}, "gamma": {}, "nobody": {}, "": {}, "zzz": {}}
	for name, want := range named {
		first, end := l.Named(name)
		check(name, want, [2]int{first, end})
	}
	check("virtual", []listing.Provision{{By: 1}, {By: 3, Version: "3"}, {By: 3}}, l.Provisions("virtual"))
	check("other", []listing.Provision{{By: 3, Qualifier: "any"}}, l.Provisions("other"))
	check("provided by nobody", []listing.Provision(nil), l.Provisions("beta"))
	// zeta is of the source alpha, and so the first to be read.
	type at struct {
		By, Place int
		OK        bool
	}
	mentions := map[string]at{
		"zeta": {3, 0, true}, "libc6": {3, 1, true}, "beta": {3, 2, true}, "delta": {3, 3, true}, "gone": {3, 6, true},
		"only-recommended": {3, 7, true}, "only-replaced": {3, 8, true}, "virtual": {3, 9, true},
		"gamma": {}, "epsilon": {}, "other": {}, "omega": {}, "nobody": {},
	}
	for name, want := range mentions {
		by, place, ok := l.FirstMention(name)
		check("mention of "+name, want, at{by, place, ok})
	}
}

func TestEmpty(t *testing.T) {
	l, err := listing.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if first, end := l.Named("a"); l.Len() != 0 || first != end || l.Provisions("a") != nil || len(l.Essential()) != 0 {
		t.Error("an empty listing holds something")
	}
}

// TestDamage changes a listing in every byte, and cuts it off everywhere: it is
// refused, or all of it can still be read. It is what checks the checks, as the
// store finds such damage by itself.
func TestDamage(t *testing.T) {
	sound := build(t, read(t, sample), listing.Text{Digest: kiln.DigestOf(nil), Size: 1})
	for n := range sound {
		if _, err := listing.Open(sound[:n]); err == nil {
			t.Errorf("cut off after %d bytes, it opens", n)
		}
		for _, change := range []byte{1, 2, 3, 8, 0x40, 0x80, 0xff} {
			b := bytes.Clone(sound)
			b[n] ^= change
			readAll(b)
		}
	}
	if _, err := listing.Open(append(bytes.Clone(sound), 0)); err == nil || !strings.Contains(err.Error(), "more than its header says") {
		t.Errorf("with a byte too many: %v", err)
	}
	if _, err := listing.Open(append([]byte("kiln listing 0"), sound[14:]...)); err == nil || !strings.Contains(err.Error(), "does not begin") {
		t.Errorf("of another format: %v", err)
	}
}

// readAll reads all that a listing holds, if it opens; a number that leads nowhere
// would be a panic.
func readAll(b []byte) bool {
	l, err := listing.Open(b)
	if err != nil {
		return false
	}
	l.Architectures()
	l.Essential()
	ask := slices.Collect(l.Names())
	for _, p := range all(l) {
		for _, d := range slices.Concat(p.Depends, p.Provides) {
			ask = append(ask, d[0].Name)
		}
	}
	for _, name := range ask {
		first, end := l.Named(name)
		by, _, _ := l.FirstMention(name)
		if first > end || end > l.Len() || by > l.Len() {
			panic("bug: a package leads nowhere")
		}
		for _, p := range l.Provisions(name) {
			l.Package(p.By)
		}
	}
	return true
}

func TestHeaderOfLies(t *testing.T) {
	sound := build(t, read(t, sample), listing.Text{})
	for at := 15; at < 15+32; at += 4 {
		for _, n := range []uint32{0, 1 << 31, 1<<32 - 1} {
			b := bytes.Clone(sound)
			binary.LittleEndian.PutUint32(b[at:], n)
			if _, err := listing.Open(b); err == nil {
				t.Errorf("with %d at %d, it opens", n, at)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	packages, err := deb.ReadPackages(strings.NewReader(sample))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(build(f, packages, listing.Text{}))
	f.Add(build(f, packages[:1], listing.Text{}))
	f.Add(build(f, nil, listing.Text{}))
	f.Fuzz(func(t *testing.T, b []byte) { readAll(b) })
}

// FuzzRoundTrip checks that whatever is read from an index comes back.
func FuzzRoundTrip(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, text string) {
		packages, err := deb.ReadPackages(strings.NewReader(text))
		if err != nil {
			return
		}
		got := all(open(t, build(t, packages, listing.Text{})))
		for _, p := range packages {
			if !slices.ContainsFunc(got, func(q *deb.Package) bool { return cmp.Equal(p, q) }) && !hasTwin(packages, p) {
				t.Errorf("%s does not come back", p.Name)
			}
		}
	})
}

// hasTwin tells whether another package is p in all that tells packages apart.
func hasTwin(packages []*deb.Package, p *deb.Package) bool {
	return slices.ContainsFunc(packages, func(q *deb.Package) bool {
		return p != q && p.Name == q.Name && p.Version == q.Version && p.Architecture == q.Architecture && p.SHA256 == q.SHA256 && p.Filename == q.Filename
	})
}
