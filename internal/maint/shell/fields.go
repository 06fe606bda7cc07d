package shell

import (
	"errors"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// literal expands a word to one string, with neither splitting nor globbing.
func (p *process) literal(w *syntax.Word) string {
	var b strings.Builder
	chars := p.expandWord(w)
	b.Grow(len(chars))
	for _, c := range chars {
		switch c.mark {
		case markNone:
			b.WriteByte(c.b)
		case markField:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// pattern expands a word to a pattern, in which what was quoted stands for itself.
func (p *process) pattern(w *syntax.Word) string {
	var b strings.Builder
	for _, c := range p.expandWord(w) {
		if c.mark == markNone {
			writeQuoted(&b, c)
		}
	}
	return b.String()
}

func writeQuoted(b *strings.Builder, c char) {
	if c.quoted {
		b.WriteString(pattern.QuoteMeta(string([]byte{c.b}), 0))
		return
	}
	if c.b == '\\' { // from an expansion: bash and dash take it as quoting what follows
		b.WriteByte('\\')
		return
	}
	b.WriteByte(c.b)
}

// fields expands words to arguments.
func (p *process) fields(words []*syntax.Word) []string {
	var all []string
	var size int64
	for _, w := range words {
		for _, one := range p.braces(w) {
			for _, field := range p.split(p.expandWord(one)) {
				for _, text := range p.glob(field) {
					if size += int64(len(text)) + 16; !p.job.weigh(size) {
						return nil
					}
					all = append(all, text)
				}
			}
			if p.skip == skipExit || p.job.err != nil {
				return nil
			}
		}
	}
	return all
}

// braces expands {a,b}, which bash does and dash does not.
func (p *process) braces(w *syntax.Word) []*syntax.Word {
	if !p.bash {
		return []*syntax.Word{w}
	}
	copied := *w
	if !syntax.SplitBraces(&copied) {
		return []*syntax.Word{w}
	}
	var all []*syntax.Word
	for one, err := range expand.BracesSeq(p.config, &copied) {
		if !p.job.weigh(int64(len(all)) * 64) {
			return nil
		}
		if err != nil {
			p.expandError(err)
			return nil
		}
		all = append(all, one)
	}
	return all
}

// split ends fields at the characters of IFS (POSIX 2.6.5): white space around
// them is dropped, any other one ends a field even if nothing is before it.
func (p *process) split(chars []char) [][]char {
	ifs := p.vars["IFS"].String()
	if !p.vars["IFS"].IsSet() {
		ifs = " \t\n"
	}
	var all [][]char
	kept := chars[:0] // what is kept never overtakes what is read
	begin, started := 0, false
	end := func(always bool) {
		if started || always {
			all = append(all, kept[begin:len(kept):len(kept)])
		}
		begin, started = len(kept), false
	}
	for i := 0; i < len(chars); {
		switch c := chars[i]; {
		case c.mark == markField:
			end(false)
			i++
		case c.mark == markEmpty:
			started = true
			i++
		case c.split && strings.IndexByte(ifs, c.b) >= 0:
			next, hard := separator(chars, i, ifs)
			end(hard)
			i = next
		default:
			kept, started = append(kept, c), true
			i++
		}
	}
	end(false)
	return all
}

// separator returns where a separator that starts at i ends, and whether there is
// more to it than white space.
func separator(chars []char, i int, ifs string) (next int, hard bool) {
	for ; i < len(chars); i++ {
		c := chars[i]
		if c.mark != markNone || !c.split || strings.IndexByte(ifs, c.b) < 0 {
			break
		}
		if strings.IndexByte(" \t\n", c.b) < 0 {
			if hard {
				break
			}
			hard = true
		}
	}
	return i, hard
}

// escaped is a field as a pattern.
func escaped(field []char) string {
	var b strings.Builder
	for _, c := range field {
		if c.quoted || strings.IndexByte(`~{}\`, c.b) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c.b)
	}
	return b.String()
}

// glob returns the paths that a field matches, or the field.
func (p *process) glob(field []char) []string {
	var text strings.Builder
	text.Grow(len(field))
	special := false
	for _, c := range field {
		text.WriteByte(c.b)
		special = special || !c.quoted && (strings.IndexByte("*?[", c.b) >= 0 || p.bash && c.b == '(')
	}
	if !special || p.opts['f'] {
		return []string{text.String()}
	}
	lit := &syntax.Lit{Value: escaped(field)}
	found, err := expand.Fields(p.config, &syntax.Word{Parts: []syntax.WordPart{lit}})
	var bad *pattern.SyntaxError
	if err != nil && !errors.As(err, &bad) {
		p.expandError(err)
	}
	if err != nil || len(found) == 0 {
		return []string{text.String()}
	}
	return found
}
