package rootfs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/maint/servicetool"
	"kiln/internal/maint/vfs"
	"kiln/internal/recipe"
	"kiln/internal/spelling"
	"kiln/internal/tree"
)

// answers returns the recipe's debconf answers by question.
func (a *assembly) answers() map[string]string {
	all := map[string]string{}
	for _, answer := range a.in.Recipe.Debconf {
		all[answer.Question] = answer.Value
	}
	return all
}

// checkAnswers refuses an answer that nobody asks for.
func (a *assembly) checkAnswers() error {
	var questions []string
	for _, u := range a.units {
		f := u.ix.file("templates")
		if f == nil || len(a.in.Recipe.Debconf) == 0 {
			continue
		}
		text, err := a.contents.readAll(f.Digest)
		if err != nil {
			return unpackError(u, err)
		}
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "Template:"); ok {
				questions = append(questions, strings.TrimSpace(name))
			}
		}
	}
	for i, answer := range a.in.Recipe.Debconf {
		if slices.Contains(questions, answer.Question) {
			continue
		}
		err := userError("debconf[%d]: no package of the image has the question %q", i, answer.Question)
		err.Hints = []string{"remove the answer, or correct the question's name"}
		if near := mostAlike(answer.Question, questions); near != "" {
			err.Hints = []string{fmt.Sprintf("did you mean %q?", near)}
		}
		return err
	}
	return nil
}

// enabler returns the number of the recipe's line that enables a unit, -1 where
// none does.
func (a *assembly) enabler(unit string) int {
	return slices.IndexFunc(a.in.Recipe.System.Services.Enable, func(e recipe.Unit) bool { return e.Match(unit) })
}

// enables reports whether a unit that a package wants enabled is to be.
func (a *assembly) enables(unit string) bool { return a.enabler(unit) >= 0 }

// enableUnits enables what the recipe names, whether or not a package wanted it.
func (a *assembly) enableUnits(fs *vfs.FS) error {
	for i, e := range a.in.Recipe.System.Services.Enable {
		place := fmt.Sprintf("system.services.enable[%d]", i)
		if e.Pattern() {
			continue
		}
		before := fs.Author(tree.Origin{Recipe: place, Why: e.Why})
		err := servicetool.Enable(fs, e.Unit)
		fs.Author(before)
		if err != nil {
			return unitError(fs, place, e.Unit, err)
		}
	}
	return nil
}

func unitError(fs *vfs.FS, place, unit string, cause error) error {
	err := userError("%s: cannot enable %q: %v", place, unit, cause)
	err.Err = cause
	switch near := mostAlike(unit, servicetool.Units(fs)); {
	case errors.Is(cause, servicetool.ErrNoInstall):
		err.Hints = []string{"name the unit that starts it, such as its .socket or .timer, or remove the line"}
	case near != "":
		err.Hints = []string{fmt.Sprintf("did you mean %q?", near)}
	default:
		err.Hints = []string{"list the package that ships it, or remove the line"}
	}
	return err
}

// checkUnits refuses a pattern that enables nothing.
func (a *assembly) checkUnits() error {
	for i, e := range a.in.Recipe.System.Services.Enable {
		wanted := func(n command.Note) bool { return n.Kind == command.Enable && e.Match(n.Subject) }
		if e.Pattern() && !slices.ContainsFunc(a.report.notes, wanted) {
			return &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("system.services.enable[%d]: the pattern %q matches no unit that a package wants enabled", i, e.Unit),
				Hints: []string{"name the unit itself to enable it whether or not its package wants that"},
			}
		}
	}
	return nil
}

// mostAlike returns the name that s may have been meant to be; none where even that
// is quite another.
func mostAlike(s string, names []string) string {
	best, distance := "", max(2, len(s)/3)+1
	for _, name := range names {
		if d := spelling.Distance(s, name); d < distance {
			best, distance = name, d
		}
	}
	return best
}
