package dpkgtool

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// altGroup is a link group of update-alternatives: the content of a file in
// /var/lib/dpkg/alternatives, as dpkg's utils/update-alternatives.c writes it.
type altGroup struct {
	name, link string
	auto       bool
	slaves     []altSlave
	choices    []altChoice
}

type altSlave struct{ name, link string }

type altChoice struct {
	file     string
	priority int
	slaves   map[string]string // by name
}

func parseAltGroup(name string, text []byte) (*altGroup, error) {
	r := lineReader{lines: strings.Split(string(text), "\n")}
	g := &altGroup{name: name}
	mode := r.next()
	if mode != "auto" && mode != "manual" {
		return nil, fmt.Errorf("the alternatives file of %q has the mode %q", name, mode)
	}
	g.auto, g.link = mode == "auto", r.next()
	for s := r.next(); s != ""; s = r.next() {
		g.slaves = append(g.slaves, altSlave{s, r.next()})
	}
	for file := r.next(); file != ""; file = r.next() {
		priority, err := strconv.Atoi(r.next())
		if err != nil {
			return nil, fmt.Errorf("the alternatives file of %q has a priority that is no number", name)
		}
		ch := altChoice{file, priority, map[string]string{}}
		for _, s := range g.slaves {
			ch.slaves[s.name] = r.next()
		}
		g.choices = append(g.choices, ch)
	}
	if r.short {
		return nil, fmt.Errorf("the alternatives file of %q ends too early", name)
	}
	return g, nil
}

type lineReader struct {
	lines []string
	short bool // more lines were asked for than there are
}

func (r *lineReader) next() string {
	if len(r.lines) == 0 {
		r.short = true
		return ""
	}
	l := r.lines[0]
	r.lines = r.lines[1:]
	return l
}

func (g *altGroup) mode() string {
	if g.auto {
		return "auto"
	}
	return "manual"
}

// add adds a choice, or replaces the one with the same file.
func (g *altGroup) add(ch altChoice) {
	for i := range g.choices {
		if g.choices[i].file == ch.file {
			g.choices[i] = ch
			return
		}
	}
	g.choices = append(g.choices, ch)
}

func (g *altGroup) choice(file string) (altChoice, bool) {
	i := slices.IndexFunc(g.choices, func(ch altChoice) bool { return ch.file == file })
	if i < 0 {
		return altChoice{}, false
	}
	return g.choices[i], true
}

// best is the first choice with the highest priority.
func (g *altGroup) best() (altChoice, bool) {
	if len(g.choices) == 0 {
		return altChoice{}, false
	}
	best := g.choices[0]
	for _, ch := range g.choices {
		if ch.priority > best.priority {
			best = ch
		}
	}
	return best, true
}

func (g *altGroup) dropUnusedSlaves() {
	g.slaves = slices.DeleteFunc(g.slaves, func(s altSlave) bool {
		return !slices.ContainsFunc(g.choices, func(ch altChoice) bool { return ch.slaves[s.name] != "" })
	})
}

// print returns the file: slaves and choices sorted.
func (g *altGroup) print() []byte {
	slices.SortFunc(g.slaves, func(a, b altSlave) int { return strings.Compare(a.name, b.name) })
	slices.SortFunc(g.choices, func(a, b altChoice) int { return strings.Compare(a.file, b.file) })
	var b strings.Builder
	b.WriteString(g.mode() + "\n" + g.link + "\n")
	for _, s := range g.slaves {
		b.WriteString(s.name + "\n" + s.link + "\n")
	}
	b.WriteString("\n")
	for _, ch := range g.choices {
		fmt.Fprintf(&b, "%s\n%d\n", ch.file, ch.priority)
		for _, s := range g.slaves {
			b.WriteString(ch.slaves[s.name] + "\n")
		}
	}
	b.WriteString("\n")
	return []byte(b.String())
}
