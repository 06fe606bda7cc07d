package resolve

import (
	"slices"
	"strings"

	"kiln"
)

// Failure says why there is no set: a tree for each want that stands in the
// way, from the want by way of the candidates to the reasons that rule them out.
type Failure struct {
	Arch     string
	Problems []Problem
	Remedy   string // what would help, where it is not about one problem
}

// Problem is one node of the tree.
type Problem struct {
	Text    string
	Because []Problem
	Hints   []string // things to do about it, each complete in itself
}

// Error prints the tree, two columns a level.
func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString("cannot resolve the packages for " + f.Arch + ":")
	for _, p := range f.Problems {
		p.print(&b, 1)
	}
	return b.String()
}

func (p Problem) print(b *strings.Builder, depth int) {
	b.WriteString("\n" + strings.Repeat("  ", depth) + p.Text)
	for _, q := range p.Because {
		q.print(b, depth+1)
	}
}

// Hints returns the hints of the whole tree, each once, in its order.
func (f *Failure) Hints() []string {
	var hints []string
	var collect func([]Problem)
	collect = func(problems []Problem) {
		for _, p := range problems {
			for _, h := range p.Hints {
				if !slices.Contains(hints, h) {
					hints = append(hints, h)
				}
			}
			collect(p.Because)
		}
	}
	collect(f.Problems)
	if f.Remedy != "" {
		hints = append(hints, f.Remedy)
	}
	return hints
}

// failed wraps a failure for the boundary.
func failed(f *Failure) error {
	return &kiln.Error{Code: kiln.User, Text: f.Error(), Hints: f.Hints(), Err: f}
}
