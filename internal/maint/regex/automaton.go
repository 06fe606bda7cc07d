package regex

import "errors"

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(c byte)      { s[c>>6] |= 1 << (c & 63) }
func (s *byteSet) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

func (s *byteSet) invert() *byteSet {
	for i := range s {
		s[i] = ^s[i]
	}
	return s
}

// Automaton finds leftmost-longest matches of bytes in time proportional to the
// text times the size of the expression, without back-tracking: a simulation of
// Thompson's automaton. One Automaton serves one goroutine.
type Automaton struct {
	text  string
	steps []step
	first byteSet // what a match can begin with
	empty bool    // it may match nothing, or begin with an anchor

	now, then threads
	stack     []int32
}

// step is an instruction: to take a byte of set, to hold at an anchor, or to go on
// at two places.
type step struct {
	op   stepOp
	set  *byteSet
	x, y int32
}

type stepOp uint8

const (
	stepByte stepOp = iota
	stepSplit
	stepBegin
	stepEnd
	stepMatch
)

// MaxSize bounds an Automaton's size, in states.
const MaxSize = 20_000

// ErrTooLarge is of an expression that has more than MaxSize states, or groups too deep
// in each other.
var ErrTooLarge = errors.New("the regular expression is too large")

// Size is the number of the automaton's states: what a match costs for each byte is
// at most proportional to it, and so is its memory, at some 100 bytes each.
func (a *Automaton) Size() int { return len(a.steps) }

// String returns the expression.
func (a *Automaton) String() string { return a.text }

func compileAutomaton(text string, root *piece) (*Automaton, error) {
	if root.size() >= MaxSize {
		return nil, ErrTooLarge
	}
	a := &Automaton{text: text}
	a.emit(root)
	a.steps = append(a.steps, step{op: stepMatch})
	a.now.sparse = make([]int32, len(a.steps))
	a.then.sparse = make([]int32, len(a.steps))
	a.begin()
	return a, nil
}

// size is how many steps p takes; it stops counting where that is too much.
func (p *piece) size() int {
	n := 0
	for _, sub := range p.subs {
		if n += sub.size() + 2; n >= MaxSize {
			return MaxSize
		}
	}
	if p.op == pieceRepeat {
		n = (n + 2) * max(1, p.min+1, p.max)
	}
	return min(n+1, MaxSize)
}

// next is where the step that comes next will stand.
func (a *Automaton) next() int32 { return int32(len(a.steps)) }

func (a *Automaton) put(s step) int32 {
	a.steps = append(a.steps, s)
	return a.next() - 1
}

// emit appends the steps of p: it is entered at its first and left behind its last.
func (a *Automaton) emit(p *piece) {
	switch p.op {
	case pieceSequence:
		for _, sub := range p.subs {
			a.emit(sub)
		}
	case pieceAlternatives:
		var ends []int32
		for i, sub := range p.subs {
			if i+1 == len(p.subs) {
				a.emit(sub)
				break
			}
			split := a.put(step{op: stepSplit})
			a.steps[split].x = a.next()
			a.emit(sub)
			ends = append(ends, a.put(step{op: stepSplit}))
			a.steps[split].y = a.next()
		}
		for _, end := range ends {
			a.steps[end].x, a.steps[end].y = a.next(), a.next()
		}
	case pieceRepeat:
		a.repeat(p.subs[0], p.min, p.max)
	case pieceSet:
		a.put(step{op: stepByte, set: p.set})
	case pieceBegin:
		a.put(step{op: stepBegin})
	case pieceEnd:
		a.put(step{op: stepEnd})
	}
}

func (a *Automaton) repeat(sub *piece, low, high int) {
	for range low {
		a.emit(sub)
	}
	if high < 0 {
		split := a.put(step{op: stepSplit})
		a.steps[split].x = a.next()
		a.emit(sub)
		a.put(step{op: stepSplit, x: split, y: split})
		a.steps[split].y = a.next()
		return
	}
	var splits []int32
	for range high - low {
		split := a.put(step{op: stepSplit})
		a.steps[split].x = a.next()
		splits = append(splits, split)
		a.emit(sub)
	}
	for _, split := range splits {
		a.steps[split].y = a.next()
	}
}

// begin works out what a match can begin with.
func (a *Automaton) begin() {
	seen := make([]bool, len(a.steps))
	todo := []int32{0}
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch s := a.steps[pc]; s.op {
		case stepByte:
			for i := range a.first {
				a.first[i] |= s.set[i]
			}
		case stepSplit:
			todo = append(todo, s.x, s.y)
		default:
			a.empty = true
		}
	}
}
