package regex

// threads is a sparse set of the places where the automaton is, each with where its
// match began, in the order of these.
type threads struct {
	sparse []int32
	dense  []thread
}

type thread struct{ pc, start int32 }

func (t *threads) has(pc int32) bool {
	i := t.sparse[pc]
	return int(i) < len(t.dense) && t.dense[i].pc == pc
}

// Match is where a match was found: text[Start:End]. Start is -1 where there is none.
type Match struct {
	Start, End int
	// Open says that the end of the text had a say: with more text behind it, another
	// match could be found.
	Open bool
}

// spendEvery is how much work is done between two calls of spend.
const spendEvery = 4096

// Find returns the leftmost and, of those, longest match that does not begin before
// from; ^ holds at the beginning of text only. spend is called with the work done,
// in bytes times threads; it may panic. text must be shorter than 2 GiB.
func (a *Automaton) Find(text string, from int, spend func(work int)) Match {
	return find(a, text, from, spend)
}

// FindBytes is Find in bytes.
func (a *Automaton) FindBytes(text []byte, from int, spend func(work int)) Match {
	return find(a, text, from, spend)
}

func find[T string | []byte](a *Automaton, text T, from int, spend func(work int)) Match {
	f := finder[T]{a: a, text: text, found: Match{Start: -1}}
	a.now.dense = a.now.dense[:0]
	work := 0
	for at := from; ; at++ {
		if f.found.Start < 0 {
			if len(a.now.dense) == 0 && !a.empty {
				skipped := at
				for at < len(text) && !a.first.has(text[at]) {
					at++
				}
				work += (at - skipped) / 16
			}
			f.add(&a.now, 0, int32(at), at)
		}
		if work += len(a.now.dense) + 1; work > spendEvery {
			spend(work)
			work = 0
		}
		if at >= len(text) {
			f.found.Open = f.found.Open || f.alive()
			break
		}
		if len(a.now.dense) == 0 && f.found.Start >= 0 {
			break
		}
		f.take(at)
	}
	spend(work)
	return f.found
}

// finder is one search.
type finder[T string | []byte] struct {
	a     *Automaton
	text  T
	found Match
}

// alive reports whether a thread that counts could take a byte.
func (f *finder[T]) alive() bool {
	for _, t := range f.a.now.dense {
		if f.found.Start >= 0 && int(t.start) > f.found.Start {
			return false
		}
		if f.a.steps[t.pc].op == stepByte {
			return true
		}
	}
	return false
}

// take lets all threads take the byte at a place.
func (f *finder[T]) take(at int) {
	a := f.a
	a.then.dense = a.then.dense[:0]
	c := f.text[at]
	for _, t := range a.now.dense {
		if f.found.Start >= 0 && int(t.start) > f.found.Start {
			break
		}
		if s := &a.steps[t.pc]; s.op == stepByte && s.set.has(c) {
			f.add(&a.then, t.pc+1, t.start, at+1)
		}
	}
	a.now, a.then = a.then, a.now
}

// add puts a thread, and all that it reaches without a byte, into a set. Steps that
// take no byte are members too, so that none is gone through twice.
func (f *finder[T]) add(to *threads, pc, start int32, at int) {
	a := f.a
	a.stack = append(a.stack[:0], pc)
	for len(a.stack) > 0 {
		pc := a.stack[len(a.stack)-1]
		a.stack = a.stack[:len(a.stack)-1]
		if to.has(pc) {
			continue
		}
		to.sparse[pc] = int32(len(to.dense))
		to.dense = append(to.dense, thread{pc, start})
		switch s := &a.steps[pc]; s.op {
		case stepSplit:
			a.stack = append(a.stack, s.y, s.x)
		case stepBegin:
			if at == 0 {
				a.stack = append(a.stack, pc+1)
			}
		case stepEnd:
			if at == len(f.text) {
				f.found.Open = true
				a.stack = append(a.stack, pc+1)
			}
		case stepMatch:
			if f.found.Start < 0 || int(start) <= f.found.Start {
				f.found.Start, f.found.End = int(start), at
			}
		}
	}
}
