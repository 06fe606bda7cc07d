package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// look is what a terminal can show.
type look struct {
	width, height int
	colour        bool
	unicode       bool
}

// What frames are made of, in columns and lines.
const (
	nameColumns  = 10 // of a step, with a blank behind
	leastBar     = 10
	mostBar      = 30
	itemBar      = 10
	itemName     = 36 // most columns of a subject
	itemSize     = 14 // "100.0/100.0 MB"
	mostLines    = 12
	mostItems    = 4 // of one step
	defaultWidth = 80
)

// The colours, as ECMA-48 numbers them.
const (
	bold = "1"
	dim  = "2"
	cyan = "36"
)

func (l look) paint(code, s string) string {
	if !l.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (l look) dots() string {
	if l.unicode {
		return "…"
	}
	return ".."
}

// bar is a bar of so many columns, filled to the given part.
func (l look) bar(width int, part float64) string {
	full, rest := "#", "-"
	if l.unicode {
		full, rest = "━", "─"
	}
	n := int(part * float64(width))
	n = min(max(n, 0), width)
	return l.paint(cyan, strings.Repeat(full, n)) + l.paint(dim, strings.Repeat(rest, width-n))
}

// frame renders what is under way as lines that fit the terminal: one for each
// step, and below it the largest pieces of it.
func frame(w *work, now time.Time, l look) []string {
	steps := slices.DeleteFunc(w.begun(), func(s *stepWork) bool {
		return len(s.open) == 0 && (s.complete() || s.planned == 0)
	})
	room := min(l.height-1, mostLines)
	if len(steps) > room {
		steps = steps[:max(room, 0)]
	}
	items := itemsOf(steps, room-len(steps))
	var lines []string
	for i, s := range steps {
		lines = append(lines, headLine(s, now, l))
		for _, j := range items[i] {
			lines = append(lines, itemLine(j, l))
		}
	}
	return lines
}

// itemsOf shares the lines that are there among the steps, in turn.
func itemsOf(steps []*stepWork, room int) [][]*job {
	all, given := make([][]*job, len(steps)), make([]int, len(steps))
	for i, s := range steps {
		if s.inline() == nil {
			all[i] = s.largest(mostItems)
		}
	}
	for again := true; again && room > 0; {
		again = false
		for i := range steps {
			if given[i] < len(all[i]) && room > 0 {
				given[i]++
				room--
				again = true
			}
		}
	}
	for i := range all {
		all[i] = all[i][:given[i]]
	}
	return all
}

// inline is the one job that stands on the step's own line, if there is one: it has
// no size, or is all that the step has to do.
func (s *stepWork) inline() *job {
	if len(s.open) == 1 && (s.open[0].total == 0 || s.planned < 2) {
		return s.open[0]
	}
	return nil
}

// headLine is the line of a step: bar, count, bytes, pace, time left, as far as
// they are known and there is room.
func headLine(s *stepWork, now time.Time, l look) string {
	width := l.width - 1
	name := pad(cut(string(s.step), min(nameColumns-1, width), ""), min(nameColumns, width))
	f := fieldsOf(s, now)
	part, known := s.part()
	if known {
		for _, fields := range [][]string{f.all(), f.without(f.rate), f.without(f.rate, f.bytes)} {
			text := joined(fields)
			if room := width - nameColumns - 2 - columns(text); room >= leastBar {
				bar := min(room, mostBar)
				return strings.TrimRight(l.paint(bold, name)+l.bar(bar, part)+"  "+text+inlineText(s, room-bar, true, l), " ")
			}
		}
	}
	text := ""
	for _, fields := range [][]string{f.all(), f.without(f.rate), f.without(f.rate, f.bytes), {f.left}, nil} {
		if text = joined(fields); columns(text) <= width-nameColumns {
			break
		}
	}
	return strings.TrimRight(l.paint(bold, name)+text+inlineText(s, width-nameColumns-columns(text), text != "", l), " ")
}

// inlineText is the subject of the one job that stands on the step's line.
func inlineText(s *stepWork, room int, behind bool, l look) string {
	j := s.inline()
	if behind {
		room -= 2
	}
	if j == nil || room < 6 {
		return ""
	}
	text := l.paint(dim, cut(shown(j.subject), room, l.dots()))
	if behind {
		return "  " + text
	}
	return text
}

// fields are what there is to say of a step.
type fields struct {
	count, bytes, rate, left string
}

func (f fields) all() []string { return []string{f.count, f.bytes, f.rate, f.left} }

func (f fields) without(fields ...string) []string {
	return slices.DeleteFunc(f.all(), func(s string) bool { return slices.Contains(fields, s) })
}

// joined puts two blanks between what is not empty.
func joined(fields []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(fields), func(s string) bool { return s == "" }), "  ")
}

func fieldsOf(s *stepWork, now time.Time) fields {
	var f fields
	if n := s.pieces(); n > 1 {
		f.count = fmt.Sprintf("%*d/%d", len(fmt.Sprint(n)), s.done(), n)
	}
	switch all := s.moved + s.there; {
	case s.plannedBytes > 0:
		f.bytes = sizeOf(min(all, s.plannedBytes), s.plannedBytes)
	case s.inline() != nil && s.inline().sized():
		f.bytes = sizeOf(min(s.inline().done, s.inline().total), s.inline().total)
	case all > 0:
		f.bytes = size(all)
	}
	if rate, _ := s.meter.rate(now); rate > 0 {
		f.rate = size(int64(rate)) + "/s"
	}
	if d, known := s.left(now); known {
		f.left = remaining(d)
	} else if j := s.inline(); j != nil && !j.sized() && now.Sub(j.begin) >= 2*time.Second {
		f.left = clock(now.Sub(j.begin))
	}
	return f
}

// part is how much of the step is done, from 0 to 1.
func (s *stepWork) part() (part float64, known bool) {
	switch {
	case s.plannedBytes > 0:
		return float64(s.moved+s.there) / float64(s.plannedBytes), true
	case s.inline() != nil && s.inline().sized():
		return float64(s.inline().done) / float64(s.inline().total), true
	case s.planned > 1:
		return float64(s.done()) / float64(s.pieces()), true
	}
	return 0, false
}

// sized tells whether it is known how far the job has come.
func (j *job) sized() bool { return j.total > 0 && j.done > 0 }

// itemLine is the line of one job.
func itemLine(j *job, l look) string {
	width := l.width - 1
	right := ""
	switch {
	case j.total > 0:
		right = sizeOf(min(j.done, j.total), j.total)
	case j.done > 0:
		right = size(j.done)
	}
	room := width - 4 - columns(right)
	bar := ""
	if j.total > 0 && room >= itemName+itemBar+itemSize-columns(right)+2 {
		bar = l.bar(itemBar, float64(j.done)/float64(j.total)) + strings.Repeat(" ", 2+max(0, itemSize-columns(right)))
		room -= itemBar + 2
	}
	name := cut(shown(j.subject), max(0, min(room, itemName)), l.dots())
	if columns(name) < 4 {
		return cut("  "+shown(j.subject), max(width, 0), l.dots())
	}
	return strings.TrimRight("  "+l.paint(dim, pad(name, min(room, itemName)))+"  "+bar+right, " ")
}
