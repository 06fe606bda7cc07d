package tree

import "iter"

// Pairs yields the entries of two trees path by path, sorted: nil where a tree has
// nothing at the path. They must not be changed, and neither tree meanwhile.
func Pairs(a, b *Tree) iter.Seq2[*Entry, *Entry] {
	return func(yield func(a, b *Entry) bool) {
		left, right := a.inOrder(), b.inOrder()
		for len(left) > 0 || len(right) > 0 {
			var inA, inB *Entry
			order := compareHeads(left, right)
			if order <= 0 {
				inA, left = &left[0].entry, left[1:]
			}
			if order >= 0 {
				inB, right = &right[0].entry, right[1:]
			}
			if !yield(inA, inB) {
				return
			}
		}
	}
}

// compareHeads orders the first elements; an empty list comes last.
func compareHeads(left, right []*node) int {
	switch {
	case len(right) == 0:
		return -1
	case len(left) == 0:
		return 1
	}
	return comparePaths(left[0], right[0])
}
