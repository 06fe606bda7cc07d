package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kiln/internal/bake"
	"kiln/internal/tree"
)

// packageAnswer tells of a package; of several architectures of one name, each.
type packageAnswer struct {
	Packages []packageFacts `json:"packages"`
	Unmade   string         `json:"unmade,omitempty"` // why there is no image, and so nothing but what recipe and lock tell
}

// packageFacts tells of one package.
type packageFacts struct {
	lockedPackage
	Chains   []chain     `json:"chains,omitempty"` // one for each line of the recipe that leads to it, the shortest first
	Scripts  []ranScript `json:"scripts,omitempty"`
	Files    int         `json:"files"`    // of the package in the image, but for directories
	Bytes    int64       `json:"bytes"`    // of these
	Scripted int         `json:"scripted"` // entries of the image that its scripts made or changed last
	Dropped  int         `json:"dropped"`  // entries of the package that were left out
}

// ranScript is one run of a script, or a script that was skipped.
type ranScript struct {
	Script  string      `json:"script"`
	Args    []string    `json:"args,omitempty"`
	Skipped *recipeLine `json:"skipped,omitempty"`
}

// pkg answers for NAME or NAME:ARCHITECTURE; nil where there is none.
func (q *inquiry) pkg(name string) *packageAnswer {
	a := &packageAnswer{}
	if q.unmade != nil {
		a.Unmade = q.unmade.Error()
	}
	bare, arch, _ := strings.Cut(name, ":")
	for i := range q.e.Packages {
		p := &q.e.Packages[i]
		if p.ID.Name == bare && (arch == "" || p.ID.Architecture == arch) {
			a.Packages = append(a.Packages, q.packageFacts(p))
		}
	}
	if a.Packages == nil {
		return nil
	}
	return a
}

func (q *inquiry) packageFacts(p *bake.Package) packageFacts {
	f := packageFacts{lockedPackage: *q.locked(p), Chains: q.chains(p)}
	for i := range q.e.Runs {
		r := &q.e.Runs[i]
		if r.Package != p.ID {
			continue
		}
		ran := ranScript{Script: r.Script, Args: r.Args}
		if r.Skipped != "" {
			ran.Skipped = q.line(r.Skipped, r.Why)
		}
		f.Scripts = append(f.Scripts, ran)
	}
	for _, l := range q.e.Layers {
		for _, m := range l.Members {
			if m.Name == p.ID.String() {
				f.count(m.Entries)
			}
		}
	}
	if q.e.Tree != nil {
		for e := range q.e.Tree.All() {
			if e.Origin.Script != "" && packageOf(e.Origin.Script) == p.Name {
				f.Scripted++
			}
		}
	}
	for _, d := range q.e.Dropped {
		if d.Package == p.ID && d.Type != tree.Dir {
			f.Dropped++
		}
	}
	return f
}

// count adds up files, not directories; a further name of one takes no room.
func (f *packageFacts) count(entries []tree.Entry) {
	for i := range entries {
		if entries[i].Type == tree.Dir {
			continue
		}
		f.Files++
		if !entries[i].Hard {
			f.Bytes += entries[i].Size
		}
	}
}

func (q *inquiry) packageNames() []string {
	return slices.Sorted(maps.Keys(q.byName))
}

func (a *packageAnswer) print(f facts) {
	for i := range a.Packages {
		a.Packages[i].print(f, a.Unmade == "")
	}
	if a.Unmade != "" {
		first, _, _ := strings.Cut(a.Unmade, "\n")
		f.add("image", "it cannot be made, so no more is known: %s", first)
	}
}

func (p *packageFacts) print(f facts, made bool) {
	f.say("is %s", &p.lockedPackage)
	f.add("digest", "%s", p.Digest)
	if p.Release != nil {
		f.add("release", "%s, signed by %s", p.Release.Digest, strings.Join(p.Release.Signers, ", "))
	}
	var lines []string
	for i := range p.Chains {
		lines = append(lines, p.Chains[i].String())
	}
	f.list("required by", lines)
	if !made {
		return
	}
	f.add("layer", "%s", p.Layer)
	f.add("files", "%d, %s; left out: %d", p.Files, size(p.Bytes), p.Dropped)
	lines = nil
	for _, s := range p.Scripts {
		text := cmp.Or(strings.TrimSpace(s.Script+" "+strings.Join(s.Args, " ")), s.Script)
		if s.Skipped != nil {
			text = fmt.Sprintf("%s, skipped by %s", s.Script, s.Skipped)
		}
		lines = append(lines, text)
	}
	f.list("scripts", lines)
	if p.Scripted > 0 {
		f.say("%s of the image: as its scripts left it", count(p.Scripted, "entry"))
	}
}
