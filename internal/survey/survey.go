// Package survey reads the facts of an image that policies ask for: out of its tree and
// configuration, and, where kiln built it, out of recipe, lock and the origins of its
// entries. Package databases, accounts and units are Debian's. What cannot be known is
// left out, and facts.Facts.Unknown says why.
package survey

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kiln"
	"kiln/internal/compare"
	"kiln/internal/facts"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/sbom"
	"kiln/internal/tree"
)

// Subject is an image, as far as it is known.
type Subject struct {
	Name     string // of the recipe, or what it was read from
	Kind     string // "build", or the form that it was read in
	Platform string
	Digest   kiln.Digest // of the manifest; empty where there is none
	TreeID   kiln.Digest // digest of Tree; empty: it is worked out
	Tree     *tree.Tree
	Contents tree.Contents // of Tree: of all that Needs
	Origins  bool          // the entries of Tree have origins
	Unowned  bool          // owners of Tree mean nothing: an ordinary user unpacked it
	Config   *oci.Config   // nil where nothing is known of it
	Layers   []facts.Layer // nil where nothing is known of them
	Recipe   *recipe.Recipe
	Lock     *lock.Lock
	Evidence
}

// Evidence is what was found out of an image besides: it costs more, and is sought only
// where a policy asks.
type Evidence struct {
	// Inventory is what SBOMs tell of its packages; nil: their licences are not known.
	Inventory *sbom.Inventory
	// Secrets tells what a scan found, and what of it the recipe, which may be nil,
	// accepts. Nil: no scan was done.
	Secrets func(*recipe.Recipe) []facts.Secret
	// Signatures are those that were verified; nil: none was asked for.
	Signatures []facts.Signature
	// Unknown says of facts that were sought why they are not known.
	Unknown map[string]string
}

// Needs tells whether the content of a file is looked at.
func Needs(e tree.Entry) bool { return compare.Needs(e) }

// Facts reads the facts of an image.
func Facts(s Subject) (*facts.Facts, error) {
	side := &compare.Side{Name: s.Name, Tree: s.Tree, Contents: s.Contents}
	look, err := side.Look()
	if err != nil {
		return nil, fmt.Errorf("cannot look into %s: %w", s.Name, err)
	}
	w := &work{Subject: s, look: look, out: &facts.Facts{Unknown: map[string]string{
		"vulnerabilities": "the image was not scanned for vulnerabilities",
	}}}
	w.evidence()
	w.image()
	w.config()
	w.recipe()
	if err := w.packages(side); err != nil {
		return nil, err
	}
	w.accounts()
	w.files()
	w.units()
	if i, err := w.out.Complete(); err != nil {
		return nil, fmt.Errorf("bug: the facts of %s are not whole: file %d: %w", s.Name, i, err)
	}
	return w.out, nil
}

// work is the facts of one image in the making.
type work struct {
	Subject
	look *compare.Look
	out  *facts.Facts
}

func (w *work) unknown(name, format string, args ...any) {
	w.out.Unknown[name] = fmt.Sprintf(format, args...)
}

func (w *work) image() {
	digest := w.TreeID
	if digest == "" {
		digest = w.Tree.Digest()
	}
	img := facts.Image{Name: w.Name, Kind: w.Kind, Platform: w.Platform, Tree: string(digest), Entries: int64(w.Tree.Len())}
	if w.Digest != "" {
		d := string(w.Digest)
		img.Digest = &d
	} else {
		w.unknown("image.digest", "a root file system has no manifest")
	}
	if w.Config != nil && w.Config.Created != 0 {
		img.Created = facts.At(w.Config.Created)
	} else {
		w.unknown("image.created", "the image does not say it")
	}
	for e := range w.Tree.All() {
		if !e.Hard {
			img.Size += e.Size
		}
	}
	w.out.Layers = w.Layers
	if w.Layers == nil {
		w.unknown("layers", "a root file system has no layers: judge the image itself (oci:, docker-archive:)")
		w.unknown("image.compressed", "a root file system has no layers: judge the image itself (oci:, docker-archive:)")
	} else {
		img.Compressed = compressed(w.Layers)
	}
	if w.Recipe != nil {
		img.Platforms = []string{}
		for _, p := range w.Recipe.Platforms {
			img.Platforms = append(img.Platforms, p.String())
		}
	} else {
		w.unknown("image.platforms", noRecipe)
	}
	w.out.Image = img
}

// compressed adds up layers; nil where the size of one is not known.
func compressed(layers []facts.Layer) *int64 {
	sum := int64(0)
	for _, l := range layers {
		if l.Compressed == nil {
			return nil
		}
		sum += *l.Compressed
	}
	return &sum
}

const (
	noRecipe = "only of images that kiln built is the recipe known: judge the recipe, or the layout that kiln build writes (oci:)"
	noLock   = "only of images that kiln built is the lock known: judge the recipe, or the layout that kiln build writes (oci:)"
	noConfig = "a root file system does not say how it runs: judge the image itself (oci:, docker-archive:)"
)

