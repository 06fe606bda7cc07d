package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"kiln/internal/compare"
)

func (r *changelogReport) print(w io.Writer, f changelogFlags) {
	report := sectionReport{title: fmt.Sprintf("packages from %s to %s", subjectText(r.Before), subjectText(r.After)), note: r.summary()}
	for i := range r.Sources {
		report.sections = append(report.sections, r.Sources[i].section())
	}
	report.sections = append(report.sections, sectionOf("packages added", r.Added), sectionOf("packages removed", r.Removed))
	if f.markdown {
		report.markdown(w)
		return
	}
	report.text(w, f.all)
}

// summary is one sentence about all.
func (r *changelogReport) summary() string {
	if len(r.Sources)+len(r.Added)+len(r.Removed) == 0 {
		return "no package changed"
	}
	text := fmt.Sprintf("%s changed, %s added, %d removed", count(len(r.Sources), "source"), count(len(r.Added), "package"), len(r.Removed))
	if len(r.CVEs) > 0 {
		text += "; names " + strings.Join(r.CVEs, ", ")
	}
	return text
}

// section is a source with its packages and entries.
func (c *sourceChange) section() section {
	s := section{title: c.title(), named: true}
	for _, e := range c.Entries {
		facts := []string{e.Version, strings.Join(e.Distributions, " ")}
		if e.Urgency != "" {
			facts = append(facts, "urgency "+e.Urgency)
		}
		if len(e.CVEs) > 0 {
			facts = append(facts, strings.Join(e.CVEs, " "))
		}
		if len(e.Closes) > 0 {
			facts = append(facts, "closes "+strings.Trim(fmt.Sprint(e.Closes), "[]"))
		}
		s.lines = append(s.lines, strings.Join(facts, ", "))
		for _, line := range e.Changes {
			if line != "" {
				s.lines = append(s.lines, line)
			}
		}
	}
	if c.Note != "" {
		s.tail = append(s.tail, c.Note)
	}
	return s
}

// title is "openssl 3.5.1-1 -> 3.5.2-1: libssl3t64, openssl".
func (c *sourceChange) title() string {
	var names []string
	for _, p := range c.Packages {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	before, after := c.Before, c.After
	if before == "" || after == "" || before == after { // the same source, built again
		before, after = c.Packages[0].Before, c.Packages[0].After
	}
	text := fmt.Sprintf("%s %s -> %s: %s", c.Source, before, after, strings.Join(names, ", "))
	if slices.ContainsFunc(c.Packages, func(p compare.PackageChange) bool { return p.Change == "downgraded" }) {
		text += ", downgraded"
	}
	return text
}
