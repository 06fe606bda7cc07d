package awk

import (
	"maps"
	"slices"
)

// resolve finds out which variables are arrays: those used as such, and those that are
// passed on as one. It checks calls and reports what is used as both.
func (p *parser) resolve() {
	for _, name := range slices.Sorted(maps.Keys(p.program.functions)) {
		f := p.program.functions[name]
		if !f.defined {
			p.fail(f.line, "function %s never defined", name)
		}
		if s := p.program.globals[name]; s != nil {
			p.fail(s.line, "%s is a function and a variable", name)
		}
	}
	for _, c := range p.calls {
		if c.at >= len(c.function.params) {
			p.fail(c.line, "too many arguments in call to %s", c.function.name)
		}
	}
	for changed := true; changed; {
		changed = false
		for _, c := range p.calls {
			if c.from == nil {
				continue
			}
			param := c.function.params[c.at]
			if param.array != c.from.array {
				param.array, c.from.array, changed = true, true, true
			}
		}
	}
	for _, b := range p.bare {
		if b.scalar {
			b.symbol.scalar = true
		}
		if b.symbol.scalar && b.symbol.array {
			p.fail(b.line, "illegal reference to array %s", b.symbol.name)
		}
	}
	for _, c := range p.calls {
		if c.from == nil && c.function.params[c.at].array {
			p.fail(c.line, "type error in arg(%d) in call to %s", c.at+1, c.function.name)
		}
	}
}
