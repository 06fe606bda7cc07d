package recipe

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"kiln"
)

// Stage is a throw-away tree in which commands run, apart from the machine and without
// network. Of what they make, layers and later stages take named files; nothing else
// of it comes into the image.
type Stage struct {
	Name      string            `yaml:"name" jsonschema:"required"`    // as files call it in from-stage
	Packages  []Package         `yaml:"packages"`                      // what the commands need; what these depend on comes along
	Essential bool              `yaml:"essential"`                     // also install every package marked Essential, a shell and its usual commands among them
	Files     []File            `yaml:"files"`                         // what is put in before the commands run, such as sources
	Skip      []Skip            `yaml:"skip"`                          // maintainer scripts of its packages that are not honoured
	Run       []Command         `yaml:"run" jsonschema:"required"`     // in order: a text for /bin/sh -e, or a program with its arguments
	User      string            `yaml:"user"`                          // that runs them, by name or number; default root. All of the tree belongs to it
	WorkDir   string            `yaml:"workdir"`                       // absolute path, which is made where it is not there; default /
	Env       map[string]string `yaml:"env"`                           // variables; values are texts as they stand here
	Secrets   []string          `yaml:"secrets"`                       // ids of secrets that stand in /run/secrets while the commands run
	Timeout   string            `yaml:"timeout"`                       // of all commands together, such as 30m; default 1h
	Outputs   []string          `yaml:"outputs" jsonschema:"required"` // absolute paths of files and folders that are kept
	Why       string            `yaml:"why" jsonschema:"required"`     // what it is for
}

// Command is one command of a stage: a Script for /bin/sh -e, or the Words of a
// program with its arguments. Exactly one is set.
type Command struct {
	Script string
	Words  []string
}

// Argv is the command as it is executed.
func (c Command) Argv() []string {
	if c.Words != nil {
		return c.Words
	}
	return []string{"/bin/sh", "-e", "-c", c.Script}
}

// String is the command as a person would write it, in one line.
func (c Command) String() string {
	text := c.Script
	if c.Words != nil {
		text = strings.Join(c.Words, " ")
	}
	return strings.Join(strings.Fields(text), " ")
}

// MarshalJSON gives the text or the list, as the recipe has it.
func (c Command) MarshalJSON() ([]byte, error) {
	if c.Words != nil {
		return json.Marshal(c.Words)
	}
	return json.Marshal(c.Script)
}

// stageTimeout is how long the commands of a stage may take where it does not say.
const stageTimeout = time.Hour

// Limit is how long the commands may take.
func (s *Stage) Limit() time.Duration {
	if d, err := time.ParseDuration(s.Timeout); err == nil {
		return d
	}
	return stageTimeout
}

// StageIndex is the number of the stage of that name, or -1.
func (r *Recipe) StageIndex(name string) int {
	return slices.IndexFunc(r.Stages, func(s Stage) bool { return s.Name == name })
}

// StageRecipe is the recipe of the tree of stage i: its packages and files as one
// layer, over the recipe's sources and folder. Problems of its parts are placed where
// the stage stands.
func (r *Recipe) StageRecipe(i int) *Recipe {
	s := r.Stages[i]
	var d *document
	if r.document != nil {
		of := *r.document
		d, of.stage = &of, at("stages", i)
	}
	return &Recipe{
		Kiln: r.Kiln, Name: r.Name, Platforms: r.Platforms, Essential: s.Essential, Sources: r.Sources, Skip: s.Skip,
		Layers:   []Layer{{Name: s.Name, Packages: s.Packages, Files: s.Files}},
		Stages:   r.Stages[:i],
		document: d,
	}
}

// outOf places a part of a stage's own recipe in the whole one.
func (d *document) outOf(part string) string {
	switch {
	case d.stage == "":
		return part
	case strings.HasPrefix(part, "layers[0]"):
		return d.stage + strings.TrimPrefix(part, "layers[0]")
	case strings.HasPrefix(part, "skip["), part == "essential":
		return d.stage + "." + part
	}
	return part
}

// UsedStages are the numbers of the stages that an image for any of the platforms takes
// files from, in order, with those that these take files from.
func (r *Recipe) UsedStages(platforms []kiln.Platform) []int {
	used := make([]bool, len(r.Stages))
	mark := func(list []File) {
		for _, f := range list {
			wanted := len(f.Platforms) == 0 || slices.ContainsFunc(platforms, func(p kiln.Platform) bool { return slices.Contains(f.Platforms, p) })
			if i := r.StageIndex(f.FromStage); i >= 0 && wanted {
				used[i] = true
			}
		}
	}
	for _, l := range r.Layers {
		mark(l.Files)
	}
	var all []int
	for i := len(r.Stages) - 1; i >= 0; i-- {
		if used[i] {
			mark(r.Stages[i].Files)
			all = append(all, i)
		}
	}
	slices.Reverse(all)
	return all
}

// Covers tells whether path is one of the stage's outputs, or lies below one.
func (s *Stage) Covers(p string) bool {
	return slices.ContainsFunc(s.Outputs, func(out string) bool { return p == out || strings.HasPrefix(p, path.Clean(out)+"/") })
}
