package policy

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// textList is a list of texts that finds one without going through all: rules ask
// each file whether its name is in such a list.
type textList struct {
	traits.Lister
	has map[types.String]bool
}

// indexed returns v with an index where it is a list of texts alone.
func indexed(v ref.Val) ref.Val {
	list, ok := v.(traits.Lister)
	if !ok {
		return v
	}
	has := map[types.String]bool{}
	for it := list.Iterator(); it.HasNext() == types.True; {
		s, ok := it.Next().(types.String)
		if !ok {
			return v
		}
		has[s] = true
	}
	return &textList{list, has}
}

// Contains implements traits.Container.
func (l *textList) Contains(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	return types.Bool(ok && l.has[s])
}
