package bake

import (
	"context"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// Explanation is one platform's root file system with what led to it.
type Explanation struct {
	Root
	Recipe   *recipe.Recipe
	Lock     *lock.Lock
	Platform kiln.Platform
}

// Package is a package of the image and where it came in.
type Package struct {
	ID         kiln.PackageID `json:"-"`
	Name       string         `json:"name"` // as RequiredBy of others has it: with the architecture where that is a foreign one
	Layer      string         `json:"layer,omitempty"`
	RequiredBy []string       `json:"required_by"`         // names of packages as the lock has them, "recipe", "essential"
	Recipe     string         `json:"recipe,omitempty"`    // where the recipe lists it: "layers[base].packages[0]"; empty for a mere dependency
	Why        string         `json:"why,omitempty"`       // the recipe's reason
	Relations  []Relation     `json:"relations,omitempty"` // what it says of other packages, in the family's words
	Files      int            `json:"files"`               // of the package in the image, but for directories
	Bytes      int64          `json:"bytes"`               // of these
}

// Relation is a field of a package that names others, as it stands there.
type Relation struct {
	Field string `json:"field"` // "Depends"
	Text  string `json:"text"`  // "libc6 (>= 2.34), debconf | debconf-2.0"
}

// Run is a maintainer script that ran, or that the recipe skips.
type Run struct {
	Package kiln.PackageID
	Script  string   // "postinst"
	Args    []string // "configure", "", or "triggered", "ldconfig"
	Skipped string   // where the recipe skips it: "skip[0]"; nothing ran then
	Why     string   // the reason of the skip
	Changes []tree.Change
	Notes   []Note
}

// Note is something that a script wanted of a running system, which an image is
// not: it was not done.
type Note struct {
	Kind    string `json:"kind"`              // "enable", "start", "daemon-reload"...
	Subject string `json:"subject,omitempty"` // the unit, most often
	Script  string `json:"script"`            // "openssh-server.postinst:12"
}

// Pinned reports whether a script asked what differs from build to build elsewhere, such as
// the time, and was answered the same as in every build.
func (n Note) Pinned() bool { return slices.Contains([]string{"time", "host-name", "kernel"}, n.Kind) }

// Enable is the Kind of the Note that a package wants a unit enabled.
const Enable = "enable"

// Account is a user or a group of the image.
type Account struct {
	Group   bool        `json:"group"`
	Name    string      `json:"name"`
	ID      int         `json:"id"`
	GID     int         `json:"gid"` // of a user: its primary group
	Gecos   string      `json:"gecos,omitempty"`
	Home    string      `json:"home,omitempty"`
	Shell   string      `json:"shell,omitempty"`
	Members []string    `json:"members,omitempty"` // of a group
	Origin  tree.Origin `json:"origin"`            // the script that made it, or the part of the recipe
}

// Dropped is an entry that a package ships or a script made and that is not in
// the image.
type Dropped struct {
	Path    string // as in a tree, without a leading slash
	Type    tree.Type
	Package kiln.PackageID // that it is of
	Origin  tree.Origin    // of the entry as it would have been
	By      string         // name of a rule, or the pattern's place in the recipe
	Why     string         // the reason of the rule or of the pattern
}

// Unit is a unit that packages want enabled or that the recipe enables.
type Unit struct {
	Name    string   `json:"name"`
	Wanted  []string `json:"wanted_by,omitempty"` // places in scripts: "openssh-server.postinst:12"
	Enabled bool     `json:"enabled"`
	Recipe  string   `json:"recipe,omitempty"` // where it enables it: "system.services.enable[0]"
	Why     string   `json:"why,omitempty"`
}

// Config is the configuration that the image gets.
func (e *Explanation) Config() oci.Config { return containerConfig(e.Recipe, e.Platform, &e.Root) }

// Explain makes the image's tree and tells how it came about. The lock is made as
// for a build, but never written. Where the image cannot be made, there is beside
// the error what recipe and lock tell: Recipe, Lock, Platform and Packages, these
// without their layers.
func Explain(ctx context.Context, o LockOptions, p kiln.Platform) (*Explanation, error) {
	locked, err := settle(ctx, o)
	if err != nil {
		return nil, err
	}
	if locked.old == nil || len(locked.Changes) > 0 {
		o.Sink.Send(kiln.Event{Step: kiln.StepLock, State: kiln.Note, Text: "this lock is not written: kiln lock writes it"})
	}
	if locked.Lock.Platforms[p] == nil {
		return nil, fmt.Errorf("bug: the lock %q has no platform %s", locked.Path, p)
	}
	plan(o.Sink, o.Recipe, locked.Lock, []kiln.Platform{p})
	if err := o.Family.Fetch(ctx, o.Recipe, locked.Lock, []kiln.Platform{p}); err != nil {
		return nil, err
	}
	made, err := o.stages(ctx, o.Recipe, locked.Lock, p)
	if err != nil {
		return nil, err
	}
	e, err := o.Family.Explain(ctx, o.Recipe, locked.Lock, p, made)
	if e != nil {
		e.Recipe, e.Lock, e.Platform = o.Recipe, locked.Lock, p
	}
	return e, err
}
