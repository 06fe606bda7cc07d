package resolve_test

import (
	"context"
	"fmt"
	"testing"

	"kiln/internal/deb"
	"kiln/internal/resolve"
)

// synthetic makes an archive of the size of trixie main, in blocks of 300
// packages that hold together.
func synthetic() []resolve.Candidate {
	const block = 300
	name := func(i int) string { return fmt.Sprintf("package-%d", i) }
	var list []resolve.Candidate
	for i := range 230 * block {
		p := &deb.Package{Name: name(i), Version: fmt.Sprintf("1.%d-1", i%7), Architecture: "amd64", Source: name(i - i%3)}
		p.Provides = deb.Relations{{{Name: fmt.Sprintf("virtual-%d", i/2)}}}
		start := i - i%block
		for j := 1; j <= 8; j++ {
			other := start + (i*j+j)%block
			d := deb.Dependency{{Name: name(other), Op: ">=", Version: "1.0"}}
			if j%4 == 0 {
				d = append(d, deb.Relation{Name: fmt.Sprintf("virtual-%d", other/2)})
			}
			p.Depends = append(p.Depends, d)
		}
		p.Breaks = deb.Relations{{{Name: name(start + (i+1)%block), Op: "<<", Version: "1"}}}
		list = append(list, resolve.Candidate{Package: p, Archive: "test/stable", Source: "test"})
	}
	return list
}

func BenchmarkIndex(b *testing.B) {
	candidates := synthetic()
	for b.Loop() {
		resolve.NewIndex(candidates)
	}
}

func BenchmarkResolve300(b *testing.B) {
	ix := resolve.NewIndex(synthetic())
	req := resolve.Request{Arch: "amd64", Wants: []resolve.Want{{Name: "package-12001"}, {Name: "package-12150"}}}
	for b.Loop() {
		sol, err := resolve.Resolve(context.Background(), ix, req)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(sol.Packages); n != 300 {
			b.Fatalf("the set has %d members, not 300", n)
		}
	}
}
