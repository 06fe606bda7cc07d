package cli

import (
	"fmt"
	"strings"
)

// screen is the live part at the bottom of a terminal. Between two calls the
// cursor stands at the start of the line below it. Each method returns what to
// write, in one piece; nothing but lines and the sequences of ECMA-48 and the
// VT100 that every terminal since knows.
type screen struct {
	shown []int // columns of each line on the terminal
	width int   // of the terminal when they were written
}

const (
	wrapOff, wrapOn     = "\x1b[?7l", "\x1b[?7h"
	cursorOff, cursorOn = "\x1b[?25l", "\x1b[?25h"
	clearLine           = "\x1b[K" // to the end of the line
	clearBelow          = "\x1b[J" // to the end of the screen
)

// draw replaces the live part by lines, on a terminal of the given width. Lines
// are written over the old ones, so that nothing is empty in between.
func (s *screen) draw(lines []string, width int) string {
	if len(lines) == 0 {
		return s.clear(width)
	}
	var b strings.Builder
	b.WriteString(cursorOff + wrapOff + s.top(width))
	s.shown, s.width = s.shown[:0], width
	for _, line := range lines {
		b.WriteString(line + clearLine + "\r\n")
		s.shown = append(s.shown, columns(plainText(line)))
	}
	b.WriteString(clearBelow + wrapOn + cursorOn)
	return b.String()
}

// clear removes the live part.
func (s *screen) clear(width int) string {
	if len(s.shown) == 0 {
		return ""
	}
	text := s.top(width) + clearBelow
	s.shown = s.shown[:0]
	return text
}

// above writes text, which ends with a line, where the live part is; that is drawn
// anew by the next draw.
func (s *screen) above(text string, width int) string { return s.clear(width) + text }

// top moves to the first line of the live part. A terminal that became narrower
// has broken lines that were longer, as nearly all do by now.
func (s *screen) top(width int) string {
	rows := 0
	for _, n := range s.shown {
		rows++
		if width > 0 && width < s.width && n > 0 {
			rows += (n - 1) / width
		}
	}
	if rows == 0 {
		return "\r"
	}
	return fmt.Sprintf("\x1b[%dA\r", rows)
}

// plainText is a line without its colours.
func plainText(s string) string {
	for {
		before, rest, ok := strings.Cut(s, "\x1b[")
		if !ok {
			return s
		}
		_, after, _ := strings.Cut(rest, "m")
		s = before + after
	}
}
