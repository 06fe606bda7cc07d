package shell

import (
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

func isAt(part syntax.WordPart) bool {
	pe, ok := part.(*syntax.ParamExp)
	return ok && pe.Param != nil && pe.Param.Value == "@" && pe.Exp == nil && !pe.Length
}

// parameter expands ${...}. Where its word counts, as in ${1+"$@"}, that keeps its
// own quotes.
func (w *word) parameter(pe *syntax.ParamExp, quoted bool) {
	c := char{quoted: quoted, split: !quoted}
	if pe.Param == nil || pe.Excl || pe.Length || pe.Index != nil || pe.Slice != nil || pe.Repl != nil || pe.Names != 0 {
		w.delegate(pe, quoted)
		return
	}
	name := pe.Param.Value
	if pe.Exp != nil {
		if trims(pe.Exp.Op) && name != "@" && name != "*" {
			w.add(w.p.trimmed(pe), c)
			return
		}
		if use, ok := w.p.usesWord(pe); ok && use {
			w.alternative(pe.Exp.Word, quoted)
			return
		} else if !ok || !alternates(pe.Exp.Op) {
			w.delegate(pe, quoted)
			return
		} else if pe.Exp.Op == syntax.AlternateUnset || pe.Exp.Op == syntax.AlternateUnsetOrNull {
			return
		}
	}
	switch {
	case name == "@" || name == "*" && !quoted:
		for i, param := range w.p.params {
			if i > 0 {
				w.mark(markField)
			}
			if quoted {
				w.mark(markEmpty)
			}
			w.add(param, c)
		}
	default:
		w.delegate(pe, quoted)
	}
}

func alternates(op syntax.ParExpOperator) bool {
	switch op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
		return true
	}
	return false
}

// usesWord reports whether ${x-word} and its like stand for their word. ok is
// false for other operators.
func (p *process) usesWord(pe *syntax.ParamExp) (use, ok bool) {
	v := p.Get(pe.Param.Value)
	set, null := v.IsSet(), v.String() == ""
	if name := pe.Param.Value; name == "@" || name == "*" {
		set, null = len(p.params) > 0, strings.Join(p.params, "") == ""
	}
	switch pe.Exp.Op {
	case syntax.AlternateUnset:
		return set, true
	case syntax.AlternateUnsetOrNull:
		return set && !null, true
	case syntax.DefaultUnset:
		return !set, true
	case syntax.DefaultUnsetOrNull:
		return !set || null, true
	}
	return false, false
}

// alternative expands the word of ${x-word}.
func (w *word) alternative(alt *syntax.Word, quoted bool) {
	if alt == nil {
		return
	}
	if quoted {
		w.doubleQuoted(&syntax.DblQuoted{Parts: alt.Parts})
		return
	}
	from := len(w.chars)
	w.parts(alt.Parts)
	for i := range w.chars[from:] {
		if c := &w.chars[from+i]; !c.quoted {
			c.split = true // POSIX 2.6.5: what results from an expansion is split
		}
	}
}

// delegate lets the library expand a parameter to one string.
func (w *word) delegate(pe *syntax.ParamExp, quoted bool) {
	if !w.p.affordable(pe) {
		return
	}
	var part syntax.WordPart = pe
	if quoted {
		part = &syntax.DblQuoted{Parts: []syntax.WordPart{pe}}
	}
	list, isList := w.p.elements(pe)
	if isList {
		for i, text := range list {
			if i > 0 {
				w.mark(markField)
			}
			w.add(text, char{quoted: quoted, split: !quoted})
		}
		return
	}
	w.add(w.p.value1(part), char{quoted: quoted, split: !quoted})
}

// elements returns the elements of bash's "${array[@]}".
func (p *process) elements(pe *syntax.ParamExp) ([]string, bool) {
	index, ok := pe.Index.(*syntax.Word)
	if !ok || index.Lit() != "@" || pe.Length {
		return nil, false
	}
	word := &syntax.Word{Parts: []syntax.WordPart{&syntax.DblQuoted{Parts: []syntax.WordPart{pe}}}}
	list, err := expand.Fields(p.config, word)
	p.expandError(err)
	return list, true
}

// affordable stops what could make a text much longer than its parts: bash's
// ${x//pattern/text}.
func (p *process) affordable(pe *syntax.ParamExp) bool {
	if pe.Repl == nil || !pe.Repl.All || pe.Param == nil {
		return true
	}
	return p.job.weigh(int64(len(p.vars[pe.Param.Value].String())+1) * max(1, p.size/64))
}
