package compare

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"kiln/internal/deb"
	"kiln/internal/tree"
)

// Installed reads the packages of s's tree out of dpkg's status file, and of the
// files of status.d, which images without dpkg have in its place. A tree without
// either has none.
func (s *Side) Installed() ([]Package, error) {
	files := []string{"var/lib/dpkg/status"}
	for _, p := range s.Tree.Children("var/lib/dpkg/status.d") {
		if !strings.HasSuffix(p, ".md5sums") {
			files = append(files, p)
		}
	}
	var all []Package
	for _, p := range files {
		text, err := s.text(p)
		if err != nil {
			return nil, err
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		list, err := statusOf(strings.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("cannot read %q: %w", tree.Absolute(p), err)
		}
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Architecture, b.Architecture))
	})
	return all, s.weigh(all)
}

func statusOf(r io.Reader) ([]Package, error) {
	var all []Package
	reader := deb.NewReader(r)
	for {
		p, err := reader.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		// "install ok installed"; a package that was removed may have left its configuration.
		if status, ok := p.Lookup("Status"); ok && !strings.HasSuffix(status, " installed") {
			continue
		}
		pkg, err := deb.ParsePackage(p)
		if err != nil {
			return nil, err
		}
		all = append(all, Package{
			Name: pkg.Name, Version: pkg.Version, Architecture: pkg.Architecture, Source: pkg.Source, SourceVersion: pkg.SourceVersion,
			Section: pkg.Section, Priority: pkg.Priority, Essential: pkg.Essential, Installed: pkg.InstalledSize << 10, Content: -1,
		})
	}
}

// weigh adds up the files of each package, where dpkg's lists are there for all.
func (s *Side) weigh(all []Package) error {
	c := &content{side: s, owner: map[string]string{}}
	if err := c.readLists(); err != nil || len(c.owner) == 0 {
		return err
	}
	sums := map[string]int64{}
	for e := range s.Tree.All() {
		if !e.Hard {
			sums[c.owner[e.Path]] += e.Size
		}
	}
	lists := map[string]bool{}
	for _, p := range s.Tree.Children("var/lib/dpkg/info") {
		name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(p), ".list"), ":")
		lists[name] = strings.HasSuffix(p, ".list") || lists[name]
	}
	seen := map[string]bool{}
	for i := range all {
		// Of two architectures the lists are told apart by name only: the sum is the first's.
		if name := all[i].Name; lists[name] {
			all[i].Content = 0
			if !seen[name] {
				all[i].Content, seen[name] = sums[name], true
			}
		}
	}
	return nil
}
