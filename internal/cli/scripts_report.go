package cli

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/tree"
)

// scriptsReport is what kiln scripts tells, in the shape that --json prints.
type scriptsReport struct {
	Recipe   string           `json:"recipe"`
	Platform kiln.Platform    `json:"platform"`
	Packages []packageScripts `json:"packages"` // in the order in which the first script of each ran, then those of which none did
	Summary  scriptsSummary   `json:"summary"`
}

// packageScripts is what the scripts of one package did.
type packageScripts struct {
	Name         string      `json:"name"`
	Version      string      `json:"version"`
	Architecture string      `json:"architecture"`
	Runs         []scriptRun `json:"runs"`
}

// scriptRun is one run of a script, or a script that the recipe skips.
type scriptRun struct {
	Order   int           `json:"order,omitempty"` // of all runs of the image, from 1; 0 where it was skipped
	Script  string        `json:"script"`          // "postinst"
	Args    []string      `json:"args,omitempty"`
	Skipped *recipeLine   `json:"skipped,omitempty"`
	Changes []entryChange `json:"changes,omitempty"`
	Users   []string      `json:"users,omitempty"` // that it made
	Groups  []string      `json:"groups,omitempty"`
	Wishes  []wish        `json:"wishes,omitempty"` // of a running system, which an image is not
}

// entryChange is what became of one path.
type entryChange struct {
	Path   string   `json:"path"`
	Change string   `json:"change"`           // "added", "changed" or "removed"
	Fields []string `json:"fields,omitempty"` // of one that changed: "mode", "content"...
}

// wish is what a script wanted and was not done.
type wish struct {
	Kind    string `json:"kind"`    // "start", "daemon-reload", "py3compile"...
	Subject string `json:"subject"` // the unit, most often
	Script  string `json:"script"`  // "openssh-server.postinst:12"
	// The line of the recipe that has it done all the same: a unit is enabled there.
	Recipe *recipeLine `json:"recipe,omitempty"`
}

func (w *wish) String() string {
	text := strings.TrimSpace(w.Kind+" "+w.Subject) + " (" + w.Script + ")"
	if w.Recipe != nil {
		return "done: " + text + ", for " + w.Recipe.String()
	}
	return "not done: " + text
}

// scriptsSummary counts.
type scriptsSummary struct {
	Packages int `json:"packages"` // that have scripts
	Run      int `json:"run"`
	Skipped  int `json:"skipped"`
	Entries  int `json:"entries"` // changes of all runs
	Wishes   int `json:"wishes"`  // that were not carried out
}

func (c *entryChange) String() string {
	switch c.Change {
	case "added":
		return "+ " + c.Path
	case "removed":
		return "- " + c.Path
	}
	return fmt.Sprintf("~ %s (%s)", c.Path, strings.Join(c.Fields, ", "))
}

// tally says in a few words what the run changed.
func (r *scriptRun) tally() string {
	if len(r.Changes) == 0 {
		return "changed nothing"
	}
	var parts []string
	for _, what := range []string{"added", "changed", "removed"} {
		n := 0
		for _, c := range r.Changes {
			if c.Change == what {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	return strings.Join(parts, ", ")
}

// scripts tells what the scripts of the named packages did, or those of all.
func (q *inquiry) scripts(names []string) *scriptsReport {
	r := &scriptsReport{Recipe: q.r.Path(), Platform: q.e.Platform, Packages: []packageScripts{}}
	order := 0
	made := q.accountsMade()
	for i := range q.e.Runs {
		run := &q.e.Runs[i]
		if run.Skipped == "" {
			order++
		}
		if !named(run.Package, names) {
			continue
		}
		p := r.pkg(run.Package)
		p.Runs = append(p.Runs, q.scriptRun(i, order, made))
		r.Summary.add(&p.Runs[len(p.Runs)-1])
	}
	r.Summary.Packages = len(r.Packages)
	if names != nil {
		for i := range q.e.Packages {
			if id := q.e.Packages[i].ID; named(id, names) {
				r.pkg(id)
			}
		}
	}
	return r
}

func (s *scriptsSummary) add(r *scriptRun) {
	if r.Skipped != nil {
		s.Skipped++
	} else {
		s.Run++
	}
	s.Entries += len(r.Changes)
	for _, w := range r.Wishes {
		if w.Recipe == nil {
			s.Wishes++
		}
	}
}

func named(id kiln.PackageID, names []string) bool {
	return names == nil || slices.Contains(names, id.Name) || slices.Contains(names, id.Name+":"+id.Architecture)
}

// pkg returns the package's part of the report, which it makes at the first call.
func (r *scriptsReport) pkg(id kiln.PackageID) *packageScripts {
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Name == id.Name && p.Architecture == id.Architecture {
			return p
		}
	}
	r.Packages = append(r.Packages, packageScripts{Name: id.Name, Version: id.Version, Architecture: id.Architecture, Runs: []scriptRun{}})
	return &r.Packages[len(r.Packages)-1]
}

func (q *inquiry) scriptRun(i, order int, made map[int][]bake.Account) scriptRun {
	run := &q.e.Runs[i]
	if run.Skipped != "" {
		return scriptRun{Script: run.Script, Skipped: q.line(run.Skipped, run.Why)}
	}
	r := scriptRun{Order: order, Script: run.Script, Args: run.Args}
	for j := range run.Changes {
		r.Changes = append(r.Changes, changeOf(&run.Changes[j]))
	}
	for _, n := range run.Notes {
		r.Wishes = append(r.Wishes, q.wishOf(n))
	}
	for _, a := range made[i] {
		if a.Group {
			r.Groups = append(r.Groups, a.Name)
		} else {
			r.Users = append(r.Users, a.Name)
		}
	}
	return r
}

func (q *inquiry) wishOf(n bake.Note) wish {
	w := wish{Kind: n.Kind, Subject: n.Subject, Script: n.Script}
	if u := q.unitWish(n.Subject); n.Kind == bake.Enable && u != nil && u.Enabled {
		w.Recipe = q.line(u.Recipe, u.Why)
	}
	return w
}

func changeOf(c *tree.Change) entryChange {
	e := entryChange{Path: tree.Absolute(c.Path), Change: "changed", Fields: c.Fields}
	switch {
	case c.Before == nil:
		e.Change = "added"
	case c.After == nil:
		e.Change = "removed"
	}
	return e
}

// accountsMade gives each user and group of the image to the run that made it: of
// its script's runs the first that changed the file in which it stands.
func (q *inquiry) accountsMade() map[int][]bake.Account {
	made := map[int][]bake.Account{}
	for _, a := range q.e.Accounts {
		file := "etc/passwd"
		if a.Group {
			file = "etc/group"
		}
		i := slices.IndexFunc(q.e.Runs, func(r bake.Run) bool {
			return q.scriptName(&r) == scriptOf(a.Origin.Script) && slices.ContainsFunc(r.Changes, func(c tree.Change) bool { return c.Path == file })
		})
		if i >= 0 {
			made[i] = append(made[i], a)
		}
	}
	return made
}
