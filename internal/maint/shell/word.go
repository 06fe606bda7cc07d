package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// Words are expanded here, and only parameters, arithmetic and globs by the
// library, whose splitting drops the empty fields between two colons and whose
// "a$@b" is one field.

// char is one byte of a word being expanded.
type char struct {
	b      byte
	quoted bool // it stands for itself
	split  bool // it came from an expansion and may end a field
	mark   mark
}

// mark is what is no byte.
type mark byte

const (
	markNone  mark = iota
	markField      // a field ends here, as between the elements of "$@"
	markEmpty      // quotes: the field is one even if nothing is in it
)

// word collects the expansion of one word.
type word struct {
	p     *process
	chars []char
}

func (w *word) add(text string, c char) {
	w.chars = slices.Grow(w.chars, len(text))
	for i := range len(text) {
		c.b = text[i]
		w.chars = append(w.chars, c)
	}
}

func (w *word) mark(m mark) { w.chars = append(w.chars, char{mark: m}) }

// parts expands what a word consists of.
func (w *word) parts(parts []syntax.WordPart) {
	for i, part := range parts {
		if w.p.skip == skipExit || w.p.job.err != nil {
			return
		}
		switch part := part.(type) {
		case *syntax.Lit:
			text := part.Value
			if i == 0 {
				text = w.tilde(text, len(parts) > 1)
			}
			w.literal(showBytes(text))
		case *syntax.SglQuoted:
			w.mark(markEmpty)
			w.add(showBytes(w.p.value1(part)), char{quoted: true})
		case *syntax.DblQuoted:
			w.doubleQuoted(part)
		case *syntax.ParamExp:
			w.parameter(part, false)
		case *syntax.ArithmExp, *syntax.CmdSubst, *syntax.ProcSubst:
			w.add(w.p.value1(part), char{split: true})
		case *syntax.ExtGlob:
			w.add(part.Op.String()+part.Pattern.Value+")", char{})
		}
	}
}

// literal adds unquoted text, in which a backslash quotes.
func (w *word) literal(text string) {
	for i := 0; i < len(text); i++ {
		quoted := text[i] == '\\' && i+1 < len(text)
		if quoted {
			i++
		}
		w.add(text[i:i+1], char{quoted: quoted})
	}
}

// tilde expands a leading ~ and returns what follows it.
func (w *word) tilde(text string, more bool) string {
	if !strings.HasPrefix(text, "~") {
		return text
	}
	name, rest, slash := strings.Cut(text[1:], "/")
	if more && !slash || strings.Contains(name, `\`) {
		return text
	}
	home := w.p.vars["HOME"].String()
	if name != "" {
		home = w.p.home(name)
	} else if !w.p.vars["HOME"].IsSet() {
		return text
	}
	w.add(home, char{quoted: true})
	if slash {
		rest = "/" + rest
	}
	return rest
}

func (w *word) doubleQuoted(q *syntax.DblQuoted) {
	// "$@" without parameters is no field; all else in quotes is one.
	if len(q.Parts) != 1 || !isAt(q.Parts[0]) {
		w.mark(markEmpty)
	}
	for _, part := range q.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			w.add(showBytes(unescapeQuoted(part.Value)), char{quoted: true})
		case *syntax.ParamExp:
			w.parameter(part, true)
		default:
			w.add(w.p.value1(part), char{quoted: true})
		}
	}
}

// unescapeQuoted takes the backslashes away that quote within double quotes.
func unescapeQuoted(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && strings.IndexByte("$`\"\\", text[i+1]) >= 0 {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// value1 expands one part of a word to a string.
func (p *process) value1(part syntax.WordPart) string {
	text, err := expand.Literal(p.config, &syntax.Word{Parts: []syntax.WordPart{part}})
	p.expandError(err)
	return text
}

// expandWord expands one word.
func (p *process) expandWord(w *syntax.Word) []char {
	if w == nil {
		return nil
	}
	out := word{p: p}
	out.parts(w.Parts)
	return out.chars
}
