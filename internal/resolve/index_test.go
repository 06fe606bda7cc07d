package resolve_test

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"kiln/internal/deb"
	"kiln/internal/listing"
	"kiln/internal/resolve"
)

// plainIndex answers what an Index does, the slow and plain way: from candidates
// that were all read and are all kept. It makes no use of listings.
type plainIndex struct {
	candidates []resolve.Candidate // sorted by name, then the rest of their identity
	provided   map[string][]resolve.Provision
	mentioned  map[string]int
	named      map[string][]resolve.Candidate
	essential  []string
}

func newPlainIndex(candidates []resolve.Candidate) *plainIndex {
	ix := &plainIndex{
		candidates: slices.Clone(candidates),
		provided:   map[string][]resolve.Provision{}, mentioned: map[string]int{}, named: map[string][]resolve.Candidate{},
	}
	for i := range ix.candidates {
		if ix.candidates[i].Priority == 0 {
			ix.candidates[i].Priority = resolve.DefaultPriority
		}
	}
	slices.SortStableFunc(ix.candidates, plainOrder)
	ix.candidates = slices.CompactFunc(ix.candidates, func(a, b resolve.Candidate) bool { return plainOrder(a, b) == 0 })
	for _, c := range ix.candidates {
		ix.named[c.Name] = append(ix.named[c.Name], c)
		if c.Essential && !slices.Contains(ix.essential, c.Name) {
			ix.essential = append(ix.essential, c.Name)
		}
		for _, d := range c.Provides {
			for _, r := range d {
				version := ""
				if r.Op == "=" {
					version = r.Version
				}
				ix.provided[r.Name] = append(ix.provided[r.Name], resolve.Provision{By: c, Version: version, Qualifier: r.Qualifier})
			}
		}
	}
	ix.number()
	return ix
}

func plainOrder(a, b resolve.Candidate) int {
	return cmp.Or(
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Architecture, b.Architecture), deb.Compare(b.Version, a.Version),
		cmp.Compare(a.Version, b.Version), cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Archive, b.Archive),
		cmp.Compare(a.Source, b.Source), cmp.Compare(a.SHA256, b.SHA256), cmp.Compare(a.Filename, b.Filename),
	)
}

// number gives names their numbers as apt does while it reads.
func (ix *plainIndex) number() {
	number := func(name string) {
		if _, ok := ix.mentioned[name]; !ok {
			ix.mentioned[name] = len(ix.mentioned)
		}
	}
	bySource := slices.Clone(ix.candidates)
	slices.SortStableFunc(bySource, func(a, b resolve.Candidate) int { return cmp.Compare(a.Package.Source, b.Package.Source) })
	for _, p := range bySource {
		number(p.Name)
		for _, field := range []deb.Relations{p.PreDepends, p.Depends, p.Conflicts, p.Breaks, p.Recommends, p.Replaces, p.Provides} {
			for _, d := range field {
				for _, r := range d {
					if r.Qualifier == "" {
						number(r.Name)
					}
				}
			}
		}
	}
}

// difference is cmp's, which takes minutes over all of Debian where there is none.
func difference(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return gocmp.Diff(want, got)
}

// checkIndex holds an index of candidates, through listings that were written and
// opened, against plainIndex in all that a resolver can ask.
func checkIndex(t *testing.T, candidates []resolve.Candidate) {
	t.Helper()
	plain, look := newPlainIndex(candidates), resolve.Look(resolve.NewIndex(candidates))
	if diff := difference(plain.candidates, look.InOrder()); diff != "" {
		t.Fatalf("candidates in order (-plain +listing):\n%s", diff)
	}
	names := look.Names()
	if len(names) != len(plain.named) {
		t.Errorf("%d names, plainly %d", len(names), len(plain.named))
	}
	for _, name := range names {
		if diff := difference(plain.named[name], look.Named(name)); diff != "" {
			t.Errorf("%s (-plain +listing):\n%s", name, diff)
		}
	}
	for name, want := range plain.provided {
		if diff := difference(want, look.Provided(name)); diff != "" {
			t.Errorf("who provides %s (-plain +listing):\n%s", name, diff)
		}
	}
	for _, name := range []string{"", "a-name-that-nobody-has", "~"} {
		if look.Named(name) != nil || look.Provided(name) != nil {
			t.Errorf("somebody has or provides %q", name)
		}
	}
	byNumber := slices.Clone(names)
	slices.SortFunc(byNumber, func(a, b string) int { return cmp.Compare(plain.mentioned[a], plain.mentioned[b]) })
	if diff := difference(byNumber, look.ByMention(names)); diff != "" {
		t.Errorf("names by mention (-plain +listing):\n%s", diff)
	}
	if diff := difference(plain.essential, look.EssentialNames()); diff != "" {
		t.Errorf("essential (-plain +listing):\n%s", diff)
	}
}

// TestIndexOfScenes is checkIndex over the archives of all recorded scenes, with
// their several indexes, pins and architectures.
func TestIndexOfScenes(t *testing.T) {
	scenes, files := corpus(t)
	checked := map[string]bool{}
	for _, s := range scenes {
		candidates, _, err := s.candidates(files)
		if err != nil || len(candidates) == 0 {
			continue // apt reads more than we do, or there is nothing to read
		}
		lists := ""
		for _, name := range sortedKeys(s.Lists) {
			lists += name + " " + s.Lists[name] + "\n"
		}
		if key := lists + s.Preferences; !checked[key] {
			checked[key] = true
			t.Run(s.name(), func(t *testing.T) { checkIndex(t, candidates) })
		}
	}
	if len(checked) < 50 {
		t.Errorf("only %d archives", len(checked))
	}
}

// TestIndexOfTwins checks archives that have a package twice: in an index of its
// architecture and in one of all, in two versions, and in two archives.
func TestIndexOfTwins(t *testing.T) {
	text := `Package: b
Version: 1
Architecture: all
Source: z
Essential: yes
Depends: c (>= 1) | a:any, virtual
Provides: virtual (= 2), other
Filename: pool/b_1_all.deb
SHA256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
Size: 1

Package: a
Version: 1:2-3
Architecture: amd64
Source: y (2)
Recommends: later
Provides: virtual
Filename: pool/a_2-3_amd64.deb
SHA256: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
Size: 1

Package: later
Version: 1
Architecture: amd64
Filename: later.deb
SHA256: cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
Size: 1
`
	packages, err := deb.ReadPackages(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	older := *packages[1]
	older.Version, older.SHA256 = "1:2-2", packages[0].SHA256
	var all []resolve.Candidate
	for _, archive := range []string{"one", "two", "one"} {
		for _, p := range append(packages, &older) {
			all = append(all, resolve.Candidate{Package: p, Archive: archive, Source: "s", Priority: len(all) % 2 * 100})
		}
	}
	checkIndex(t, all)
	slices.Reverse(all)
	checkIndex(t, all)

	// The same bytes in two stocks of one archive are one candidate.
	first, err := listing.New(packages)
	if err != nil {
		t.Fatal(err)
	}
	second, err := listing.New(packages[:1])
	if err != nil {
		t.Fatal(err)
	}
	look := resolve.Look(resolve.Join([]resolve.Stock{{List: first, Archive: "one"}, {List: second, Archive: "one"}}))
	if n, p := len(look.Named("b")), len(look.Provided("other")); n != 1 || p != 1 {
		t.Errorf("%d candidates, %d provisions", n, p)
	}
}

// TestRealIndex is checkIndex over trixie main.
func TestRealIndex(t *testing.T) {
	needReal(t)
	checkIndex(t, asCandidates(readPackages(t, packagesFile(t))))
}
