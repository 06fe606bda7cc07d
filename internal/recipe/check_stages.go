package recipe

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

func (c *checker) stages(r *Recipe) {
	c.notEmpty("stages", len(r.Stages), "leave the key out if there is none")
	names, used := c.unique("stage"), map[string]bool{}
	for i := range r.Stages {
		c.stage(i, r, names)
		usedBy(used, r.Stages[i].Files)
	}
	for _, l := range r.Layers {
		usedBy(used, l.Files)
	}
	for i, s := range r.Stages {
		if at := at("stages", i) + ".name"; c.written(at) && !used[s.Name] {
			c.note(at, "take a file out of it: {path: ..., from-stage: "+s.Name+", source: ..., why: ...}", "nothing takes a file from the stage %q", shorten(s.Name))
		}
	}
}

func usedBy(used map[string]bool, files []File) {
	for _, f := range files {
		used[f.FromStage] = true
	}
}

func (c *checker) stage(i int, r *Recipe, names names) {
	s, p := r.Stages[i], at("stages", i)
	if c.matches(p+".name", s.Name, imageName, "small letters and digits, joined by single . _ or -") {
		if s.Name == reservedLayer {
			c.problem(p+".name", "the name %q is taken by kiln", s.Name)
		}
		names.add(p+".name", s.Name)
	}
	c.why(p, s.Why)
	packages, sources := c.unique("package"), sourceNames(r)
	for j, pkg := range s.Packages {
		c.pkg(at(p+".packages", j), pkg, sources, packages)
	}
	c.skipList(p+".skip", s.Skip)
	c.fileList(p+".files", s.Files, r, r.Stages[:i])
	c.notEmpty(p+".run", len(s.Run), "name the commands to run")
	for j, cmd := range s.Run {
		at := at(p+".run", j)
		if cmd.Words != nil {
			c.command(at, cmd.Words)
		} else {
			c.filled(at, cmd.Script)
		}
	}
	if c.owner(p+".user", s.User) && strings.Contains(s.User, ":") {
		c.problem(p+".user", "want one user, by name or number, got %q", shorten(s.User))
	}
	if c.written(p+".workdir") && s.WorkDir != "/" {
		c.imagePath(p+".workdir", s.WorkDir)
	}
	c.stageEnv(p+".env", s)
	secrets := c.unique("secret")
	for j, id := range s.Secrets {
		if at := at(p+".secrets", j); c.matches(at, id, SecretID, secretSyntax) {
			secrets.add(at, id)
		}
	}
	c.matches(p+".timeout", s.Timeout, func(s string) bool { d, err := time.ParseDuration(s); return err == nil && d >= time.Second }, "a duration such as 30m")
	c.stageOutputs(p+".outputs", s)
}

// fixedEnv are the variables of a stage that are the same for all.
var fixedEnv = []string{"SOURCE_DATE_EPOCH", "LANG", "TZ"}

func (c *checker) stageEnv(p string, s Stage) {
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		if at := atKey(p, name); c.matches(at, name, variableName, "the name of a variable (letters, digits, _)") && name == fixedEnv[0] {
			c.note(at, "it is the newest time that the stage's packages bring", "kiln itself sets %s", name)
		}
	}
}

// passing are folders of a stage that are there while its commands run, and no longer.
var passing = []string{"/dev", "/proc", "/run", "/tmp", "/sys"}

func (c *checker) stageOutputs(p string, s Stage) {
	c.notEmpty(p, len(s.Outputs), "name the files and folders to keep")
	u := c.unique("output")
	for j, out := range s.Outputs {
		at := at(p, j)
		c.imagePath(at, out)
		for _, dir := range passing {
			if out == dir || strings.HasPrefix(out, dir+"/") {
				c.note(at, "make it elsewhere, such as /out", "what is in %s is gone when the commands have run", dir)
			}
		}
		u.add(at, out)
	}
}

const (
	secretIDPattern = `^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`
	secretSyntax    = "the id of a secret: letters, digits and . _ -, at most 64"
)

// SecretID tells whether s can be the id of a secret, which is a file's name.
var SecretID = matcher(secretIDPattern, 64)

// fromStage checks a file that is taken from one of the stages that are known where it
// stands.
func (c *checker) fromStage(p string, f File, r *Recipe, known []Stage) {
	if !c.has(p + ".from-stage") {
		if c.has(p + ".source") {
			c.note(p+".source", "name the stage: from-stage: NAME", "source is a path in a stage, and none is named")
		}
		return
	}
	if !c.has(p + ".source") {
		c.note(p+".from-stage", "say which file: source: /path/in/the/stage", "missing key %q", "source")
		return
	}
	c.imagePath(p+".source", f.Source)
	var names []string
	for _, s := range known {
		names = append(names, s.Name)
	}
	switch {
	case slices.Contains(names, f.FromStage):
	case r.StageIndex(f.FromStage) >= 0:
		c.note(p+".from-stage", "stages run in order: move it further up", "the stage %q comes no earlier than this one", shorten(f.FromStage))
		return
	case len(names) == 0:
		c.note(p+".from-stage", "declare it under stages:", "unknown stage %q", shorten(f.FromStage))
		return
	default:
		c.oneOf(p+".from-stage", f.FromStage, "stage", names)
		return
	}
	s := known[slices.Index(names, f.FromStage)]
	if c.written(p+".source") && absolute(f.Source) && !s.Covers(f.Source) {
		note := "it keeps " + strings.Join(s.Outputs, ", ")
		if i := slices.IndexFunc(s.Outputs, func(out string) bool { return path.Base(out) == path.Base(f.Source) }); i >= 0 {
			c.suggest(p+".source", s.Outputs[i], "the stage %q keeps no %q", s.Name, shorten(f.Source))
			return
		}
		c.note(p+".source", note, "the stage %q keeps no %q", s.Name, shorten(f.Source))
	}
}