func (w *work) config() {
	c := w.Config
	if c == nil {
		for _, name := range []string{"config", "ports", "env", "labels"} {
			w.unknown(name, noConfig)
		}
		return
	}
	f := &facts.Config{
		User: c.User, Entrypoint: list(c.Entrypoint), Command: list(c.Cmd), Env: map[string]string{}, Labels: map[string]string{},
		WorkDir: c.WorkingDir, Volumes: list(c.Volumes), StopSignal: c.StopSignal, Healthcheck: []string{},
	}
	for _, line := range c.Env {
		name, value, _ := strings.Cut(line, "=")
		f.Env[name] = value
	}
	maps.Copy(f.Labels, c.Labels)
	if h := c.Healthcheck; h != nil && len(h.Test) > 0 && h.Test[0] != "NONE" {
		f.Healthcheck = h.Test[1:]
	}
	f.UID = w.number(c.User)
	if f.UID == nil {
		w.unknown("config.uid", "no user %q is in /etc/passwd", c.User)
	}
	w.out.Config = f
	w.out.Ports = []facts.Port{}
	for _, p := range c.ExposedPorts {
		number, protocol, _ := strings.Cut(p, "/")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			continue // no engine opens it
		}
		w.out.Ports = append(w.out.Ports, facts.Port{Number: n, Protocol: cmp.Or(protocol, "tcp")})
	}
}

// number is the user id that a configuration's user has; nil where nobody knows it.
func (w *work) number(user string) *int64 {
	name, _, _ := strings.Cut(user, ":")
	if name == "" {
		name = "0"
	}
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		return &n
	}
	for _, u := range w.look.Users {
		if u.Name == name {
			n := int64(u.UID)
			return &n
		}
	}
	return nil
}

// list is never nil: an empty list is known to be empty.
func list(s []string) []string { return append([]string{}, s...) }

func (w *work) recipe() {
	if w.Recipe == nil {
		w.unknown("recipe", noRecipe)
	} else {
		r := w.Recipe
		w.out.Recipe = &facts.Recipe{Name: r.Name, Version: r.Version, Summary: r.Summary, Owners: list(r.Owners)}
		if until := r.Lifecycle.SupportUntil; until.IsZero() {
			w.unknown("recipe.support_until", "the recipe does not say it: lifecycle: {support-until: ...}")
		} else {
			w.out.Recipe.SupportUntil = &facts.Time{Time: until.AddDate(0, 0, 1)} // that day is the last
		}
		if replaces := r.Lifecycle.Replaces; replaces == "" {
			w.unknown("recipe.replaces", "the recipe does not say it: lifecycle: {replaces: ...}")
		} else {
			w.out.Recipe.Replaces = &replaces
		}
	}
	if w.Lock == nil {
		w.unknown("releases", noLock)
		return
	}
	w.out.Releases = []facts.Release{}
	for _, a := range w.Lock.Archives {
		for _, p := range a.Pockets {
			r := facts.Release{Archive: a.Name, Suite: p.Suite, Pocket: p.Name, Date: facts.Time{Time: p.Date}}
			if p.ValidUntil != nil {
				r.ValidUntil = &facts.Time{Time: *p.ValidUntil}
			}
			w.out.Releases = append(w.out.Releases, r)
		}
	}
}

func (w *work) evidence() {
	for name, reason := range map[string]string{
		"secrets":    "the image was not scanned for secrets",
		"signatures": "no signature was verified: name whose are trusted (kiln policy check IMAGE --trust FILE)",
	} {
		w.unknown(name, "%s", cmp.Or(w.Evidence.Unknown[name], reason))
	}
	if w.Evidence.Secrets != nil {
		w.out.Secrets = append([]facts.Secret{}, w.Evidence.Secrets(w.Recipe)...)
		delete(w.out.Unknown, "secrets")
	}
	if w.Signatures != nil {
		w.out.Signatures = w.Signatures
		delete(w.out.Unknown, "signatures")
	}
}

func (w *work) accounts() {
	if w.look.Strange != nil {
		w.unknown("users", "%v", w.look.Strange)
		w.unknown("groups", "%v", w.look.Strange)
		return
	}
	w.out.Users, w.out.Groups = []facts.User{}, []facts.Group{}
	for _, g := range w.look.Groups {
		w.out.Groups = append(w.out.Groups, facts.Group{Name: g.Name, GID: int64(g.GID), Members: list(g.Members)})
	}
	for _, u := range w.look.Users {
		f := facts.User{
			Name: u.Name, UID: int64(u.UID), GID: int64(u.GID), Groups: []string{}, Gecos: u.Gecos, Home: u.Home, Shell: cmp.Or(u.Shell, "/bin/sh"), Password: u.State,
		}
		for _, g := range w.look.Groups {
			if g.GID == u.GID || slices.Contains(g.Members, u.Name) {
				f.Groups = append(f.Groups, g.Name)
			}
		}
		w.out.Users = append(w.out.Users, f)
	}
}

func (w *work) units() {
	w.out.Units = []facts.Unit{}
	for _, name := range slices.Sorted(maps.Keys(w.look.Units)) {
		u := w.look.Units[name]
		w.out.Units = append(w.out.Units, facts.Unit{
			Name: name, Path: u.Path, Enabled: len(u.Enabled) > 0, EnabledBy: list(u.Enabled), Vendor: u.Vendor, Masked: u.Masked, Listens: list(u.Listens),
		})
	}
}
