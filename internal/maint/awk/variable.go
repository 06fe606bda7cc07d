package awk

// get is a variable's value.
func (in *interpreter) get(s *symbol) value {
	if s.local {
		return in.locals[s.index].value
	}
	if s.index == varNF {
		in.split()
	}
	return in.globals[s.index].value
}

func (in *interpreter) set(s *symbol, v value) {
	if !s.local {
		in.setGlobal(s.index, v)
		return
	}
	v = in.own(v)
	old := &in.locals[s.index].value
	in.hold(&in.frames, len(v.str)-len(old.str))
	*old = v
}

// setGlobal sets a global variable, with what that brings about.
func (in *interpreter) setGlobal(i int, v value) {
	if i == varNF {
		in.setNF(integer(in.float(v)))
		return
	}
	v = in.own(v)
	old := &in.globals[i].value
	in.hold(&in.stored, len(v.str)-len(old.str))
	*old = v
	if i == varCONVFMT {
		in.convfmt = in.text(v)
	}
}

// special is one of the variables that mean something, as a string.
func (in *interpreter) special(i int) string { return in.text(in.globals[i].value) }

func (in *interpreter) array(s *symbol) *array {
	if s.local {
		return in.locals[s.index].array
	}
	return in.globals[s.index].array
}

// key is an array index: one value, or several with SUBSEP between them.
func (in *interpreter) key(keys []expr) key {
	if len(keys) == 1 {
		v := in.eval(keys[0])
		if v.kind == isNumber {
			if k, ok := wholeKey(v.num); ok {
				return k
			}
		}
		text := in.text(v)
		in.spend(len(text))
		return key{text: text}
	}
	var all string
	for i, e := range keys {
		s := in.text(in.eval(e))
		if i > 0 {
			s = in.special(varSUBSEP) + s
		}
		in.reserve(len(all) + len(s))
		all += s
	}
	return key{text: all}
}

// weigh is what an element with a key takes in memory.
func (c *cell) weigh(key string) int64 { return int64(cellWeight + len(key) + len(c.value.str)) }

// element is an array's element, which is made if it is not there.
func (in *interpreter) element(a *array, k key) *cell {
	if c := a.find(k); c != nil {
		return c
	}
	in.hold(&in.stored, cellWeight+len(k.text))
	in.spend(len(k.text))
	a.weight += int64(cellWeight + len(k.text))
	return a.add(k)
}

func (in *interpreter) setElement(a *array, k key, v value) {
	c := in.element(a, k)
	v = in.own(v)
	in.hold(&in.stored, len(v.str)-len(c.value.str))
	a.weight += int64(len(v.str) - len(c.value.str))
	c.value = v
}

// clear takes all elements out of an array.
func (in *interpreter) clear(a *array) {
	in.stored -= a.weight
	*a = *newArray()
}
