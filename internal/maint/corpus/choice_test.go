package corpus_test

import (
	"cmp"
	"slices"
	"strings"

	"kiln/internal/deb"
)

// chosen is how many packages are looked at.
const chosen = 1500

// described is a package of an index with what only this choice asks for.
type described struct {
	*deb.Package
	suggests deb.Relations
}

// choose picks, of an index, the packages that are most likely to be in an image
// of a server or in a container. The index knows nothing of popularity, so that
// the choice goes by what it does know:
//
//  1. All that is Essential or of the priority required, important or standard:
//     Debian's own word on what a system has.
//  2. Of each section that servers and containers take from, those that most other
//     sources name in Depends, Pre-Depends, Recommends or Suggests. A source
//     counts once and never for its own packages, or a family of fifty packages
//     would vote for itself. Equal ones go by name.
//
// How many a section gives is in quotas. Left out are packages to compile against
// or to read, and programs with windows.
func choose(index []described) []*deb.Package {
	votes, desktop := votesOf(index), windowed(index)
	var fixed, open []*deb.Package
	for _, p := range index {
		switch {
		case p.Essential || slices.Contains([]string{"required", "important", "standard"}, p.Priority):
			fixed = append(fixed, p.Package)
		case !unlikely(p.Name) && !desktop[p.Name]:
			open = append(open, p.Package)
		}
	}
	slices.SortFunc(fixed, func(a, b *deb.Package) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(open, func(a, b *deb.Package) int {
		return cmp.Or(cmp.Compare(votes[b.Name], votes[a.Name]), cmp.Compare(a.Name, b.Name))
	})
	left := quotas()
	for _, p := range open {
		if left[p.Section] > 0 && len(fixed) < chosen {
			left[p.Section]--
			fixed = append(fixed, p)
		}
	}
	return fixed
}

// quotas says how many packages each section gives. They add up to somewhat less
// than chosen with the fixed ones; libs, which has by far the most packages that
// come into images unasked, fills up the rest.
func quotas() map[string]int {
	return map[string]int{
		// What a system is administered with, and what serves: nearly all that
		// has scripts worth the name is here, so these give a share far above
		// their size.
		"admin": 220, "net": 190, "utils": 170, "httpd": 60, "database": 60, "mail": 60, "web": 45, "shells": 25,
		// Languages as images carry them: the interpreter and the modules that
		// others build upon.
		"python": 110, "perl": 60, "interpreters": 45, "java": 50, "php": 45, "ruby": 25, "javascript": 30,
		// For the stages that compile, and for people who look around.
		"devel": 50, "vcs": 15, "editors": 10, "text": 30, "misc": 25, "fonts": 10, "localization": 5, "kernel": 5,
		// Few scripts, but every image is made of them.
		"libs": 1500,
	}
}

// unlikely tells, by its name, a package that is there to compile against, to
// read or to debug with, and the modules of a configuration tool, which have a
// naming scheme of their own.
func unlikely(name string) bool {
	for _, end := range []string{"-dev", "-doc", "-docs", "-dbg", "-dbgsym", "-source", "-dkms", "-examples", "-tests"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return strings.HasPrefix(name, "puppet-module-") || strings.HasPrefix(name, "golang-")
}

// votesOf counts for each package the sources that name it.
func votesOf(index []described) map[string]int {
	type vote struct{ source, name string }
	source, seen, votes := map[string]string{}, map[vote]bool{}, map[string]int{}
	for _, p := range index {
		source[p.Name] = p.Source
	}
	for _, p := range index {
		for _, d := range slices.Concat(p.PreDepends, p.Depends, p.Recommends, p.suggests) {
			for _, r := range d {
				v := vote{p.Source, r.Name}
				if !seen[v] && source[r.Name] != p.Source {
					seen[v] = true
					votes[r.Name]++
				}
			}
		}
	}
	return votes
}

// windowed returns the packages that need a toolkit for windows, at whatever
// remove, by the first alternative of each dependency. Qt counts with its core,
// which little uses that has no windows, and GTK with its image loader.
func windowed(index []described) map[string]bool {
	needed := map[string][]string{}
	for _, p := range index {
		for _, d := range slices.Concat(p.PreDepends, p.Depends) {
			needed[d[0].Name] = append(needed[d[0].Name], p.Name)
		}
	}
	found := map[string]bool{}
	queue := []string{"libgdk-pixbuf-2.0-0", "libgtk2.0-0t64", "libgtk-3-0t64", "libgtk-4-1", "libqt5core5t64", "libqt6core6t64", "libwxgtk3.2-1t64", "xserver-common", "libsdl2-2.0-0", "libsdl1.2debian"}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if !found[name] {
			found[name] = true
			queue = append(queue, needed[name]...)
		}
	}
	return found
}
