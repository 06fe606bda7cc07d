// Package cli is the command line: one file for each command, and this file.
//
// ui.go is the only file that prints, under these rules. Results go to standard
// output, everything else to standard error, so that a pipe sees results alone.
// With --json the result is one JSON object and nothing else. Progress is a live
// line on a terminal and nothing in a log; notes and warnings are plain lines on
// both; -q silences all but errors. An error is one sentence after "kiln: ", and
// each thing to do next stands on a line of its own.
package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"kiln"
	"kiln/internal/recipe"
)

// ui prints. Its methods may be called from several goroutines.
type ui struct {
	out, err io.Writer
	now      func() time.Time
	json     bool
	quiet    bool
	live     bool // err is a terminal

	mu     sync.Mutex
	shown  int // width of the live line on screen
	lastAt time.Time
	active map[string]kiln.Event // work under way, by step and subject
	order  []string              // keys of active, oldest first
	tally  map[kiln.Step]*tally
}

// tally counts what a step has done.
type tally struct {
	done, cached int
	bytes        int64
	first, last  time.Time
}

// liveEvery is the shortest time between two drawings of the live line.
const liveEvery = 80 * time.Millisecond

// sink is where libraries send their events.
func (u *ui) sink(e kiln.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count(e)
	switch e.State {
	case kiln.Note:
		u.line(e.Text)
	case kiln.Warning:
		u.line("warning: " + e.Text)
	default:
		u.draw()
	}
}

// count keeps what is under way and what is done.
func (u *ui) count(e kiln.Event) {
	if u.active == nil {
		u.active, u.tally = map[string]kiln.Event{}, map[kiln.Step]*tally{}
	}
	key := string(e.Step) + " " + e.Subject
	t := u.tally[e.Step]
	if t == nil {
		t = &tally{first: u.now()}
		u.tally[e.Step] = t
	}
	t.last = u.now()
	switch e.State {
	case kiln.Started, kiln.Progress:
		if _, ok := u.active[key]; !ok {
			u.order = append(u.order, key)
		}
		t.bytes += e.Done - u.active[key].Done
		u.active[key] = e
	case kiln.Finished, kiln.Cached:
		if e.State == kiln.Cached {
			t.cached++
		} else {
			t.done++
		}
		if _, ok := u.active[key]; ok {
			delete(u.active, key)
			u.order = without(u.order, key)
		}
	}
}

func without(list []string, s string) []string {
	kept := list[:0]
	for _, v := range list {
		if v != s {
			kept = append(kept, v)
		}
	}
	return kept
}

// draw renews the live line, at most every liveEvery.
func (u *ui) draw() {
	now := u.now()
	if !u.live || u.quiet || now.Sub(u.lastAt) < liveEvery {
		return
	}
	u.lastAt = now
	u.erase()
	if len(u.order) == 0 {
		return
	}
	e := u.active[u.order[0]]
	s := fmt.Sprintf("%-9s %s", e.Step, e.Subject)
	if t := u.tally[e.Step]; e.Step == kiln.StepFetch && t.bytes > 0 {
		rate := float64(t.bytes) / max(now.Sub(t.first).Seconds(), 0.001)
		s += fmt.Sprintf("  %s, %s/s", size(t.bytes), size(int64(rate)))
	}
	if n := len(u.order) - 1; n > 0 {
		s += fmt.Sprintf("  and %d more", n)
	}
	if len(s) > 78 {
		s = s[:78]
	}
	fmt.Fprint(u.err, s)
	u.shown = len(s)
}

// erase removes the live line.
func (u *ui) erase() {
	if u.shown > 0 {
		fmt.Fprint(u.err, "\r\x1b[K")
		u.shown = 0
	}
}

// line prints one line beside the live one.
func (u *ui) line(s string) {
	if u.quiet {
		return
	}
	u.erase()
	fmt.Fprintln(u.err, s)
}

// done ends the live display.
func (u *ui) done() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.erase()
}

// result prints what a command gave: v as JSON where that is asked for, and
// else what text writes.
func (u *ui) result(v any, text func(w io.Writer)) error {
	u.done()
	if !u.json {
		text(u.out)
		return nil
	}
	enc := json.NewEncoder(u.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// fail prints an error and returns the exit status that it maps to.
func (u *ui) fail(err error) int {
	u.done()
	var problems recipe.Problems
	if errors.As(err, &problems) {
		fmt.Fprintln(u.err, strings.TrimRight(problems.Error(), "\n"))
		return exitStatus(kiln.User)
	}
	text := strings.TrimRight(err.Error(), "\n")
	fmt.Fprintf(u.err, "kiln: %s\n", text)
	for _, h := range kiln.HintsOf(err) {
		fmt.Fprintf(u.err, "  try: %s\n", h)
	}
	return exitStatus(kiln.CodeOf(err))
}

// exitStatus is the one table from codes to exit statuses.
func exitStatus(c kiln.Code) int {
	switch c {
	case kiln.User:
		return 1
	case kiln.Usage:
		return 2
	case kiln.Refused:
		return 3
	case kiln.Network:
		return 4
	default:
		return 5
	}
}

// size renders bytes for people, in SI units as apt prints them.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
