package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kiln"
)

// plain is progress for a log: each step once, when it is over, and now and then
// how far a long one has come.
type plain struct {
	told map[kiln.Step]bool
	last time.Time // of the last line
}

// plainEvery is the least time between two lines of progress within a step.
const plainEvery = 10 * time.Second

// see returns the lines to print after an event, which w has seen.
func (p *plain) see(w *work, e kiln.Event, now time.Time) []string {
	if p.told == nil {
		p.told, p.last = map[kiln.Step]bool{}, w.begin
	}
	var lines []string
	for _, s := range w.begun() {
		if over(s, e) {
			lines = p.tell(lines, s)
		}
	}
	if s := w.steps[e.Step]; s != nil && len(lines) == 0 && p.due(s, now) {
		lines = append(lines, halfway(s, now))
	}
	if len(lines) > 0 {
		p.last = now
	}
	return lines
}

// due tells whether it is time to tell how far the step has come.
func (p *plain) due(s *stepWork, now time.Time) bool {
	return len(s.open) > 0 && !p.told[s.step] && now.Sub(s.first) >= plainEvery && now.Sub(p.last) >= plainEvery
}

// over tells whether the step can have no more work once e has come: there may be
// several platforms, each at another step. Only at the very end it is known of
// those that are not named here.
func over(s *stepWork, e kiln.Event) bool {
	if len(s.open) > 0 {
		return false
	}
	switch s.step {
	case kiln.StepLock, kiln.StepIndex, kiln.StepResolve:
		return e.Step == kiln.StepUnpack
	case kiln.StepFetch: // a lock may need a package, too
		return e.Step == kiln.StepUnpack && e.State != kiln.Planned
	case kiln.StepUnpack, kiln.StepConfigure, kiln.StepStage, kiln.StepAssemble:
		return s.complete()
	}
	return false
}

// end returns the lines of what was not told of yet.
func (p *plain) end(w *work) []string {
	if p.told == nil {
		p.told = map[kiln.Step]bool{}
	}
	var lines []string
	for _, s := range w.begun() {
		if len(s.open) == 0 {
			lines = p.tell(lines, s)
		}
	}
	return lines
}

func (p *plain) tell(lines []string, s *stepWork) []string {
	if p.told[s.step] {
		return lines
	}
	p.told[s.step] = true
	return append(lines, outcomeOf(s))
}

// outcomeOf is the line of a step that is over.
func outcomeOf(s *stepWork) string {
	parts := []string{count(s.done(), pieceName(s.step))}
	switch {
	case s.cached == s.done():
		parts = append(parts, "all there already")
	case s.cached > 0:
		parts = append(parts, fmt.Sprintf("%d there already", s.cached))
	}
	if s.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", s.failed))
	}
	took := s.last.Sub(s.first)
	if s.moved > 0 {
		parts = append(parts, size(s.moved)+" in "+seconds(took))
	} else {
		parts = append(parts, seconds(took))
	}
	if slices.Contains([]kiln.Step{kiln.StepFetch, kiln.StepPull, kiln.StepPush}, s.step) && s.moved > 0 && took >= meterLeast {
		parts = append(parts, size(int64(float64(s.moved)/took.Seconds()))+"/s")
	}
	return string(s.step) + ": " + strings.Join(parts, ", ")
}

// halfway is the line of a step that takes long.
func halfway(s *stepWork, now time.Time) string {
	f := fieldsOf(s, now)
	text := strings.Join(strings.Fields(joined(f.all())), " ")
	if j := s.inline(); j != nil {
		text = strings.TrimSpace(shown(j.subject) + " " + text)
	} else if f.count == "" && len(s.open) > 0 {
		text = strings.TrimSpace(shown(s.largest(1)[0].subject) + " " + text)
	}
	return string(s.step) + "... " + text
}

// pieceName is what one piece of a step's work is called.
func pieceName(s kiln.Step) string {
	switch s {
	case kiln.StepLock:
		return "file"
	case kiln.StepIndex:
		return "list"
	case kiln.StepResolve, kiln.StepCheck:
		return "platform"
	case kiln.StepFetch, kiln.StepUnpack:
		return "package"
	case kiln.StepConfigure, kiln.StepAssemble:
		return "layer"
	case kiln.StepStage:
		return "stage"
	case kiln.StepCompress:
		return "member"
	case kiln.StepVerify:
		return "object"
	case kiln.StepPull, kiln.StepPush:
		return "blob"
	}
	return "part"
}
