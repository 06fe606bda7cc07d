package shell

import (
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// array expands a value of bash's that is an array, or an element of one.
func (p *process) array(a *syntax.Assign) expand.Variable {
	old := p.vars[a.Name.Value]
	if a.Index != nil {
		return p.element(a, old)
	}
	v := expand.Variable{Set: true, Kind: expand.Indexed}
	if a.Append {
		v.List = append(v.List, old.List...)
		if old.Kind == expand.String {
			v.List = append(v.List, old.Str)
		}
	}
	for _, e := range a.Array.Elems {
		if e.Index != nil {
			p.job.stop(p.job.cannot("it gives elements of the array %q by index", a.Name.Value))
			return v
		}
		v.List = append(v.List, p.fields([]*syntax.Word{e.Value})...)
	}
	return v
}

// element is name[index]=value.
func (p *process) element(a *syntax.Assign, v expand.Variable) expand.Variable {
	i := p.arithmetic(a.Index)
	if v.Kind == expand.Associative || v.Indexes != nil || i < 0 || i > 1<<16 {
		p.job.stop(p.job.cannot("it sets the element %d of the array %q", i, a.Name.Value))
		return v
	}
	if v.Kind == expand.String {
		v.List = []string{v.Str}
	}
	list := append([]string{}, v.List...)
	for len(list) <= i {
		list = append(list, "")
	}
	list[i] = ""
	if a.Value != nil {
		list[i] = p.literal(a.Value)
	}
	return expand.Variable{Set: true, Kind: expand.Indexed, List: list, Exported: v.Exported}
}
