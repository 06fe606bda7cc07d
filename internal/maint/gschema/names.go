package gschema

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// enumeration is the names that a key may have as its value: an enumerated type, a
// type of flags, or choices of the key's own.
type enumeration struct {
	names []enumName
	flags bool
}

type enumName struct {
	name   string
	number uint32 // 0 for choices
	target string // of an alias: the name it stands for
}

func (e *enumeration) has(name string) bool {
	return e.find(func(n enumName) bool { return n.name == name })
}

func (e *enumeration) find(match func(enumName) bool) bool {
	return slices.ContainsFunc(e.names, match)
}

// add adds a name or an alias of one.
func (e *enumeration) add(n enumName) error {
	if e.has(n.name) {
		return fmt.Errorf("%q is given twice", n.name)
	}
	if len(n.name) > 65 {
		return fmt.Errorf("%q is longer than 65 bytes", n.name)
	}
	if n.target != "" && !e.find(func(o enumName) bool { return o.name == n.target && o.target == "" }) {
		return fmt.Errorf("the alias %q is for %q, which is none of the names", n.name, n.target)
	}
	e.names = append(e.names, n)
	return nil
}

// valid reports whether all strings of v are among the names.
func (e *enumeration) valid(v value) bool {
	if s, ok := v.data.(string); ok {
		return e.find(func(n enumName) bool { return n.name == s && n.target == "" })
	}
	list, ok := v.data.([]value)
	return ok && !slices.ContainsFunc(list, func(x value) bool { return !e.valid(x) })
}

// words is GLib's string info map as an array of numbers: for each name a number
// and the name between the bytes ff (fe of an alias) and ff, filled up to whole
// words, two at least. The number of an alias is where its target's stands.
func (e *enumeration) words() value {
	var b []byte
	at := map[string]uint32{}
	for _, n := range e.names {
		number, mark := n.number, byte(0xff)
		if n.target != "" {
			number, mark = at[n.target], 0xfe
		}
		at[n.name] = uint32(len(b) / 4)
		b = binary.LittleEndian.AppendUint32(b, number)
		size := max(8, (len(n.name)+6)/4*4)
		b = append(b, mark)
		b = append(b, n.name...)
		b = append(b, strings.Repeat("\x00", size-2-len(n.name))...)
		b = append(b, 0xff)
	}
	list := []value{}
	for len(b) > 0 {
		list = append(list, value{"u", int64(binary.LittleEndian.Uint32(b))})
		b = b[4:]
	}
	return value{"au", list}
}
