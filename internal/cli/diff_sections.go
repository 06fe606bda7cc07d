package cli

import (
	"fmt"

	"kiln/internal/compare"
)

// diffSections are the parts of a report in the order of their weight, as lines.
// Where not all is asked for, the files of a package that changed are one line.
func diffSections(r *compare.Report, all bool) []section {
	risks := section{title: "risks", open: true}
	for _, x := range r.Risks {
		risks.lines = append(risks.lines, "! "+x.Text)
	}
	return []section{
		risks, sectionOf("packages", r.Packages), scriptSection(r.Scripts), sectionOf("users and groups", r.Accounts),
		sectionOf("units", r.Units), sectionOf("configuration", r.Config), licenceSection(r.Licences), sectionOf("modes and owners", r.Modes),
		fileSection(r, all), sizeSection(r.Sizes),
	}
}

// sectionOf is a section of things that tell themselves in a line.
func sectionOf[T fmt.Stringer](title string, list []T) section {
	s := section{title: title}
	for _, x := range list {
		s.lines = append(s.lines, x.String())
	}
	return s
}

func scriptSection(list []compare.ScriptChange) section {
	s := section{title: "effects of maintainer scripts"}
	for _, c := range list {
		for _, e := range c.Now {
			s.lines = append(s.lines, "+ "+c.Script+" "+e)
		}
		for _, e := range c.Before {
			s.lines = append(s.lines, "- "+c.Script+" "+e)
		}
	}
	return s
}

func licenceSection(c compare.LicenceChanges) section {
	s := section{title: "licences"}
	for _, n := range c.Added {
		s.lines = append(s.lines, "+ "+n)
	}
	for _, n := range c.Removed {
		s.lines = append(s.lines, "- "+n)
	}
	for _, p := range c.Packages {
		s.lines = append(s.lines, p.String())
	}
	return s
}

// fileSection leaves out what merely has another time, and adds up the files of
// packages that changed: their files do, too.
func fileSection(r *compare.Report, all bool) section {
	s := section{title: "files"}
	expected := map[string]string{}
	for _, p := range r.Packages {
		expected[p.Name] = p.Change
	}
	sums := map[string]map[string]int{}
	times := 0
	for i := range r.Files {
		f := &r.Files[i]
		switch {
		case !all && f.TimesOnly():
			times++
		case !all && expected[f.Package] != "":
			if sums[f.Package] == nil {
				sums[f.Package] = map[string]int{}
			}
			sums[f.Package][f.Change]++
		default:
			s.lines = append(s.lines, f.String())
		}
	}
	for _, p := range r.Packages {
		if sum := sums[p.Name]; sum != nil && (len(s.tail) < mostFacts || len(sums) == 1) {
			s.tail = append(s.tail, "of "+p.Name+", which was "+p.Change+": "+tallyText(sum))
			delete(sums, p.Name)
		}
	}
	if len(sums) > 0 {
		s.tail = append(s.tail, fmt.Sprintf("and of %d more packages (--all)", len(sums)))
	}
	if times > 0 {
		s.tail = append(s.tail, count(times, "entry")+" with another time alone")
	}
	return s
}

// tallyText is "3 added, 1 moved".
func tallyText(sum map[string]int) string {
	text := ""
	for _, word := range []string{"added", "changed", "moved", "removed"} {
		if sum[word] > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s", sum[word], word)
		}
	}
	return text
}

func sizeSection(c compare.Sizes) section {
	s := section{title: "sizes"}
	if len(c.Packages) == 0 && c.Before == c.After {
		return s
	}
	s.lines = append(s.lines, fmt.Sprintf("~ in all %s -> %s (%s)", size(c.Before), size(c.After), delta(c.After-c.Before)))
	for _, p := range c.Packages {
		s.lines = append(s.lines, fmt.Sprintf("%s %s %s (%s)", map[bool]string{true: "+", false: "-"}[p.Delta() > 0], p.Name, delta(p.Delta()), size(p.After)))
	}
	switch c.Measure {
	case "content":
		s.tail = []string{"of each package its files in the image"}
	case "installed":
		s.tail = []string{"of each package what dpkg takes it for"}
	case "download":
		s.tail = []string{"of each package its .deb"}
	}
	return s
}

// delta is a size with its sign.
func delta(n int64) string {
	if n < 0 {
		return "-" + size(-n)
	}
	return "+" + size(n)
}
