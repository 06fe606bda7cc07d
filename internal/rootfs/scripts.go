package rootfs

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/recipe"
)

// handledScripts lists the scripts that dpkg would run on a fresh install.
func handledScripts() []string { return []string{"preinst", "postinst"} }

// readSkips notes which scripts the recipe skips, and refuses a skip of what is
// not there.
func (a *assembly) readSkips() error {
	skipped := map[*unit][]string{}
	for i := range a.in.Recipe.Skip {
		if err := a.readSkip(i, skipped); err != nil {
			return err
		}
	}
	for _, u := range a.units {
		u.skip = skipped[u]
	}
	return nil
}

// readSkip notes which scripts the recipe's skip number i names. A skip without
// an architecture stands for all packages of the name.
func (a *assembly) readSkip(i int, skipped map[*unit][]string) error {
	skip := &a.in.Recipe.Skip[i]
	units := a.named(skip.Package)
	if units == nil {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("skip[%d]: the package %q is not in the image for %s", i, skip.Package, a.in.Platform),
			Hints: []string{"remove the skip, or correct the package's name"},
		}
	}
	for _, u := range units {
		scripts, err := u.skippable(i, skip)
		if err != nil {
			return err
		}
		skipped[u] = append(skipped[u], scripts...)
	}
	return nil
}

func (a *assembly) named(wanted string) []*unit {
	name, arch, qualified := strings.Cut(wanted, ":")
	var units []*unit
	for _, u := range a.byName[name] {
		if !qualified || u.ID.Architecture == arch {
			units = append(units, u)
		}
	}
	return units
}

// skippable returns the scripts that the skip stands for.
func (u *unit) skippable(i int, skip *recipe.Skip) ([]string, error) {
	var there []string
	for _, s := range handledScripts() {
		if u.ix.has(s) {
			there = append(there, s)
		}
	}
	if there == nil {
		return nil, &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("skip[%d]: the package %q has no preinst and no postinst to skip", i, u.ID),
			Hints: []string{"remove the skip"},
		}
	}
	for _, s := range skip.Scripts {
		if !slices.Contains(there, s) {
			return nil, &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("skip[%d]: the package %q has no script %q, it has %s", i, u.ID, s, strings.Join(there, " and ")),
				Hints: []string{fmt.Sprintf("write: - {package: %s, scripts: [%s], why: %s}", skip.Package, strings.Join(there, ", "), skip.Why)},
			}
		}
	}
	if len(skip.Scripts) > 0 {
		return skip.Scripts, nil
	}
	return there, nil
}
