package debian

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kiln/internal/recipe"
	"kiln/internal/resolve"
)

// wantsOf lists what a recipe wants of the resolver, in the recipe's order.
func wantsOf(r *recipe.Recipe) []resolve.Want {
	var wants []resolve.Want
	for i, layer := range r.Layers {
		for j, p := range layer.Packages {
			name, arch, _ := strings.Cut(p.Name, ":")
			op, version := p.Constraint()
			wants = append(wants, resolve.Want{
				Name:    name,
				Arch:    arch,
				Op:      op,
				Version: version,
				Source:  p.Archive,
				Without: slices.Sorted(maps.Keys(p.Without)),
				Place:   cmp.Or(p.Place, fmt.Sprintf("layers[%d].packages[%d] (layer %s)", i, j, layer.Name)),
			})
		}
	}
	return wants
}

// foreign lists the architectures other than native that the wants name, sorted.
func foreign(wants []resolve.Want, native string) []string {
	var archs []string
	for _, w := range wants {
		if w.Arch != "" && w.Arch != native && w.Arch != "all" && !slices.Contains(archs, w.Arch) {
			archs = append(archs, w.Arch)
		}
	}
	slices.Sort(archs)
	return archs
}
