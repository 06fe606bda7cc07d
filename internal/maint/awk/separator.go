package awk

import (
	"strings"

	"kiln/internal/maint/regex"
)

// separator is what parts fields: FS, or the last argument of split. A newline is none
// by itself where RS is empty, as in mawk.
type separator struct {
	text string
	re   *regex.Automaton // of a literal expression
}

func (in *interpreter) separatorOf(e expr) separator {
	if r, ok := e.(*regexLiteral); ok {
		return separator{re: r.re}
	}
	return separator{text: in.text(in.eval(e))}
}

// cut hands the fields of s to each: none where s is empty.
func (in *interpreter) cut(s string, sep separator, each func(string)) {
	if s == "" {
		return
	}
	in.spend(len(s))
	switch {
	case sep.re != nil:
		in.cutAt(s, sep.re, each)
	case sep.text == " ":
		for one := range strings.FieldsFuncSeq(s, isBlank) {
			in.step()
			each(one)
		}
	case sep.text == "":
		for i := range len(s) {
			in.step()
			each(s[i : i+1])
		}
	case len(sep.text) == 1:
		for one := range strings.SplitSeq(s, sep.text) {
			in.step()
			each(one)
		}
	default:
		in.cutAt(s, in.pattern(sep.text), each)
	}
}

func isBlank(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' }

// cutAt cuts at matches that are not empty.
func (in *interpreter) cutAt(s string, re *regex.Automaton, each func(string)) {
	from := 0
	for at := 0; at <= len(s); {
		m := in.find(re, s, at)
		if m.Start < 0 {
			break
		}
		if at = m.End; m.End == m.Start {
			at++
			continue
		}
		each(s[from:m.Start])
		from = m.End
	}
	each(s[from:])
}
