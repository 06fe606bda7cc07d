package resolve_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/resolve"
)

func TestResolve(t *testing.T) {
	for _, test := range []struct {
		summary  string
		universe string
		wants    string
		change   func(*resolve.Request)
		answer   string
	}{{
		summary:  "the closure of dependencies and nothing else",
		universe: "a 1 | Depends: b; Recommends: c\n b 1 | Pre-Depends: d\n c 1\n d 1\n e 1",
		wants:    "a",
		answer:   "a=1<recipe b=1<a d=1<b",
	}, {
		summary:  "the newest version",
		universe: "a 1\n a 1.10\n a 1.9",
		wants:    "a",
		answer:   "a=1.10<recipe",
	}, {
		summary:  "the higher priority before the newer version",
		universe: "a 1 from=x pin=600\n a 2 from=y",
		wants:    "a",
		answer:   "a=1<recipe",
	}, {
		summary:  "a negative priority is never taken",
		universe: "a 1 | Depends: b\n b 2 pin=-1\n b 1",
		wants:    "a",
		answer:   "a=1<recipe b=1<a",
	}, {
		summary:  "a version bound",
		universe: "a 1\n a 2\n a 3",
		wants:    "a (<< 3)",
		answer:   "a=2<recipe",
	}, {
		summary:  "from one source only",
		universe: "a 1 from=x\n a 2 from=y",
		wants:    "a @x",
		answer:   "a=1<recipe",
	}, {
		summary:  "the first alternative",
		universe: "a 1 | Depends: c | b\n b 1\n c 1",
		wants:    "a",
		answer:   "a=1<recipe c=1<a",
	}, {
		summary:  "the second alternative where the first can not be",
		universe: "a 1 | Depends: c | b\n b 1\n c 1 | Depends: nowhere",
		wants:    "a",
		answer:   "a=1<recipe b=1<a",
	}, {
		summary:  "the second alternative where another want has it already",
		universe: "a 1 | Depends: c | b\n b 1\n c 1",
		wants:    "a, b",
		answer:   "a=1<recipe b=1<a,recipe",
	}, {
		summary:  "a first alternative is kept beside a second that is needed elsewhere, as apt does",
		universe: "a 1 | Depends: c | b, d\n b 1\n c 1\n d 1 | Depends: b",
		wants:    "a",
		answer:   "a=1<recipe b=1<a,d c=1<a d=1<a",
	}, {
		summary:  "and dropped where the smallest set is asked for",
		universe: "a 1 | Depends: c | b, d\n b 1\n c 1\n d 1 | Depends: b",
		wants:    "a",
		change:   func(r *resolve.Request) { r.Smallest = true },
		answer:   "a=1<recipe b=1<a,d d=1<a",
	}, {
		summary:  "an older version where the newest can not be",
		universe: "a 1 | Depends: b\n b 2 | Depends: nowhere\n b 1",
		wants:    "a",
		answer:   "a=1<recipe b=1<a",
	}, {
		summary:  "another alternative before an older version",
		universe: "a 1 | Depends: b | c\n b 2 | Depends: nowhere\n b 1\n c 1",
		wants:    "a",
		answer:   "a=1<recipe c=1<a",
	}, {
		summary:  "the real package before a provider",
		universe: "a 1 | Depends: v\n p 1 priority=required | Provides: v\n v 1",
		wants:    "a",
		answer:   "a=1<recipe v=1<a",
	}, {
		summary:  "the provider of higher Priority",
		universe: "a 1 | Depends: v\n p 1 | Provides: v\n q 1 priority=important | Provides: v\n r 1 | Provides: v",
		wants:    "a",
		answer:   "a=1<recipe q=1<a",
	}, {
		summary:  "an essential provider before all",
		universe: "a 1 | Depends: v\n p 1 priority=required | Provides: v\n q 1 essential= | Provides: v",
		wants:    "a",
		answer:   "a=1<recipe q=1<a",
	}, {
		summary:  "of equal providers the last mentioned",
		universe: "a 1 | Depends: v\n p 1 | Provides: v\n q 1 | Provides: v",
		wants:    "a",
		answer:   "a=1<recipe q=1<a",
	}, {
		summary:  "a versioned dependency needs a versioned provider",
		universe: "a 1 | Depends: v (>= 2)\n p 1 | Provides: v\n q 1 | Provides: v (= 2)\n r 1 | Provides: v (= 1)",
		wants:    "a",
		answer:   "a=1<recipe q=1<a",
	}, {
		summary:  "a dependency that a package satisfies itself",
		universe: "a 1 | Depends: v; Provides: v\n p 1 | Provides: v",
		wants:    "a",
		answer:   "a=1<recipe",
	}, {
		summary:  "a conflict makes the provider another",
		universe: "a 1 | Depends: v; Conflicts: q\n p 1 | Provides: v\n q 1 | Provides: v",
		wants:    "a",
		answer:   "a=1<recipe p=1<a",
	}, {
		summary:  "a conflict found late takes back an early choice",
		universe: "a 1 | Depends: b | c, d\n b 1\n c 1\n d 1 | Depends: e\n e 1 | Breaks: b",
		wants:    "a",
		answer:   "a=1<recipe c=1<a d=1<a e=1<d",
	}, {
		summary:  "a package does not conflict with itself by what it provides",
		universe: "a 1 | Provides: mta; Conflicts: mta",
		wants:    "a",
		answer:   "a=1<recipe",
	}, {
		summary:  "Breaks with a version that is gone",
		universe: "a 1 | Depends: b; Breaks: b (<< 2)\n b 2\n b 1",
		wants:    "a",
		answer:   "a=1<recipe b=2<a",
	}, {
		summary:  "an unversioned provider does not meet a versioned conflict",
		universe: "a 1 | Depends: p; Conflicts: v (<< 2)\n p 1 | Provides: v",
		wants:    "a",
		answer:   "a=1<recipe p=1<a",
	}, {
		summary:  "a cycle",
		universe: "a 1 | Depends: b\n b 1 | Depends: a",
		wants:    "a",
		answer:   "a=1<b,recipe b=1<a",
	}, {
		summary:  "a dependency that is not followed",
		universe: "a 1 | Depends: b, c | d\n b 1\n c 1\n d 1",
		wants:    "a -d",
		answer:   "a=1<recipe b=1<a",
	}, {
		summary:  "a dependency of a provider that is not followed",
		universe: "p 1 | Provides: v; Depends: b, c\n b 1\n c 1",
		wants:    "v -c",
		answer:   "b=1<p p=1<recipe",
	}, {
		summary:  "essential packages only where asked",
		universe: "a 1\n b 1 essential= | Depends: c\n c 1\n a 1 arm64 essential=",
		wants:    "a",
		answer:   "a=1<recipe",
	}, {
		summary:  "essential packages",
		universe: "a 1\n b 1 essential= | Depends: c\n c 1\n d 1 arm64 essential=",
		wants:    "a, c",
		change:   func(r *resolve.Request) { r.Essential = true },
		answer:   "a=1<recipe b=1<essential c=1<b,recipe",
	}, {
		summary:  "what is pinned is kept",
		universe: "a 1 | Depends: b\n a 2 | Depends: b\n b 1\n b 2",
		wants:    "a",
		change: func(r *resolve.Request) {
			r.Pinned = map[string]resolve.Pin{"a:amd64": {Version: "1"}, "b:amd64": {Version: "1"}}
		},
		answer: "a=1<recipe b=1<a",
	}, {
		summary:  "unless it is to be updated",
		universe: "a 1 | Depends: b\n a 2 | Depends: b\n b 1\n b 2",
		wants:    "a",
		change: func(r *resolve.Request) {
			r.Pinned, r.Update = map[string]resolve.Pin{"a:amd64": {Version: "1"}, "b:amd64": {Version: "1"}}, []string{"b"}
		},
		answer: "a=1<recipe b=2<a",
	}, {
		summary:  "or not valid any more",
		universe: "a 2 | Depends: b (>= 2)\n b 1\n b 2",
		wants:    "a",
		change: func(r *resolve.Request) {
			r.Pinned = map[string]resolve.Pin{"a:amd64": {Version: "1"}, "b:amd64": {Version: "1"}}
		},
		answer: "a=2<recipe b=2<a",
	}, {
		summary:  "a pinned alternative stays",
		universe: "a 1 | Depends: c | b\n b 1\n c 1",
		wants:    "a",
		change:   func(r *resolve.Request) { r.Pinned = map[string]resolve.Pin{"b:amd64": {Version: "1"}} },
		answer:   "a=1<recipe b=1<a",
	}, {
		summary:  "the one provider of a virtual package",
		universe: "p 1 | Provides: v\n q 1",
		wants:    "v",
		answer:   "p=1<recipe",
	}, {
		summary:  "native is all and amd64",
		universe: "a 1 all | Depends: b\n b 1\n b 2 arm64",
		wants:    "a",
		change:   foreign,
		answer:   "a=1<recipe b=1<a",
	}, {
		summary:  "a foreign package takes its own architecture, and foreign ones of any",
		universe: "a 1 arm64 | Depends: b, c\n b 1\n b 1 arm64\n c 1 ma=foreign\n c 1 arm64 ma=foreign",
		wants:    "a:arm64",
		change:   foreign,
		answer:   "a:arm64=1<recipe b:arm64=1<a:arm64 c=1<a:arm64",
	}, {
		summary:  "Multi-Arch: same side by side, at one version",
		universe: "a 1 | Depends: l\n b 1 arm64 | Depends: l\n l 2 ma=same\n l 1 ma=same\n l 1 arm64 ma=same",
		wants:    "a, b:arm64",
		change:   foreign,
		answer:   "a=1<recipe b:arm64=1<recipe l=1<a l:arm64=1<b:arm64",
	}, {
		summary:  "allowed serves :any",
		universe: "a 1 arm64 | Depends: p:any\n p 1 ma=allowed\n b 1 arm64 | Depends: p:amd64",
		wants:    "a:arm64, b:arm64",
		change:   foreign,
		answer:   "a:arm64=1<recipe b:arm64=1<recipe p=1<a:arm64,b:arm64",
	}} {
		t.Run(test.summary, func(t *testing.T) {
			req := resolve.Request{Arch: "amd64", Wants: wants(t, test.wants)}
			if test.change != nil {
				test.change(&req)
			}
			if diff := cmp.Diff(test.answer, answers(t, universe(t, test.universe), req)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func foreign(r *resolve.Request) { r.ForeignArchs = []string{"arm64"} }

func TestUninstallable(t *testing.T) {
	ix := resolve.NewIndex(universe(t, `a 1 | Depends: b
		b 1 | Depends: c | d
		c 1 | Depends: nowhere
		d 1
		e 1 | Depends: c
		f 1 | Depends: d, g
		g 1 all | Breaks: d
		h 1 arm64 | Depends: nowhere`))
	list, err := ix.Uninstallable(context.Background(), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	if want := []string{"c", "e", "f"}; !slices.Equal(want, names) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ix := resolve.NewIndex(universe(t, "a 1 | Depends: b | c\n b 1 | Depends: nowhere\n c 1"))
	if _, err := resolve.Resolve(ctx, ix, resolve.Request{Arch: "amd64", Wants: wants(t, "a")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
