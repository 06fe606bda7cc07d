package secrets

import "sync"

// automaton is that of Aho and Corasick over the anchors of all rules, as a table of
// which state follows on which byte. Letters of both cases are one; bytes that stand
// in no anchor are one.
//
// Source: A. V. Aho and M. J. Corasick, Efficient string matching, CACM 18 (1975).
type automaton struct {
	class   [256]uint8
	next    [][mostClasses]uint16 // state, class -> state
	special uint32                // states from this one on have anchors
	found   [][]anchor            // of state-special
}

// mostClasses is how many different bytes anchors may have, and one more; a power of two
// that the compiler knows, as the table is asked about every byte of every file.
const mostClasses = 64

// anchor is that of a rule, found.
type anchor struct{ rule, length uint16 }

// machine returns the automaton of all rules, made once.
var machine = sync.OnceValue(func() *automaton {
	var words []string
	var anchors []anchor
	for i, r := range rules() {
		for _, a := range r.anchors {
			words = append(words, a)
			anchors = append(anchors, anchor{uint16(i), uint16(len(a))})
		}
	}
	return newAutomaton(words, anchors)
})

// longestAnchor is the length of the longest anchor, in bytes.
var longestAnchor = sync.OnceValue(func() int {
	longest := 0
	for _, r := range rules() {
		for _, a := range r.anchors {
			longest = max(longest, len(a))
		}
	}
	return longest
})

func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// newAutomaton makes the automaton of words; the first state is 0.
func newAutomaton(words []string, anchors []anchor) *automaton {
	m := &automaton{}
	classes := m.classify(words)
	trie := [][]int{make([]int, classes)} // 0: none
	ends := [][]anchor{nil}
	for i, w := range words {
		s := 0
		for j := range len(w) {
			c := m.class[fold(w[j])]
			if trie[s][c] == 0 {
				trie = append(trie, make([]int, classes))
				ends = append(ends, nil)
				trie[s][c] = len(trie) - 1
			}
			s = trie[s][c]
		}
		ends[s] = append(ends[s], anchors[i])
	}
	m.link(trie, ends)
	return m
}

// classify numbers the bytes that stand in words, from 1; all others are 0.
func (m *automaton) classify(words []string) int {
	classes := 1
	for _, w := range words {
		for j := range len(w) {
			if c := fold(w[j]); m.class[c] == 0 {
				m.class[c] = uint8(classes)
				classes++
			}
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		m.class[c] = m.class[fold(c)]
	}
	return classes
}

// link fills in what follows where a word breaks off, and numbers the states anew,
// those with anchors last.
func (m *automaton) link(trie [][]int, ends [][]anchor) {
	fail := make([]int, len(trie))
	queue := []int{0}
	for i := 0; i < len(queue); i++ {
		s := queue[i]
		for c, t := range trie[s] {
			switch {
			case t == 0 && s != 0:
				trie[s][c] = trie[fail[s]][c]
			case t != 0:
				if s != 0 {
					fail[t] = trie[fail[s]][c]
				}
				ends[t] = append(ends[t], ends[fail[t]]...)
				queue = append(queue, t)
			}
		}
	}
	number := make([]uint16, len(trie))
	n := uint16(0)
	for _, with := range []bool{false, true} {
		for _, s := range queue {
			if (len(ends[s]) > 0) == with {
				number[s] = n
				n++
			}
		}
		if !with {
			m.special = uint32(n)
		}
	}
	m.next = make([][mostClasses]uint16, len(trie))
	m.found = make([][]anchor, uint32(len(trie))-m.special)
	for s, row := range trie {
		for c, t := range row {
			m.next[number[s]][c] = number[t]
		}
		if len(ends[s]) > 0 {
			m.found[uint32(number[s])-m.special] = ends[s]
		}
	}
}
