package resolve_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/resolve"
)

func TestFailure(t *testing.T) {
	for _, test := range []struct {
		summary  string
		universe string
		wants    string
		change   func(*resolve.Request)
		answer   string
	}{{
		summary:  "an unknown name",
		universe: "nginx 1\n nginx-light 1\n other 1",
		wants:    "ngnix",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0]: no package is called "ngnix"
hints: for "ngnix", did you mean nginx?`,
	}, {
		summary:  "a version that is not there",
		universe: "a 1 from=x\n a 2 from=y",
		wants:    "a (>= 3)",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0]: no candidate for "a" is accepted: want a (>= 3), available 2 (y/stable), 1 (x/stable)
hints: available versions of "a" are 2 (y/stable), 1 (x/stable)`,
	}, {
		summary:  "a source that does not have it",
		universe: "a 1 from=x",
		wants:    "a @y",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0]: no candidate for "a" is accepted: want a from y, available 1 (x/stable)
hints: "a" comes from x: ask for it there, or name no source`,
	}, {
		summary:  "several providers",
		universe: "p 1 | Provides: v\n q 1 | Provides: v",
		wants:    "v",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0]: "v" is a virtual package with several providers: p, q
hints: instead of "v", ask for one of p, q`,
	}, {
		summary:  "a foreign architecture alone",
		universe: "a 1 arm64 ma=foreign",
		wants:    "a",
		change:   foreign,
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0]: package "a" is not available for amd64
hints: ask for a:arm64`,
	}, {
		summary:  "a negative priority",
		universe: "a 1 pin=-1",
		wants:    "a",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0]: every candidate for "a" has a negative priority
hints: raise the priority of the source that has "a"`,
	}, {
		summary:  "an exception for what is not a dependency",
		universe: "a 1 | Depends: b\n b 1",
		wants:    "a -c",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0]: "a" is to go without "c", but does not depend on it
hints: dependencies of "a" are b`,
	}, {
		summary:  "a missing dependency, deep",
		universe: "a 1 | Depends: b\n b 2 | Depends: c (>= 2)\n b 1 | Depends: c (>= 2)\n c 1\n d 1",
		wants:    "a, d",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0] wants a
    a 1 (test/stable)
      needs b
        b 2 (test/stable), b 1 (test/stable)
          needs c (>= 2), which is available as 1 (test/stable)
hints: add the source or the component that has c (>= 2)`,
	}, {
		summary:  "a dependency on what no source has",
		universe: "a 1 | Depends: gone | lost",
		wants:    "a",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0] wants a
    a 1 (test/stable)
      needs gone | lost, which no source has
hints: add the source or the component that has gone | lost`,
	}, {
		summary:  "two wants at odds",
		universe: "a 1 | Depends: x\n b 1 | Depends: y\n x 1 | Conflicts: mta; Provides: mta\n y 1 | Conflicts: mta; Provides: mta",
		wants:    "a, b",
		answer: `cannot resolve the packages for amd64:
  layers[base].packages[0] wants a
    a 1 (test/stable)
      needs x
        x 1 (test/stable)
          has Conflicts: mta, which rules out y 1; layers[base].packages[1] wants b, b needs y
hints: take out one of a, b: they can not be in one image`,
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

func TestFailureIsATree(t *testing.T) {
	_, err := resolve.Resolve(context.Background(), resolve.NewIndex(nil), resolve.Request{Arch: "amd64", Wants: wants(t, "a, b")})
	var f *resolve.Failure
	if !errors.As(err, &f) || len(f.Problems) != 2 || kiln.CodeOf(err) != kiln.User {
		t.Errorf("got %#v, want a failure of the user with two problems", err)
	}
}
