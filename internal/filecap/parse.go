package filecap

import (
	"fmt"
	"slices"
	"strings"
)

// clauses are the three sets that the text form speaks of, as bits by number.
type clauses struct{ effective, permitted, inheritable uint64 }

// Parse reads the text form (cap_from_text(3)): clauses such as
// "cap_net_raw,cap_net_admin+ep". Of the effective set a file keeps only whether it is
// empty. The error names the part that is not understood.
func Parse(text string) (Set, error) {
	var c clauses
	for clause := range strings.FieldsSeq(text) {
		at := strings.IndexAny(clause, "+-=")
		if at < 0 {
			return Set{}, fmt.Errorf("%s", clause)
		}
		mask, err := parseMask(clause[:at])
		if err != nil {
			return Set{}, err
		}
		if err := c.apply(mask, clause[at:]); err != nil {
			return Set{}, err
		}
	}
	return Set{Permitted: c.permitted, Inheritable: c.inheritable, Effective: c.effective != 0}, nil
}

func parseMask(list string) (uint64, error) {
	if list == "" || list == "all" {
		return 1<<len(names()) - 1, nil
	}
	var mask uint64
	for name := range strings.SplitSeq(strings.ToLower(list), ",") {
		short, ok := strings.CutPrefix(name, "cap_")
		i := slices.Index(names(), short)
		if !ok || i < 0 {
			return 0, fmt.Errorf("%s", name)
		}
		mask |= 1 << i
	}
	return mask, nil
}

// apply carries out the actions of one clause, such as "+ep" or "=ep-i".
func (c *clauses) apply(mask uint64, actions string) error {
	for actions != "" {
		op := actions[0]
		end := strings.IndexAny(actions[1:], "+-=") + 1
		if end == 0 {
			end = len(actions)
		}
		if op == '=' {
			c.effective, c.permitted, c.inheritable = c.effective&^mask, c.permitted&^mask, c.inheritable&^mask
		}
		for _, flag := range actions[1:end] {
			set := map[rune]*uint64{'e': &c.effective, 'p': &c.permitted, 'i': &c.inheritable}[flag]
			if set == nil {
				return fmt.Errorf("%s", actions)
			}
			if op == '-' {
				*set &^= mask
			} else {
				*set |= mask
			}
		}
		actions = actions[end:]
	}
	return nil
}
