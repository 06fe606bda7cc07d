package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"kiln"
)

// size renders bytes for people, in SI units as apt prints them.
func size(n int64) string {
	number, unit := sizeIn(n, n)
	return number + " " + unit
}

// sizeIn renders n bytes in the unit that suits the size of.
func sizeIn(n, of int64) (number, unit string) {
	switch {
	case of < 1000:
		return fmt.Sprint(n), "B"
	case of < 1000_000:
		return fmt.Sprintf("%.1f", float64(n)/1e3), "kB"
	case of < 1000_000_000:
		return fmt.Sprintf("%.1f", float64(n)/1e6), "MB"
	}
	return fmt.Sprintf("%.1f", float64(n)/1e9), "GB"
}

// sizeOf renders "45.1/89.0 MB", as wide for every n.
func sizeOf(n, total int64) string {
	whole, unit := sizeIn(total, total)
	part, _ := sizeIn(n, total)
	return fmt.Sprintf("%*s/%s %s", len(whole), part, whole, unit)
}

// seconds renders how long something took.
func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return clock(d)
}

// clock renders a longer time, to the second: "42s", "3m20s", "2h05m".
func clock(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

// remaining renders a time that is left, the coarser the longer, so that it does
// not flicker.
func remaining(d time.Duration) string {
	switch {
	case d < time.Second:
		d = time.Second
	case d > time.Hour:
		d = d.Round(5 * time.Minute)
	case d > 5*time.Minute:
		d = d.Round(30 * time.Second)
	case d > time.Minute:
		d = d.Round(5 * time.Second)
	}
	return clock(d) + " left"
}

// columns is how many columns of a terminal a text takes. It is right for what
// names of packages and paths are made of, and close for the rest.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
		r >= 0x3000 && r <= 0x303f, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
		return 2
	}
	return 1
}

// shown makes a text harmless for a terminal: what a name may hold must not move
// the cursor.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

// outputLine is a line that a command of a stage printed, with the stage before it.
func outputLine(e kiln.Event) string {
	stage, _, _ := strings.Cut(e.Subject, " ")
	return stage + " | " + shown(strings.ReplaceAll(e.Text, "\t", "    "))
}

// cut shortens a text to at most width columns; what is missing shows as dots.
func cut(s string, width int, dots string) string {
	if columns(s) <= width {
		return s
	}
	if width < columns(dots) {
		dots = ""
	}
	room, end := width-columns(dots), 0
	for i, r := range s {
		if room -= runeColumns(r); room < 0 {
			break
		}
		end = i + len(string(r))
	}
	return s[:end] + dots
}

// pad adds blanks up to width columns.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}
