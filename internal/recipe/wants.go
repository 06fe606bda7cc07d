package recipe

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"kiln"
)

// wants is what of a recipe is resolved, in canonical form. Its JSON is hashed:
// a change of it makes every lock stale, so it has a version.
type wants struct {
	Version   int            `json:"version"`
	Platforms []string       `json:"platforms"`
	Essential bool           `json:"essential"`
	Sources   []wantedSource `json:"sources"`
	Packages  []wantedPkg    `json:"packages"`
	System    *wantedSystem  `json:"system,omitempty"`
}

// wantedSystem is what of an image that boots says which packages it takes.
type wantedSystem struct {
	Profile  string            `json:"profile"`
	Kernel   string            `json:"kernel,omitempty"`
	Packages map[string]string `json:"packages,omitempty"`
	State    bool              `json:"state,omitempty"`
	Encrypt  string            `json:"encrypt,omitempty"`
	Update   bool              `json:"update,omitempty"`
}

type wantedSource struct {
	Archive    string      `json:"archive,omitempty"`
	URL        string      `json:"url,omitempty"`
	Deb        string      `json:"deb,omitempty"`
	Content    kiln.Digest `json:"content,omitempty"` // of the .deb
	Name       string      `json:"name,omitempty"`
	Suite      string      `json:"suite,omitempty"`
	Components []string    `json:"components,omitempty"`
	Pockets    []string    `json:"pockets,omitempty"`
	Keyring    kiln.Digest `json:"keyring,omitempty"` // of its content
	Priority   int         `json:"priority,omitempty"`
}

type wantedPkg struct {
	Name    string   `json:"name"`
	Op      string   `json:"op,omitempty"`
	Version string   `json:"version,omitempty"`
	Archive string   `json:"archive,omitempty"`
	Without []string `json:"without,omitempty"`
}

// Wants returns the digest of what the recipe wants resolved: platforms, sources
// with the content of their keyrings and .debs, wanted packages. Line endings,
// comments, the order of keys and lists, reasons, and what is done with the
// packages once they are there do not matter.
func (r *Recipe) Wants() (kiln.Digest, error) {
	w := wants{Version: 1, Essential: r.Essential, Sources: []wantedSource{}, Packages: []wantedPkg{}}
	for _, p := range r.Platforms {
		w.Platforms = append(w.Platforms, p.String())
	}
	slices.Sort(w.Platforms)
	for i, s := range r.Sources {
		ws, err := r.wantedSource(i, s)
		if err != nil {
			return "", err
		}
		w.Sources = append(w.Sources, ws)
	}
	slices.SortFunc(w.Sources, func(a, b wantedSource) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Suite, b.Suite), cmp.Compare(a.Deb, b.Deb))
	})
	for _, l := range r.Layers {
		for _, p := range l.Packages {
			w.Packages = append(w.Packages, wantedPackage(p))
		}
	}
	slices.SortFunc(w.Packages, func(a, b wantedPkg) int { return cmp.Compare(a.Name, b.Name) })
	if s := r.System; s.Kernel != nil {
		w.System = &wantedSystem{Profile: s.Profile, Kernel: s.Kernel.Package, Packages: s.Kernel.Packages, State: s.Disk.State != nil, Update: s.Disk.Update != nil}
		if s.Disk.State != nil {
			w.System.Encrypt = s.Disk.State.Encrypt
		}
	}
	b, err := json.Marshal(w)
	if err != nil {
		panic("bug: wants do not marshal: " + err.Error())
	}
	return kiln.DigestOf(b), nil
}

func (r *Recipe) wantedSource(i int, s Source) (wantedSource, error) {
	s.fillDefaults()
	w := wantedSource{
		Archive: s.Archive, URL: strings.TrimRight(s.URL, "/"), Name: s.Name, Suite: s.Suite, Priority: s.Priority,
		Components: slices.Sorted(slices.Values(s.Components)), Pockets: slices.Sorted(slices.Values(s.Pockets)),
	}
	var err error
	if s.Keyring != "" {
		w.Keyring, err = r.contentOf(at("sources", i)+".keyring", "keyring", s.Keyring)
	}
	if s.Deb != "" {
		w.Deb = path.Clean(s.Deb)
		w.Content, err = r.contentOf(at("sources", i)+".deb", "package", s.Deb)
	}
	return w, err
}

// contentOf returns the digest of a host file that the recipe names at part.
func (r *Recipe) contentOf(part, noun, name string) (kiln.Digest, error) {
	d := kiln.NewDigester()
	if err := r.copyFile(d, name); err != nil {
		problems := Problems{r.Problem(part, fmt.Sprintf("cannot read the %s %q: %v", noun, name, err))}
		return "", &kiln.Error{Code: kiln.User, Text: cannotUse(r.Path(), problems), Err: problems}
	}
	return d.Digest(), nil
}

func wantedPackage(p Package) wantedPkg {
	op, version := p.Constraint()
	return wantedPkg{Name: p.Name, Op: op, Version: version, Archive: p.Archive, Without: slices.Sorted(maps.Keys(p.Without))}
}
