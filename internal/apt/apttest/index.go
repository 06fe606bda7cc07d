package apttest

import (
	"fmt"
	"path"

	"kiln/internal/deb/debtest"
)

// addIndexes puts packages and Packages files in place. It returns every form of
// every index by its path below the suite's folder.
func (site Site) addIndexes(s Suite) map[string][]byte {
	indexes := map[string][]byte{}
	for name, text := range site.indexTexts(s) {
		if s.EditIndex != nil {
			text = s.EditIndex(name, text)
		}
		indexes[name] = []byte(text)
		for _, c := range s.Compress {
			full := name
			if c != "" {
				full += "." + c
			}
			content := compress([]byte(text), c)
			indexes[full] = content
			site[path.Join(s.folder(), full)] = content
			if !s.NoByHash {
				site[path.Join(s.folder(), path.Dir(full), "by-hash/SHA256", hashOf("SHA256", content))] = content
			}
		}
	}
	return indexes
}

// indexTexts puts the packages in place and returns the Packages files not compressed.
func (site Site) indexTexts(s Suite) map[string]string {
	texts := map[string]string{}
	for _, c := range s.Components {
		for _, a := range s.Archs {
			texts[s.index(c, a)] = ""
		}
		if s.SplitAll {
			texts[s.index(c, "all")] = ""
		}
	}
	for _, p := range s.Packages {
		built := debtest.Build(p.Spec)
		name := p.Path()
		site[name] = built
		stanza := debtest.Stanza(p.Spec, built, name)
		added := map[string]bool{}
		for _, a := range s.archsOf(p) {
			ix := s.index(or(p.Component, "main"), a)
			if !added[ix] {
				texts[ix] += stanza
			}
			added[ix] = true
		}
	}
	return texts
}

// archsOf lists the architectures in whose index p stands.
func (s Suite) archsOf(p Package) []string {
	switch a := or(p.Architecture, "all"); {
	case a != "all":
		return []string{a}
	case s.SplitAll:
		return []string{"all"}
	}
	return s.Archs
}

func (s Suite) index(component, arch string) string {
	if s.flat() {
		return "Packages"
	}
	return fmt.Sprintf("%s/binary-%s/Packages", component, arch)
}
