package bake

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/closure"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// mostLacking bounds how many findings a message has: the first ones are often the
// cause of the others.
const mostLacking = 20

// lacking is the error of an image that does not have what its files need.
func lacking(r *recipe.Recipe, p kiln.Platform, found []closure.Finding, e *Explanation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot use the image for %s: it does not have what its files need", p)
	for i, f := range found {
		if i == mostLacking && len(found) > mostLacking+1 {
			fmt.Fprintf(&b, "\n  and %d more", len(found)-i)
			break
		}
		b.WriteString("\n  " + f.String())
		if by := f.By(); by != "" {
			b.WriteString("\n    " + by)
		}
		for _, cause := range causes(r, f, e) {
			b.WriteString("\n    " + cause)
		}
	}
	first := found[0]
	fmt.Fprintf(&b, "\nwhere it is as it should be, write in the recipe:\nclosure:\n  accept:\n    - {path: %q, missing: %q, why: ...}", first.Path, first.Missing)
	return &kiln.Error{Code: kiln.Refused, Text: b.String(), Hints: hints(first, droppedAs(first, e))}
}

// hints are what can be done about a finding; dropped is what would have been the
// missing thing.
func hints(f closure.Finding, dropped []Dropped) []string {
	if f.Kind == closure.NeedsCommand {
		return []string{"put the program into the image: packages: or files: of a layer", "correct " + f.Recipe}
	}
	list := []string{fmt.Sprintf("name the package that has it under packages: (on a Debian machine, apt-file search %s tells which)", path.Base(f.Missing))}
	switch {
	case len(dropped) > 0:
		list[0] = fmt.Sprintf("have it stay: change %s, or write keep: [%s]", dropped[0].By, tree.Absolute(dropped[0].Path))
		if slices.Contains(recipe.HardenNames(), dropped[0].By) {
			list[0] = fmt.Sprintf("have it stay: harden: [{%s: {except: [%s], why: ...}}]", dropped[0].By, tree.Absolute(dropped[0].Path))
		}
	case f.There != "":
		list[0] = fmt.Sprintf("have it found: container: {env: {LD_LIBRARY_PATH: %s}}", path.Dir(f.There))
	}
	if f.Package != "" {
		list = append(list, fmt.Sprintf("leave out what needs it: drop: [%s] of the package %s", f.Path, f.Package))
	}
	return list
}

// causes tells what of the recipe keeps the missing thing out.
func causes(r *recipe.Recipe, f closure.Finding, e *Explanation) []string {
	var list []string
	for _, d := range droppedAs(f, e) {
		line := fmt.Sprintf("%s leaves out %s", d.By, tree.Absolute(d.Path))
		if d.Package.Name != "" {
			line += " of the package " + d.Package.Name
		}
		if d.Why != "" {
			line += ": " + d.Why
		}
		list = append(list, line)
	}
	name, _, _ := strings.Cut(f.Package, ":")
	for _, l := range r.Layers {
		for i, p := range l.Packages {
			if own, _, _ := strings.Cut(p.Name, ":"); len(p.Without) > 0 && own == name {
				list = append(list, fmt.Sprintf("layers[%s].packages[%d] takes %s without %s", l.Name, i, p.Name, strings.Join(slices.Sorted(maps.Keys(p.Without)), ", ")))
			}
		}
	}
	return list
}

// droppedAs lists what would have been the missing thing.
func droppedAs(f closure.Finding, e *Explanation) []Dropped {
	if e == nil {
		return nil
	}
	var list []Dropped
	for _, d := range e.Dropped {
		at := tree.Absolute(d.Path)
		if at == f.Missing || !strings.Contains(f.Missing, "/") && path.Base(at) == f.Missing {
			list = append(list, d)
			continue
		}
		if real, err := e.Tree.Locate(f.Missing); err == nil && strings.HasPrefix(f.Missing, "/") && tree.Absolute(real) == at {
			list = append(list, d)
		}
	}
	return list
}

// whereabouts tells what the recipe leaves out of the image; nil where that cannot
// be known. It is asked only for a message.
func (o Options) whereabouts(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform) *Explanation {
	made, err := o.Lock.stages(ctx, r, l, p)
	if err != nil {
		return nil
	}
	e, err := o.Lock.Family.Explain(ctx, r, l, p, made)
	if err != nil {
		return nil
	}
	return e
}

// mostOffered bounds how many findings a message offers.
const mostOffered = 5

// unusedAcceptances is the error of acceptances that no finding answers to: a typo
// must not hide that something else is missing, and what is no longer missing needs
// no acceptance.
func unusedAcceptances(r *recipe.Recipe, p kiln.Platform, v closure.Verdict, places []string) error {
	var offered []string
	for _, f := range v.Notes {
		if len(offered) < mostOffered {
			offered = append(offered, f.Path)
		}
	}
	note := "nothing of the image lacks anything: take the line out"
	if offered != nil {
		note = "what lacks something: " + strings.Join(slices.Compact(offered), ", ")
	} else if len(v.Accepted) > 0 {
		note = "nothing else of the image lacks anything: take the line out"
	}
	var problems recipe.Problems
	for _, i := range v.Unused {
		a := r.Problem(places[i]+".path", fmt.Sprintf("it matches nothing: no such file of the image for %s lacks such a thing", p))
		a.Note = note
		problems = append(problems, a)
	}
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the recipe %q: %v", r.Path(), problems), Err: problems}
}
