package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"kiln"
)

// timings is where the time of a run went, in the shape that --json prints.
type timings struct {
	TotalMS float64      `json:"total_ms"`
	Steps   []stepTiming `json:"steps"` // in pipeline order

	spans      []span
	begin, end time.Time
}

// stepTiming is the time of one step, in milliseconds.
type stepTiming struct {
	Step   kiln.Step `json:"step"`
	WallMS float64   `json:"wall_ms"` // from the first beginning to the last end
	BusyMS float64   `json:"busy_ms"` // of all pieces together
	Count  int       `json:"count"`   // pieces of work
	Cached int       `json:"cached"`  // of them
	Bytes  int64     `json:"bytes"`   // of the pieces that were not cached, as far as they are counted
}

// timingsOf adds up the work of a run as of now.
func timingsOf(w *work, now time.Time) *timings {
	t := &timings{TotalMS: milliseconds(now.Sub(w.begin)), Steps: []stepTiming{}, spans: w.all(now), begin: w.begin, end: now}
	for _, s := range w.begun() {
		last, busy := s.last, s.busy
		for _, j := range s.open { // what never ended
			last, busy = now, busy+now.Sub(j.begin)
		}
		t.Steps = append(t.Steps, stepTiming{
			Step: s.step, WallMS: milliseconds(last.Sub(s.first)), BusyMS: milliseconds(busy),
			Count: s.done() + len(s.open), Cached: s.cached, Bytes: s.moved,
		})
	}
	return t
}

// milliseconds has three decimals.
func milliseconds(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

func ofMilliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// timingColumn is a column of the table, with its width.
type timingColumn struct {
	title string
	width int
	cell  func(stepTiming) string
}

// timingColumns are the columns behind the step's name, the least important last.
func timingColumns() []timingColumn {
	return []timingColumn{
		{"wall", 10, func(s stepTiming) string { return seconds(ofMilliseconds(s.WallMS)) }},
		{"busy", 10, func(s stepTiming) string { return seconds(ofMilliseconds(s.BusyMS)) }},
		{"count", 8, func(s stepTiming) string { return fmt.Sprint(s.Count) }},
		{"cached", 8, func(s stepTiming) string { return fmt.Sprint(s.Cached) }},
		{"bytes", 11, func(s stepTiming) string {
			if s.Bytes == 0 {
				return "-"
			}
			return size(s.Bytes)
		}},
	}
}

// text renders the table, and below it the bar of what took the time when.
func (t *timings) text(l look) string {
	shown, room := timingColumns(), l.width-nameColumns
	for i, c := range shown {
		if room -= c.width; room < 0 {
			shown = shown[:i]
			break
		}
	}
	var b strings.Builder
	row := func(name string, cell func(timingColumn) string) {
		b.WriteString(pad(cut(name, nameColumns, ""), nameColumns))
		for _, c := range shown {
			fmt.Fprintf(&b, "%*s", c.width, cell(c))
		}
		b.WriteString("\n")
	}
	row("step", func(c timingColumn) string { return c.title })
	for _, s := range t.Steps {
		row(string(s.Step), func(c timingColumn) string { return c.cell(s) })
	}
	total := stepTiming{WallMS: t.TotalMS}
	for _, s := range t.Steps {
		total.BusyMS += s.BusyMS
	}
	row("total", func(c timingColumn) string {
		if c.title == "wall" || c.title == "busy" {
			return c.cell(total)
		}
		return ""
	})
	text := b.String()
	if bar := flame(t.spans, t.begin, t.end, l); bar != "" {
		text += bar + "\n"
	}
	return trimLines(text)
}

func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// longest names the steps that took most of the time: "fetch 7.20 s, unpack 1.90 s".
// It is empty where nothing took long enough to be felt.
func (t *timings) longest() string {
	steps := slices.DeleteFunc(slices.Clone(t.Steps), func(s stepTiming) bool { return s.WallMS < max(t.TotalMS/20, 50) })
	slices.SortStableFunc(steps, func(a, b stepTiming) int { return cmp.Compare(b.WallMS, a.WallMS) })
	var names []string
	for _, s := range steps[:min(len(steps), 3)] {
		names = append(names, fmt.Sprintf("%s %s", s.Step, seconds(ofMilliseconds(s.WallMS))))
	}
	return strings.Join(names, ", ")
}
