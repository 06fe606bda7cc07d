package mimeinfo

import "slices"

// suffix is a node of the tree of name ends, read from the last character. One
// without a character ends a pattern.
type suffix struct {
	character     rune
	name          string // of the type
	weight, flags int
	children      []*suffix
}

// cacheSuffixes writes the tree level by level.
func (db *Database) cacheSuffixes(w *writer) {
	root := &suffix{}
	for _, key := range db.globs.order() {
		if kindOf(key) != suffixGlob {
			continue
		}
		end := []rune(key[1:])
		slices.Reverse(end)
		for _, g := range db.globs.values[key] {
			root.insert(end, g)
		}
	}
	w.number(len(root.children), len(w.out)+8)
	next := len(w.out) + 12*len(root.children)
	for level := root.children; len(level) > 0; {
		var below []*suffix
		for _, s := range level {
			if s.character == 0 {
				w.number(0)
				w.text(s.name)
				w.number(s.weight | s.flags)
				continue
			}
			w.number(int(s.character), len(s.children), next)
			next += 12 * len(s.children)
			below = append(below, s.children...)
		}
		level = below
	}
}

func (s *suffix) insert(end []rune, g glob) {
	if len(end) == 0 {
		s.finish(g)
		return
	}
	i, found := slices.BinarySearchFunc(s.children, end[0], func(c *suffix, r rune) int { return int(c.character) - int(r) })
	if !found {
		s.children = slices.Insert(s.children, i, &suffix{character: end[0]})
	}
	s.children[i].insert(end[1:], g)
}

// finish ends a pattern; of a type that has it already, the higher weight holds.
func (s *suffix) finish(g glob) {
	i := 0
	for ; i < len(s.children) && s.children[i].character == 0; i++ {
		if c := s.children[i]; c.name == g.of.name {
			c.weight = max(c.weight, g.weight)
			return
		}
	}
	s.children = slices.Insert(s.children, i, &suffix{name: g.of.name, weight: g.weight, flags: g.flags()})
}
