package debian

import (
	"fmt"

	"kiln/internal/apt"
	"kiln/internal/recipe"
)

// archive is an archive with the priority that the recipe gives it.
type archive struct {
	apt.Archive
	priority int
}

// archivesOf lists the archives of a recipe's sources, in the recipe's order.
func archivesOf(r *recipe.Recipe) ([]archive, error) {
	var list []archive
	for i, s := range r.Sources {
		if s.Deb != "" {
			continue
		}
		a, err := archiveOf(r, s)
		if err != nil {
			return nil, fmt.Errorf("sources[%d]: %w", i, err)
		}
		list = append(list, archive{a, s.Priority})
	}
	return list, nil
}

func archiveOf(r *recipe.Recipe, s recipe.Source) (apt.Archive, error) {
	if s.Archive != "" {
		return apt.Debian(s.Suite, s.Components, s.Pockets)
	}
	keys, err := r.ReadFile(s.Keyring)
	if err != nil {
		return apt.Archive{}, err
	}
	return apt.Vendor(s.Name, s.URL, s.Suite, s.Components, keys)
}
