package shell

import (
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

func trims(op syntax.ParExpOperator) bool {
	switch op {
	case syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		return true
	}
	return false
}

// trimmed is ${x#pattern}, ##, % and %%. The time it takes grows with the square
// of the text, which the step count so pays for.
func (p *process) trimmed(pe *syntax.ParamExp) string {
	v := p.Get(pe.Param.Value)
	if !v.IsSet() && p.opts['u'] {
		p.expandError(expand.UnsetParameterError{Node: pe, Message: "parameter not set"})
		return ""
	}
	text, pat := v.String(), p.pattern(pe.Exp.Word)
	if p.skip == skipExit || p.job.err != nil || text == "" {
		return text
	}
	mode := pattern.EntireString
	if p.bash {
		mode |= pattern.ExtendedOperators
	}
	match, err := p.job.matcher(pat, mode)
	if err != nil {
		return text
	}
	p.job.steps += len(text) / 256 * len(text) / 256
	if !p.job.step() {
		return ""
	}
	return trim(text, pe.Exp.Op, match)
}

func trim(text string, op syntax.ParExpOperator, match func(string) bool) string {
	n := len(text)
	for i := range n + 1 {
		switch op {
		case syntax.RemSmallPrefix:
			if match(text[:i]) {
				return text[i:]
			}
		case syntax.RemLargePrefix:
			if match(text[:n-i]) {
				return text[n-i:]
			}
		case syntax.RemSmallSuffix:
			if match(text[n-i:]) {
				return text[:n-i]
			}
		default:
			if match(text[i:]) {
				return text[:i]
			}
		}
	}
	return text
}
