package cli

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln/internal/bake"
	"kiln/internal/closure"
)

// mostFindings bounds the lines of findingsLeft, mostNames the names in each.
const (
	mostFindings = 6
	mostNames    = 3
)

// shortage is all findings of one kind that miss the same.
type shortage struct {
	kind     closure.Kind
	missing  string
	findings []bake.Finding
}

// findingsLeft tells what files of the images need and do not have, of which nothing
// is known to be in the way of; it is empty where there is none.
func findingsLeft(res *bake.Result, recipe string) string {
	groups := shortages(res)
	if groups == nil {
		return ""
	}
	total := 0
	var kinds []string
	for _, g := range groups {
		total += len(g.findings)
		if k := string(g.kind); !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	verb := "needs"
	if total > 1 {
		verb = "need"
	}
	lines := []string{fmt.Sprintf("%s of the image %s what it does not have; nothing that it starts is known to use them:", count(total, "file"), verb)}
	for i, g := range groups {
		if i == mostFindings && len(groups) > mostFindings+1 {
			lines = append(lines, fmt.Sprintf("  and %d more", total))
			break
		}
		total -= len(g.findings)
		lines = append(lines, "  "+g.String())
	}
	slices.Sort(kinds)
	return strings.Join(append(lines,
		"to see all: kiln build "+recipe+" --json",
		"to have them stop the build: closure: {strict: ["+strings.Join(kinds, ", ")+"]}"), "\n")
}

// shortages groups the findings of all platforms that the recipe does not accept,
// those of many files first.
func shortages(res *bake.Result) []*shortage {
	var groups []*shortage
	seen := map[string]bool{}
	for _, img := range res.Images {
		for _, f := range img.Findings {
			at := string(f.Kind) + "\x00" + f.Path + "\x00" + f.Missing
			if f.Accepted != "" || seen[at] {
				continue
			}
			seen[at] = true
			i := slices.IndexFunc(groups, func(g *shortage) bool { return g.kind == f.Kind && g.missing == f.Missing })
			if i < 0 {
				i = len(groups)
				groups = append(groups, &shortage{kind: f.Kind, missing: f.Missing})
			}
			groups[i].findings = append(groups[i].findings, f)
		}
	}
	slices.SortStableFunc(groups, func(a, b *shortage) int { return cmp.Compare(len(b.findings), len(a.findings)) })
	return groups
}

// String is one line: "13 scripts for /usr/bin/perl (debconf, openssl)".
func (g *shortage) String() string {
	if len(g.findings) == 1 {
		f := g.findings[0]
		text, _, _ := strings.Cut(f.Finding.String(), ", which is not in the image")
		if f.Package != "" {
			text += " (" + f.Package + ")"
		}
		return text
	}
	noun := map[closure.Kind]string{
		closure.NeedsLibrary: "libraries need %s", closure.NeedsScript: "scripts are for %s", closure.NeedsUnit: "lines of units run %s",
		closure.NeedsPAM: "lines of pam.d name %s", closure.NeedsLink: "links lead to %s",
	}[g.kind]
	return fmt.Sprintf("%d "+noun+" (%s)", len(g.findings), g.missing, someOf(g.names()))
}

// names are the packages of the findings, or where the recipe made a file its name.
func (g *shortage) names() []string {
	var names []string
	for _, f := range g.findings {
		if name := cmp.Or(f.Package, path.Base(f.Path)); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func someOf(names []string) string {
	if more := len(names) - mostNames; more > 1 {
		return strings.Join(names[:mostNames], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
