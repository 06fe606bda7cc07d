package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong in a recipe, and where.
type Problem struct {
	File       string
	Line       int    // from 1
	Column     int    // from 1, in characters
	Length     int    // in characters, at least 1; what the caret line marks
	Text       string // what is wrong, in one line
	Note       string // what helps to mend it; may be empty
	Suggestion string // the nearest valid spelling; may be empty
	Source     string // the line of the file
}

// Problems are all the problems of a file, sorted by place. As an error its text
// is what a person sees.
type Problems []Problem

// mostShown bounds the text of Problems: nobody reads more at once.
const mostShown = 50

func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i == mostShown {
			fmt.Fprintf(&b, "and %d more\n", len(ps)-i)
			break
		}
		b.WriteString(p.String())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Text, b.Text))
	})
}

// String gives the problem as a compiler would: the place and the text, the line
// of the file, a line that marks the place, and what helps.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: error: %s\n", p.File, p.Line, p.Column, p.Text)
	if line, column, length := window(p.Source, p.Column-1, p.Length); line != "" {
		fmt.Fprintf(&b, "    %s\n    %s^%s\n", line, strings.Repeat(" ", column), strings.Repeat("~", length-1))
	}
	if p.Note != "" {
		fmt.Fprintf(&b, "  %s\n", p.Note)
	}
	if p.Suggestion != "" {
		fmt.Fprintf(&b, "  did you mean %q?\n", p.Suggestion)
	}
	return b.String()
}

// widest is how many characters of a source line are shown.
const widest = 100

// window cuts a long line down to the part around column (from 0), and makes it
// safe to print: a recipe may come from anyone, a terminal obeys what it is sent.
func window(line string, column, length int) (shown string, at, marked int) {
	runes := []rune(line)
	column = min(max(column, 0), len(runes))
	start := 0
	if len(runes) > widest && column > widest/2 {
		start = min(column-widest/2, len(runes)-widest)
	}
	end := min(start+widest, len(runes))
	for i, r := range runes[start:end] {
		runes[start+i] = printable(r)
	}
	return strings.TrimRight(string(runes[start:end]), " "), column - start, max(min(length, end-column), 1)
}

func printable(r rune) rune {
	switch {
	case r == '\t':
		return '→'
	case r == utf8.RuneError || !unicode.IsPrint(r):
		return '?'
	}
	return r
}
