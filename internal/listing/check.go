package listing

import (
	"bytes"
	"errors"
	"fmt"
)

// check makes sure that no number leads out of its table and that every entry and
// record is whole, so that nothing which reads the listing later can fail.
func (l *List) check() error {
	switch {
	case l.head.text.Size < 0:
		return errors.New("its text has a negative size")
	case !l.nameEnds.rises(len(l.names)), !l.valueEnds.rises(len(l.values)), !l.recordEnds.rises(len(l.records)):
		return errors.New("the bounds of its parts are wrong")
	case l.valueEnds.len() == 0 || l.valueEnds.at(0) != 0:
		return errors.New("its first value is not the empty one")
	case !l.essential.below(l.Len()):
		return errors.New("an essential package leads nowhere")
	case !l.archs.below(l.valueEnds.len()):
		return errors.New("an architecture leads nowhere")
	}
	return l.checkNames()
}

// rises reports whether the numbers never fall and end at the limit.
func (c column) rises(limit int) bool {
	last := uint32(0)
	for i := range c.len() {
		n := c.at(i)
		if n < last {
			return false
		}
		last = n
	}
	return int64(last) == int64(limit)
}

func (c column) below(limit int) bool {
	for i := range c.len() {
		if int64(c.at(i)) >= int64(limit) {
			return false
		}
	}
	return true
}

// checkNames demands names in order, or they could not be found, whose packages
// stand in that order, too, and have the name.
func (l *List) checkNames() error {
	var before []byte
	next := uint32(0)
	for n := range uint32(l.nameEnds.len()) {
		e, ok := l.checkEntry(n, next)
		if !ok {
			return fmt.Errorf("the entry of the name %q is wrong", e.text)
		}
		if n > 0 && bytes.Compare(before, e.text) >= 0 {
			return fmt.Errorf("the name %q is out of order", e.text)
		}
		before = e.text
		for range e.packages {
			if !l.checkRecord(next, n) {
				return fmt.Errorf("the record of a package %q is wrong", e.text)
			}
			next++
		}
	}
	if int64(next) != int64(l.Len()) {
		return errors.New("a package has no name")
	}
	return nil
}

// checkRecord follows decoder.read without making anything.
func (l *List) checkRecord(i, name uint32) bool {
	names, values := l.nameEnds.len(), l.valueEnds.len()
	r := &reader{b: piece(l.records, l.recordEnds, i)}
	flags := r.below(allFlags + 1)
	r.bad = r.bad || r.below(names) != name
	r.below(names) // Source
	for range 6 {  // Version, Architecture, Multi-Arch, Section, Priority, Filename
		r.below(values)
	}
	if flags&ownVersion == 0 {
		r.below(values)
	}
	r.num() // Installed-Size
	r.num() // Size
	if flags&hasSHA256 != 0 {
		r.take(32)
	} else {
		r.below(values)
	}
	for flags /= hasField; flags > 0; flags /= 2 {
		if flags&1 == 0 {
			continue
		}
		for range r.count() {
			for r.checkRelation(names, values) {
			}
		}
	}
	return r.ended()
}

// checkRelation returns whether another alternative follows.
func (r *reader) checkRelation(names, values int) (more bool) {
	n := r.below(4 * names)
	more = n&alternative != 0
	if n&detailed == 0 {
		return more
	}
	flags := r.below(allRelationFlags + 1)
	if int(flags&operatorMask) >= len(operators) {
		r.fail()
	}
	if flags&operatorMask != 0 {
		r.below(values)
	}
	if flags&hasQualifier != 0 {
		r.below(values)
	}
	if flags&hasRestrictions != 0 {
		r.checkValues(values)
		for range r.count() {
			r.checkValues(values)
		}
	}
	return more
}

func (r *reader) checkValues(values int) {
	for range r.count() {
		r.below(values)
	}
}
