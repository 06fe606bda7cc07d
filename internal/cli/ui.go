// Package cli is the command line: one file for each command, and this file.
//
// ui.go is the only file that prints, under these rules. Results go to standard
// output, everything else to standard error, so that a pipe sees results alone.
// With --json the result is one JSON object and nothing else. Progress is a live
// part at the bottom of a terminal, of which nothing stays, and a line for each
// step in a log; notes and warnings are plain lines on both; -q silences all but
// errors. An error is one sentence after "kiln: ", and each thing to do next stands
// on a line of its own. The other files named ui_*.go keep count of the work and
// render it as text, and print nothing.
package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"kiln"
	"kiln/internal/recipe"
)

// ui prints. Its methods may be called from several goroutines.
type ui struct {
	out, err io.Writer
	now      func() time.Time
	json     bool
	quiet    bool
	log      bool      // tell of each step where there is no live part
	terminal *terminal // that err is; nil: err is a file or a pipe

	mu     sync.Mutex
	work   work
	plain  plain
	screen screen
	ticks  chan struct{} // closed to end the live part; nil while there is none
	ended  bool
}

// liveEvery is the time between two drawings of the live part.
const liveEvery = 100 * time.Millisecond

// sink is where libraries send their events.
func (u *ui) sink(e kiln.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.now()
	u.work.see(e, now)
	switch {
	case e.State == kiln.Note:
		u.line(e.Text)
	case e.State == kiln.Warning:
		u.line("warning: " + e.Text)
	case u.quiet || u.ended:
	case e.State == kiln.Output && !u.json:
		u.line(outputLine(e))
	case u.terminal != nil:
		u.live()
	case u.log && !u.json:
		u.lines(u.plain.see(&u.work, e, now))
	}
}

// live starts the live part. A run that is over before the first tick shows none.
func (u *ui) live() {
	if u.ticks != nil {
		return
	}
	stop := make(chan struct{})
	u.ticks = stop
	go func() {
		tick := time.NewTicker(liveEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				u.draw()
			}
		}
	}()
}

// draw renews the live part.
func (u *ui) draw() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return
	}
	now := u.now()
	l := u.terminal.look()
	u.write(u.screen.draw(frame(&u.work, now, l), l.width))
}

// write writes text to standard error, in one piece.
func (u *ui) write(text string) {
	if text != "" {
		_, _ = io.WriteString(u.err, text) // there is nobody left to tell
	}
}

// line prints one line, or a few, above the live part.
func (u *ui) line(s string) {
	if u.quiet {
		return
	}
	u.write(u.screen.above(s+"\n", u.terminal.look().width))
}

func (u *ui) lines(list []string) {
	for _, s := range list {
		u.line(s)
	}
}

// done ends the live display.
func (u *ui) done() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ticks != nil && !u.ended {
		close(u.ticks)
	}
	u.ended = true
	u.write(u.screen.clear(u.terminal.look().width))
}

// finish ends the display of a run that ended well.
func (u *ui) finish() {
	u.mu.Lock()
	if u.log && !u.json && u.terminal == nil && !u.ended {
		u.lines(u.plain.end(&u.work))
	}
	u.mu.Unlock()
	u.done()
}

// result prints what a command gave: v as JSON where that is asked for, and
// else what text writes.
func (u *ui) result(v any, text func(w io.Writer)) error {
	u.finish()
	if !u.json {
		text(u.out)
		return nil
	}
	enc := json.NewEncoder(u.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// record sets when the run began, and whether all its work is kept, for a trace.
func (u *ui) record(all bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.log, u.work.begin, u.work.record = true, u.now(), all
}

// timings is where the time went so far.
func (u *ui) timings() *timings {
	u.mu.Lock()
	defer u.mu.Unlock()
	return timingsOf(&u.work, u.now())
}

// trace is what was done when, in a run called name.
func (u *ui) trace(name string) []traceEvent {
	u.mu.Lock()
	defer u.mu.Unlock()
	return traceOf(&u.work, name, u.now())
}

// tell prints what was asked for beside the result.
func (u *ui) tell(text string) {
	u.done()
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.quiet {
		u.write(text)
	}
}

// secret asks for a line that is not shown; ok tells whether in is a terminal.
func (u *ui) secret(in io.Reader, prompt string) (line []byte, ok bool, err error) {
	if !isTerminal(in) {
		return nil, false, nil
	}
	u.done()
	u.write(prompt)
	line, err = term.ReadPassword(int(in.(*os.File).Fd()))
	u.write("\n")
	return line, true, err
}

// ask asks for a line; ok tells whether in is a terminal.
func (u *ui) ask(in io.Reader, prompt string) (line string, ok bool, err error) {
	if !isTerminal(in) {
		return "", false, nil
	}
	u.done()
	u.write(prompt)
	var b []byte
	for one := make([]byte, 1); len(b) < maxKeyText; { // no byte of the next line is taken
		if n, err := in.Read(one); n == 0 && err != nil {
			return "", true, err
		}
		if one[0] == '\n' {
			break
		}
		b = append(b, one[0])
	}
	return strings.TrimSpace(string(b)), true, nil
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
