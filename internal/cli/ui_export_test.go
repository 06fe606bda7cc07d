package cli

import (
	"bytes"
	"io"
	"strings"
	"time"

	"kiln"
)

// Display is the work of a run as it is shown, with a clock of its own.
type Display struct {
	Now    time.Time
	work   work
	plain  plain
	screen screen
	Log    []string // lines of a log so far
}

// NewDisplay begins a run.
func NewDisplay() *Display {
	d := &Display{Now: time.Unix(1_000_000_000, 0)}
	d.work.begin, d.work.record = d.Now, true
	return d
}

// See takes in an event, some time after the one before.
func (d *Display) See(after time.Duration, e kiln.Event) {
	d.Now = d.Now.Add(after)
	d.work.see(e, d.Now)
	d.Log = append(d.Log, d.plain.see(&d.work, e, d.Now)...)
}

// End is the log's end.
func (d *Display) End() { d.Log = append(d.Log, d.plain.end(&d.work)...) }

// Look is what a terminal can show.
func Look(width, height int, colour, unicode bool) look { return look{width, height, colour, unicode} }

// Frame renders what is under way.
func (d *Display) Frame(l look) []string { return frame(&d.work, d.Now, l) }

// Draw is what is written to a terminal to show the frame.
func (d *Display) Draw(l look) string { return d.screen.draw(d.Frame(l), l.width) }

// Above is what is written to show a message.
func (d *Display) Above(text string, l look) string { return d.screen.above(text+"\n", l.width) }

// Clear is what is written at the end.
func (d *Display) Clear(l look) string { return d.screen.clear(l.width) }

// Timings renders where the time went.
func (d *Display) Timings(l look) string { return timingsOf(&d.work, d.Now).text(l) }

// Flame renders the bar alone.
func (d *Display) Flame(l look) string {
	return flame(d.work.all(d.Now), d.work.begin, d.Now, l)
}

// Longest names what took most of the time.
func (d *Display) Longest() string { return timingsOf(&d.work, d.Now).longest() }

// Trace renders what was done when.
func (d *Display) Trace(name string) string {
	var b bytes.Buffer
	if err := encodeTrace(&b, traceOf(&d.work, name, d.Now)); err != nil {
		panic(err)
	}
	return b.String()
}

// Columns is the width of a line without its colours.
func Columns(line string) int { return columns(plainText(line)) }

// PlainText is a line without its colours.
func PlainText(line string) string { return plainText(line) }

// Clean tells whether a line holds nothing but text and colours.
func Clean(line string) bool {
	return !strings.ContainsFunc(plainText(line), func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// Cut and Remaining are the functions of those names.
func Cut(s string, width int, dots string) string { return cut(s, width, dots) }
func Remaining(d time.Duration) string            { return remaining(d) }

// NewSink is where events go of a run that nobody watches.
func NewSink() kiln.Sink {
	u := &ui{out: io.Discard, err: io.Discard, now: time.Now, log: true}
	return u.sink
}
