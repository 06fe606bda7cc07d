package apt

import (
	"fmt"
	"time"

	"kiln"
)

// stamp writes a time as the messages do.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// refuse is the error of a pocket that verification said no to.
func (p Pocket) refuse(hints []string, format string, args ...any) error {
	return p.problem(kiln.Refused, hints, format, args...)
}

func (p Pocket) problem(code kiln.Code, hints []string, format string, args ...any) error {
	return &kiln.Error{Code: code, Text: fmt.Sprintf("cannot use the archive %q: ", p.ID()) + fmt.Sprintf(format, args...), Hints: hints}
}

// What to do next, where the answer is the same in several places.
func hintOtherMirror(p Pocket) string {
	if p.Mirror == "" {
		return "ask the archive's owner, or point the recipe's url at another mirror of it"
	}
	return fmt.Sprintf("try another mirror: --mirror %s=URL", p.Mirror)
}

func hintUpdate() string { return "move the lock to what the archive holds now: kiln lock --update" }

func hintAgain() string {
	return "the mirror may be in the middle of an update: try again in some minutes"
}
