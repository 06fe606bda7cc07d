package recipe

import (
	"fmt"
	"slices"

	"kiln"
)

// Taken is a file or folder of the recipe's folder that the recipe names.
type Taken struct {
	Part string // of the recipe: "layers[0].files[2].from"
	Path string // as it stands there
}

// Taken lists what an image for any of the platforms takes from the recipe's folder:
// keyrings, package files, and files and folders of layers. Keys that sign are not among them.
func (r *Recipe) Taken(platforms []kiln.Platform) []Taken {
	var all []Taken
	for i, s := range r.Sources {
		if s.Keyring != "" {
			all = append(all, Taken{at("sources", i) + ".keyring", s.Keyring})
		}
		if s.Deb != "" {
			all = append(all, Taken{at("sources", i) + ".deb", s.Deb})
		}
	}
	for i, l := range r.Layers {
		for j, f := range l.Files {
			wanted := len(f.Platforms) == 0 || slices.ContainsFunc(platforms, func(p kiln.Platform) bool { return slices.Contains(f.Platforms, p) })
			if f.From != "" && wanted {
				all = append(all, Taken{fmt.Sprintf("layers[%d].files[%d].from", i, j), f.From})
			}
		}
	}
	if u := r.System.Disk.Update; u != nil {
		all = append(all, Taken{"system.disk.update.keyring", u.Keyring})
	}
	return all
}
