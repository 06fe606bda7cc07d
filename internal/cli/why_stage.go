package cli

import (
	"fmt"
	"slices"
	"strings"

	"kiln/internal/lock"
	"kiln/internal/recipe"
)

// madeIn is the stage that made a file of the recipe.
type madeIn struct {
	Stage    recipeLine `json:"stage"`
	Source   string     `json:"source"`   // path in it
	Commands []string   `json:"commands"` // that ran there, one line each
	Packages []string   `json:"packages"` // that it asks for
}

func (m *madeIn) String() string {
	return fmt.Sprintf("%s of %s", m.Source, &m.Stage)
}

// stageOf finds the stage of a file of a layer; nil where it is of none.
func (q *inquiry) stageOf(part string) *madeIn {
	f := fileOf(q.r, part)
	if f == nil || f.FromStage == "" {
		return nil
	}
	i := q.r.StageIndex(f.FromStage)
	if i < 0 {
		return nil
	}
	s := q.r.Stages[i]
	m := &madeIn{Stage: *q.line(fmt.Sprintf("stages[%s]", s.Name), s.Why), Source: f.Source}
	for _, c := range s.Run {
		m.Commands = append(m.Commands, c.String())
	}
	for _, p := range s.Packages {
		m.Packages = append(m.Packages, p.Name)
	}
	return m
}

// stagesWith lists the stages that have a package.
func (q *inquiry) stagesWith(name, arch string) []recipeLine {
	var list []recipeLine
	for _, s := range q.e.Lock.Platforms[q.e.Platform].Stages {
		i := q.r.StageIndex(s.Name)
		has := slices.ContainsFunc(s.Packages, func(p lock.Package) bool { return p.Name == name && (arch == "" || p.Architecture == arch) })
		if i >= 0 && has {
			list = append(list, *q.line(fmt.Sprintf("stages[%s]", s.Name), q.r.Stages[i].Why))
		}
	}
	return list
}

// fileOf is the file at a part "layers[app].files[0]".
func fileOf(r *recipe.Recipe, part string) *recipe.File {
	rest, ok := strings.CutPrefix(part, "layers[")
	if !ok {
		return nil
	}
	name, rest, _ := strings.Cut(rest, "]")
	var n int
	if _, err := fmt.Sscanf(rest, ".files[%d]", &n); err != nil {
		return nil
	}
	for i := range r.Layers {
		if l := &r.Layers[i]; l.Name == name && n < len(l.Files) {
			return &l.Files[n]
		}
	}
	return nil
}

// print writes what made the file.
func (m *madeIn) print(f facts) {
	f.add("stage", "%s", m)
	for _, c := range m.Commands {
		f.add("command", "%s", c)
	}
	if len(m.Packages) > 0 {
		f.add("made with", "%s", strings.Join(m.Packages, ", "))
	}
}
