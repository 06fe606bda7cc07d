package cli

import (
	"strings"
	"time"

	"kiln"
)

// mostFlame is the widest bar, in columns.
const mostFlame = 120

// flame renders which step had most of the work under way at each time of the run,
// as one line over its whole duration: a block for each stretch, with the step's
// name as far as it fits. It is empty where there was no time at all.
func flame(spans []span, begin, end time.Time, l look) string {
	width := min(l.width-1, mostFlame)
	if !end.After(begin) || width < 1 {
		return ""
	}
	steps := dominant(spans, begin, end, width)
	var b strings.Builder
	for from := 0; from < len(steps); {
		to := from
		for to < len(steps) && steps[to] == steps[from] {
			to++
		}
		b.WriteString(l.block(steps[from], to-from))
		from = to
	}
	return b.String()
}

// dominant divides the run into n equal times, and finds for each the step whose
// pieces were under way the longest in it, all added up; the earlier one of the
// pipeline where two are equal, and none where nothing was.
func dominant(spans []span, begin, end time.Time, n int) []kiln.Step {
	busy := map[kiln.Step][]time.Duration{}
	each := end.Sub(begin) / time.Duration(n)
	each = max(each, 1)
	for _, s := range spans {
		if busy[s.step] == nil {
			busy[s.step] = make([]time.Duration, n)
		}
		from, to := s.begin.Sub(begin), s.end.Sub(begin)
		for i := max(int(from/each), 0); i < n && time.Duration(i)*each < to; i++ {
			until := time.Duration(i+1) * each
			if i == n-1 {
				until = end.Sub(begin)
			}
			busy[s.step][i] += max(min(to, until)-max(from, time.Duration(i)*each), 0)
		}
	}
	list := make([]kiln.Step, n)
	for i := range list {
		var most time.Duration
		for _, s := range kiln.Steps() {
			if b := busy[s]; b != nil && b[i] > most {
				most, list[i] = b[i], s
			}
		}
	}
	return list
}

// block is so many columns of a step. In colour it is a block with the name in it;
// else the block begins with a bar, and one that is a single column is a letter.
func (l look) block(s kiln.Step, width int) string {
	name := string(s)
	if l.colour {
		if s == "" {
			return strings.Repeat(" ", width)
		}
		label := ""
		if width > 2 {
			label = " " + cut(name, width-2, "")
		}
		return l.paint("30;"+background(s), pad(label, width))
	}
	edge, fill := "|", "-"
	if l.unicode {
		edge, fill = "▐", "▒"
	}
	switch {
	case s == "":
		return strings.Repeat(".", width)
	case width == 1:
		return name[:1]
	case width < 4:
		return edge + cut(name, width-1, "")
	}
	label := cut(name, width-1, "")
	return edge + label + strings.Repeat(fill, width-1-columns(label))
}

// background is the colour of a step, as ECMA-48 numbers it: neighbours in the
// pipeline differ.
func background(s kiln.Step) string {
	codes := []string{"46", "42", "43", "44", "45"}
	for i, other := range kiln.Steps() {
		if s == other {
			return codes[i%len(codes)]
		}
	}
	return "47"
}
