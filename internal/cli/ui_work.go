package cli

import (
	"cmp"
	"slices"
	"time"

	"kiln"
)

// work is what a run has done, is doing and will do, as its events tell.
type work struct {
	begin  time.Time // of the run; the first event's where nobody set it
	steps  map[kiln.Step]*stepWork
	open   map[jobKey][]*job // more than one where two platforms work on the same
	record bool              // keep spans and marks
	spans  []span            // that have ended, in the order of their ends
	marks  []mark
}

type jobKey struct {
	step    kiln.Step
	subject string
}

// stepWork is one step of it.
type stepWork struct {
	step                     kiln.Step
	open                     []*job // oldest first
	finished, cached, failed int
	planned                  int   // pieces of work
	plannedBytes             int64 // of them all
	moved                    int64 // bytes of work that was done or is under way
	there                    int64 // bytes of what was cached
	first, last              time.Time
	busy                     time.Duration // of all pieces together
	meter                    meter         // of moved
}

// job is a piece of work under way.
type job struct {
	subject     string
	done, total int64
	begin       time.Time
}

// span is a piece of work from its beginning to its end.
type span struct {
	step       kiln.Step
	subject    string
	state      kiln.State // Finished, Cached, Failed; Started where it never came to an end
	bytes      int64
	begin, end time.Time
}

// mark is a moment: a cached piece, a note, a warning.
type mark struct {
	event kiln.Event
	at    time.Time
}

// see takes in an event.
func (w *work) see(e kiln.Event, now time.Time) {
	if w.steps == nil {
		w.steps, w.open = map[kiln.Step]*stepWork{}, map[jobKey][]*job{}
	}
	if w.begin.IsZero() {
		w.begin = now
	}
	switch e.State {
	case kiln.Note, kiln.Warning:
		w.mark(e, now)
	case kiln.Planned:
		s := w.step(e.Step)
		s.planned += e.Count
		s.plannedBytes += e.Total
	case kiln.Started:
		w.start(e, now)
	case kiln.Progress:
		if open := w.open[jobKey{e.Step, e.Subject}]; len(open) > 0 {
			w.step(e.Step).reach(open[0], e.Done, now)
		}
	case kiln.Finished, kiln.Cached, kiln.Failed:
		w.end(e, now)
	}
}

func (w *work) mark(e kiln.Event, now time.Time) {
	if w.record {
		w.marks = append(w.marks, mark{e, now})
	}
}

func (w *work) step(name kiln.Step) *stepWork {
	s := w.steps[name]
	if s == nil {
		s = &stepWork{step: name}
		w.steps[name] = s
	}
	return s
}

func (w *work) start(e kiln.Event, now time.Time) {
	s := w.step(e.Step)
	s.touch(now)
	j := &job{subject: e.Subject, total: e.Total, begin: now}
	s.open = append(s.open, j)
	key := jobKey{e.Step, e.Subject}
	w.open[key] = append(w.open[key], j)
	s.reach(j, e.Done, now)
}

// end closes the oldest piece of that name. A cached one need not have begun.
func (w *work) end(e kiln.Event, now time.Time) {
	s := w.step(e.Step)
	s.touch(now)
	key := jobKey{e.Step, e.Subject}
	open := w.open[key]
	if len(open) == 0 {
		s.count(e.State)
		s.there += e.Done
		w.mark(e, now)
		return
	}
	j := open[0]
	if len(open) == 1 {
		delete(w.open, key)
	} else {
		w.open[key] = open[1:]
	}
	s.open = slices.DeleteFunc(s.open, func(o *job) bool { return o == j })
	s.count(e.State)
	if e.State == kiln.Cached {
		s.there += e.Done
	} else {
		s.reach(j, e.Done, now)
	}
	s.busy += now.Sub(j.begin)
	if w.record {
		w.spans = append(w.spans, span{e.Step, e.Subject, e.State, e.Done, j.begin, now})
	}
}

func (s *stepWork) touch(now time.Time) {
	if s.first.IsZero() {
		s.first = now
	}
	s.last = now
}

func (s *stepWork) count(state kiln.State) {
	switch state {
	case kiln.Cached:
		s.cached++
	case kiln.Failed:
		s.failed++
	default:
		s.finished++
	}
}

// reach says how far a job has come; after a new start that may be less than before.
func (s *stepWork) reach(j *job, done int64, now time.Time) {
	s.moved += done - j.done
	j.done = done
	s.meter.take(now, s.moved)
}

// done is how many pieces are no longer to be done.
func (s *stepWork) done() int { return s.finished + s.cached + s.failed }

// pieces is how many there are to be, as far as is known.
func (s *stepWork) pieces() int { return max(s.planned, s.done()+len(s.open)) }

// begun tells whether anything of it was begun.
func (s *stepWork) begun() bool { return s.done()+len(s.open) > 0 }

// complete tells whether all that was planned is done.
func (s *stepWork) complete() bool {
	return s.planned > 0 && s.done() >= s.planned && len(s.open) == 0
}

// left is how long the step will still take; known is false where nobody can
// tell: the plan is not whole, or the pace is not steady.
func (s *stepWork) left(now time.Time) (d time.Duration, known bool) {
	var rest int64
	switch j := s.inline(); {
	case slices.Contains([]kiln.Step{kiln.StepFetch, kiln.StepUnpack, kiln.StepVerify, kiln.StepPull, kiln.StepPush}, s.step): // planned as a whole
		rest = s.plannedBytes - s.moved - s.there
	case j != nil && j.sized():
		rest = j.total - j.done
	}
	rate, steady := s.meter.rate(now)
	if rest <= 0 || !steady || rate <= 0 {
		return 0, false
	}
	seconds := float64(rest) / rate
	if seconds > 100*3600 {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// largest lists the n largest jobs under way, the largest first.
func (s *stepWork) largest(n int) []*job {
	list := slices.Clone(s.open)
	slices.SortStableFunc(list, func(a, b *job) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.subject, b.subject))
	})
	return list[:min(n, len(list))]
}

// begun lists the steps that have begun, in pipeline order. Steps that this
// package has not heard of do not show.
func (w *work) begun() []*stepWork {
	var list []*stepWork
	for _, name := range kiln.Steps() {
		if s := w.steps[name]; s != nil && s.begun() {
			list = append(list, s)
		}
	}
	return list
}

// all lists the spans by their beginnings, those that never ended as of now.
func (w *work) all(now time.Time) []span {
	list := slices.Clone(w.spans)
	for _, s := range w.begun() {
		for _, j := range s.open {
			list = append(list, span{s.step, j.subject, kiln.Started, j.done, j.begin, now})
		}
	}
	slices.SortStableFunc(list, func(a, b span) int { return cmp.Or(a.begin.Compare(b.begin), b.end.Compare(a.end)) })
	return list
}
