package cli_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// vt is a small terminal: what kiln writes to it, it must understand.
type vt struct {
	t             *testing.T
	width, height int
	rows          []string // all rows ever, the last height of them on the screen
	row, col      int
	wrap, cursor  bool
}

func newVT(t *testing.T, width, height int) *vt {
	return &vt{t: t, width: width, height: height, rows: []string{""}, wrap: true, cursor: true}
}

// write takes in text as a terminal does that turns a line feed into both.
func (v *vt) write(text string) {
	v.t.Helper()
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			i := strings.IndexFunc(rest, func(r rune) bool { return r >= 0x40 && r <= 0x7e })
			if i < 0 {
				v.t.Fatalf("a sequence without an end: %q", text)
			}
			v.control(rest[:i], rest[i])
			text = rest[i+1:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		v.put(r)
	}
}

func (v *vt) control(args string, final byte) {
	v.t.Helper()
	line := []rune(v.rows[v.row])
	switch seq := args + string(final); {
	case final == 'm':
	case final == 'A':
		n, err := strconv.Atoi(args)
		if err != nil {
			v.t.Fatalf("sequence %q", seq)
		}
		v.row = max(v.row-n, len(v.rows)-v.height, 0)
	case seq == "K" || seq == "J":
		v.rows[v.row] = string(line[:min(v.col, len(line))])
		if seq == "J" {
			v.rows = v.rows[:v.row+1]
		}
	case seq == "?7l", seq == "?7h":
		v.wrap = final == 'h'
	case seq == "?25l", seq == "?25h":
		v.cursor = final == 'h'
	default:
		v.t.Fatalf("unknown sequence %q", seq)
	}
}

func (v *vt) put(r rune) {
	switch r {
	case '\r':
		v.col = 0
		return
	case '\n':
		v.col = 0
		v.down()
		return
	}
	if r < 0x20 {
		v.t.Fatalf("control character %q", r)
	}
	if v.col == v.width {
		if !v.wrap {
			v.col--
		} else {
			v.col = 0
			v.down()
		}
	}
	line := []rune(v.rows[v.row])
	for len(line) <= v.col {
		line = append(line, ' ')
	}
	line[v.col] = r
	v.rows[v.row] = string(line)
	v.col++
}

func (v *vt) down() {
	if v.row++; v.row == len(v.rows) {
		v.rows = append(v.rows, "")
	}
}

// text is all that can be seen, and scrolled back to.
func (v *vt) text() string {
	var b strings.Builder
	for _, row := range v.rows {
		fmt.Fprintln(&b, strings.TrimRight(row, " "))
	}
	return strings.TrimRight(b.String(), "\n")
}

// shrink makes the terminal narrower; lines that are longer are broken.
func (v *vt) shrink(width int) {
	var rows []string
	row := 0
	for i, line := range v.rows {
		if i == v.row {
			row = len(rows)
		}
		rest := []rune(strings.TrimRight(line, " "))
		for len(rest) > width {
			rows = append(rows, string(rest[:width]))
			rest = rest[width:]
		}
		rows = append(rows, string(rest))
	}
	v.rows, v.row, v.width, v.col = rows, row, width, 0
}
