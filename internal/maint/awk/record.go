package awk

import (
	"slices"
	"strings"
)

// record is $0 and its fields. Fields are cut when they are first asked for, by the FS
// of when the record was read; $0 is joined again when it is asked for after a change.
type record struct {
	whole   value
	fields  []value
	isSplit bool
	isStale bool   // whole, since a field has changed
	fs      string // of the record
	held    int64  // of in.stored
}

// fieldWeight is what a field takes in memory beside its string, and maxFields how many
// there can be.
const (
	fieldWeight = 48
	maxFields   = 1 << 24
)

// keep counts a change of what the record holds.
func (in *interpreter) keep(bytes int) {
	in.hold(&in.stored, bytes)
	in.held += int64(bytes)
}

// setRecord sets $0.
func (in *interpreter) setRecord(s string) {
	in.stored -= in.held
	in.held = 0
	in.keep(len(s))
	clear(in.fields)
	in.fields = in.fields[:0]
	in.whole, in.isSplit, in.isStale = input(s), false, false
	in.fs = in.special(varFS)
}

// split cuts the record into fields.
func (in *interpreter) split() {
	if in.isSplit {
		return
	}
	in.isSplit = true
	in.cut(in.whole.str, separator{text: in.fs}, func(s string) {
		in.keep(fieldWeight)
		in.fields = append(in.fields, part(s))
	})
	in.countFields()
}

func (in *interpreter) countFields() { in.globals[varNF].value = number(float64(len(in.fields))) }

// wholeRecord is $0.
func (in *interpreter) wholeRecord() string {
	if in.isStale {
		in.join()
	}
	return in.whole.str
}

func (in *interpreter) join() {
	ofs := in.special(varOFS)
	size := len(ofs) * max(0, len(in.fields)-1)
	parts := make([]string, len(in.fields))
	for i, f := range in.fields {
		parts[i] = in.text(f)
		size += len(parts[i])
	}
	in.spend(size + len(parts)*gone)
	in.keep(size - len(in.whole.str))
	in.whole, in.isStale = input(strings.Join(parts, ofs)), false
}

func (in *interpreter) field(n int) value {
	if n == 0 {
		in.wholeRecord()
		return in.whole
	}
	in.split()
	if n > len(in.fields) {
		return input("") // no number, as mawk has it
	}
	return in.fields[n-1]
}

func (in *interpreter) setField(n int, v value) {
	if n == 0 {
		in.setRecord(strings.Clone(in.text(v)))
		return
	}
	in.split()
	if n > len(in.fields) {
		in.resize(n)
	}
	v = in.own(v)
	in.keep(len(v.str) - owned(in.fields[n-1]))
	in.fields[n-1] = v
	in.isStale = true
}

// owned is the bytes of a field that are not the record's.
func owned(v value) int {
	if v.shared {
		return 0
	}
	return len(v.str)
}

func (in *interpreter) setNF(n int) {
	in.split()
	if n < 0 {
		in.fail("negative value assigned to NF")
	}
	in.resize(n)
	in.isStale = true
}

// resize makes fields empty ones, or takes some away.
func (in *interpreter) resize(n int) {
	if n > maxFields {
		in.stop(&LimitError{Memory, in.limits.Memory})
	}
	if more := n - len(in.fields); more > 0 {
		in.keep(more * fieldWeight)
		in.spend(more * gone)
		in.fields = append(in.fields, slices.Repeat([]value{input("")}, more)...)
	} else {
		for _, f := range in.fields[n:] {
			in.keep(-fieldWeight - owned(f))
		}
		clear(in.fields[n:])
		in.fields = in.fields[:n]
	}
	in.countFields()
}
