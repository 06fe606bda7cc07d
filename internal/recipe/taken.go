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
// keyrings, package files, and files and folders of layers and of the stages that
// they take from. Keys that sign are not among them.
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
	return append(all, r.TakenFiles(platforms)...)
}

// TakenFiles is Taken without what sources name.
func (r *Recipe) TakenFiles(platforms []kiln.Platform) []Taken {
	var all []Taken
	add := func(part string, list []File) {
		for j, f := range list {
			wanted := len(f.Platforms) == 0 || slices.ContainsFunc(platforms, func(p kiln.Platform) bool { return slices.Contains(f.Platforms, p) })
			if f.From != "" && wanted {
				all = append(all, Taken{fmt.Sprintf("%s.files[%d].from", part, j), f.From})
			}
		}
	}
	for i, l := range r.Layers {
		add(at("layers", i), l.Files)
	}
	for _, i := range r.UsedStages(platforms) {
		add(at("stages", i), r.Stages[i].Files)
	}
	if u := r.System.Disk.Update; u != nil {
		all = append(all, Taken{"system.disk.update.keyring", u.Keyring})
	}
	return all
}
