package awk

// nextMain returns the next record of the main input: the files that ARGV names, or
// the standard input where it names none. Assignments in ARGV are made on the way.
func (in *interpreter) nextMain() (string, bool) {
	for !in.ended {
		if in.main == nil && !in.openMain() {
			in.ended = true
			break
		}
		s, ok := in.nextRecord(in.main)
		if ok {
			in.count(varNR)
			in.count(varFNR)
			return s, true
		}
		if err := in.main.err; err != nil {
			in.check(err)
			in.cannotOpen(in.main.name, err)
		}
		in.endMain()
	}
	return "", false
}

func (in *interpreter) count(i int) {
	in.globals[i].value = number(in.float(in.globals[i].value) + 1)
}

// endMain ends the file that is read.
func (in *interpreter) endMain() {
	if in.main != nil {
		in.drop(in.main)
		in.main = nil
	}
}

// openMain opens the next file of ARGV.
func (in *interpreter) openMain() bool {
	argv := in.globals[in.program.globals["ARGV"].index].array
	for in.argument < integer(in.float(in.globals[varARGC].value)) {
		in.step()
		k, _ := wholeKey(float64(in.argument))
		in.argument++
		c := argv.elements[k.text]
		if c == nil {
			continue
		}
		name := in.text(c.value)
		if name == "" || in.assignArgument(name) {
			continue
		}
		in.named = true
		return in.startMain(name)
	}
	if in.named {
		return false
	}
	in.named = true
	return in.startMain("-")
}

func (in *interpreter) startMain(name string) bool {
	s, err := in.open(name)
	if err != nil {
		in.cannotOpen(name, err)
	}
	in.main = s
	in.setGlobal(varFILENAME, text(name))
	in.globals[varFNR].value = number(0)
	return true
}

// getline reads a record: 1 for one, 0 at the end, -1 for a file that cannot be read.
func (in *interpreter) getline(e *getline) value {
	if e.kind == "|" {
		in.eval(e.source)
		in.stop(&UnsupportedError{"a pipe"})
	}
	var s string
	ok := false
	if e.kind == "" {
		s, ok = in.nextMain()
	} else {
		from := in.input(in.text(in.eval(e.source)))
		if from == nil {
			return number(-1)
		}
		if s, ok = in.nextRecord(from); !ok && from.err != nil {
			in.check(from.err)
			return number(-1)
		}
	}
	if !ok {
		return number(0)
	}
	if e.target == nil {
		in.setRecord(s)
	} else {
		in.assign(e.target, input(s))
	}
	return number(1)
}

// maxOpen bounds the files that are open at the same time.
const maxOpen = 1000

// input is an open file by its name.
func (in *interpreter) input(name string) *stream {
	in.spend(len(name))
	if s := in.inputs[name]; s != nil {
		return s
	}
	in.checkOpen()
	s, err := in.open(name)
	if err != nil {
		return nil
	}
	in.inputs[name] = s
	return s
}

func (in *interpreter) checkOpen() {
	if len(in.inputs)+len(in.outputs) >= maxOpen {
		in.stop(&LimitError{Opened, maxOpen})
	}
}
