package awk

// rules runs the rules for each record of the main input.
func (in *interpreter) rules() {
	for {
		s, ok := in.nextMain()
		if !ok {
			return
		}
		in.setRecord(s)
		in.fresh = 0
		for _, r := range in.program.rules {
			in.step()
			if !in.selects(r) {
				continue
			}
			var how flow
			if r.action == nil {
				in.printRecord()
			} else {
				how = in.block(r.action)
			}
			if how == flowNextFile {
				in.endMain()
			}
			if how != flowOn {
				break
			}
		}
	}
}

// selects reports whether a rule's pattern selects the record.
func (in *interpreter) selects(r *rule) bool {
	defer in.letGo(in.fresh)
	switch {
	case r.pattern == nil:
		return true
	case r.until == nil:
		return in.holds(in.eval(r.pattern))
	case !in.inRange[r.index] && !in.holds(in.eval(r.pattern)):
		return false
	}
	in.inRange[r.index] = !in.holds(in.eval(r.until))
	return true
}

func (in *interpreter) letGo(to int64) { in.fresh = to }

func (in *interpreter) block(b *block) flow {
	for _, s := range b.list {
		if how := in.execute(s); how != flowOn {
			return how
		}
	}
	return flowOn
}

// execute runs a statement. The strings that it made are let go afterwards.
func (in *interpreter) execute(s statement) flow {
	in.step()
	in.deeper()
	mark := in.fresh
	how := in.statement(s)
	in.fresh = mark
	in.depth--
	return how
}

func (in *interpreter) statement(s statement) flow {
	switch s := s.(type) {
	case *expressionStatement:
		in.eval(s.value)
	case *printStatement:
		in.print(s)
	case *block:
		return in.block(s)
	case *ifStatement:
		switch {
		case in.test(s.test):
			return in.execute(s.yes)
		case s.no != nil:
			return in.execute(s.no)
		}
	case *whileStatement:
		return in.while(s)
	case *forStatement:
		return in.forLoop(s)
	case *forIn:
		return in.forIn(s)
	case *deletion:
		in.delete(s)
	case *jump:
		return in.jump(s)
	}
	return flowOn
}

// test is a condition. The strings that it made are let go.
func (in *interpreter) test(e expr) bool {
	mark := in.fresh
	holds := in.holds(in.eval(e))
	in.fresh = mark
	return holds
}

func (in *interpreter) while(s *whileStatement) flow {
	for s.late || in.test(s.test) {
		if how, out := loopEnd(in.execute(s.body)); out {
			return how
		}
		if s.late && !in.test(s.test) {
			break
		}
	}
	return flowOn
}

// loopEnd reports whether a loop ends with how its body did, and how that goes on.
func loopEnd(how flow) (flow, bool) {
	switch how {
	case flowOn, flowContinue:
		return flowOn, false
	case flowBreak:
		return flowOn, true
	}
	return how, true
}

func (in *interpreter) forLoop(s *forStatement) flow {
	if s.first != nil {
		in.execute(s.first)
	}
	for s.test == nil || in.test(s.test) {
		if how, out := loopEnd(in.execute(s.body)); out {
			return how
		}
		if s.next != nil {
			in.execute(s.next)
		}
	}
	return flowOn
}

// forIn visits the keys that the array has when the loop begins.
func (in *interpreter) forIn(s *forIn) flow {
	a := in.array(s.array)
	in.reserve(len(a.elements) * cellWeight)
	in.spend(len(a.elements)*gone + int(a.weight))
	for _, k := range a.keys() {
		in.assign(s.target, part(k))
		if how, out := loopEnd(in.execute(s.body)); out {
			return how
		}
	}
	return flowOn
}

func (in *interpreter) delete(s *deletion) {
	a := in.array(s.array)
	if s.keys == nil {
		in.clear(a)
		return
	}
	k := in.key(s.keys)
	a.touch(k, nil)
	if c := a.elements[k.text]; c != nil {
		in.stored -= c.weigh(k.text)
		a.weight -= c.weigh(k.text)
		delete(a.elements, k.text)
	}
}

func (in *interpreter) jump(s *jump) flow {
	switch s.op {
	case flowExit:
		if s.value != nil {
			in.status = integer(in.float(in.eval(s.value))) & 0xff
		}
		in.stop(errExit)
	case flowReturn:
		in.result = value{}
		if s.value != nil {
			in.result = in.eval(s.value)
		}
	}
	return s.op
}

// call calls a function. What its variables hold is let go at the end.
func (in *interpreter) call(c *call) value {
	f := c.function
	frame := make([]slot, len(f.params))
	before := in.frames
	in.hold(&in.frames, len(frame)*64)
	var own []*array
	for i, p := range f.params {
		switch {
		case i >= len(c.args) && p.array:
			frame[i].array = newArray()
			own = append(own, frame[i].array)
		case i >= len(c.args):
		case p.array:
			frame[i].array = in.array(c.args[i].(*variable).symbol)
		default:
			v := in.own(in.eval(c.args[i]))
			in.hold(&in.frames, len(v.str))
			frame[i].value = v
		}
	}
	locals, mark := in.locals, in.fresh
	in.locals, in.result = frame, value{}
	in.deeper()
	in.block(f.body)
	in.depth--
	result := in.own(in.result)
	in.locals, in.result, in.fresh, in.frames = locals, value{}, mark, before
	for _, a := range own {
		in.stored -= a.weight
	}
	in.reserve(len(result.str))
	return result
}
