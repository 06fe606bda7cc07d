package mimeinfo

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// writer writes mime.cache: numbers of 32 bits, the highest byte first.
type writer struct {
	out     []byte
	strings map[string]int // where each stands
	missing string         // a string that stands nowhere
}

func (w *writer) number(n ...int) {
	for _, v := range n {
		w.out = binary.BigEndian.AppendUint32(w.out, uint32(v))
	}
}

// block writes bytes and fills up to a multiple of four.
func (w *writer) block(data []byte) {
	w.out = append(w.out, data...)
	for len(w.out)%4 != 0 {
		w.out = append(w.out, 0)
	}
}

func (w *writer) text(s string) {
	at, ok := w.strings[s]
	if !ok {
		w.missing = s
	}
	w.number(at)
}

// cacheHeader is the size of the header: two numbers of 16 bits and ten of 32.
const cacheHeader = 44

// cache is the file mime.cache.
func (db *Database) cache() ([]byte, error) {
	w := &writer{out: make([]byte, cacheHeader), strings: map[string]int{}}
	for _, s := range db.cacheStrings() {
		w.strings[s] = len(w.out)
		w.block(append([]byte(s), 0))
	}
	head := []byte{0, 1, 0, 2}
	for _, part := range []func(*writer){
		db.cacheAliases, db.cacheParents, db.cacheGlobs(literalGlob), db.cacheSuffixes, db.cacheGlobs(fullGlob), db.cacheMagic, db.cacheNamespaces,
		cacheIcons(db.icons), cacheIcons(db.genericIcons), db.cacheTypes,
	} {
		head = binary.BigEndian.AppendUint32(head, uint32(len(w.out)))
		part(w)
	}
	if w.missing != "" {
		return nil, fmt.Errorf("the string %q is not in the cache", w.missing)
	}
	copy(w.out, head)
	return w.out, nil
}

// cacheStrings lists the strings in the order of the tool's hash table, into which
// they come from the others in theirs.
func (db *Database) cacheStrings() []string {
	all := newTable[bool]()
	add := func(list ...string) {
		for _, s := range list {
			all.set(s, true)
		}
	}
	for _, key := range db.aliases.order() {
		add(key, db.aliases.values[key].name)
	}
	for _, key := range db.subclasses.order() {
		add(key)
		add(db.subclasses.values[key]...)
	}
	for _, key := range db.globs.order() {
		if kindOf(key) != suffixGlob {
			add(key)
		}
		for _, g := range db.globs.values[key] {
			add(g.of.name)
		}
	}
	for _, m := range db.magics {
		add(m.of.name)
	}
	for _, key := range db.namespaces.order() {
		uri, name, _ := strings.Cut(key, " ")
		add(db.namespaces.values[key].name, uri, name)
	}
	for _, icons := range []*table[string]{db.genericIcons, db.icons} {
		for _, key := range icons.order() {
			add(key, icons.values[key])
		}
	}
	return all.order()
}

func sorted[V any](t *table[V]) []string {
	keys := t.order()
	slices.Sort(keys)
	return keys
}

func (db *Database) cacheAliases(w *writer) {
	keys := sorted(db.aliases)
	w.number(len(keys))
	for _, key := range keys {
		w.text(key)
		w.text(db.aliases.values[key].name)
	}
}

func (db *Database) cacheParents(w *writer) {
	keys := sorted(db.subclasses)
	at := len(w.out) + 4 + 8*len(keys)
	w.number(len(keys))
	for _, key := range keys {
		w.text(key)
		w.number(at)
		at += 4 + 4*len(db.subclasses.values[key])
	}
	for _, key := range keys {
		w.number(len(db.subclasses.values[key]))
		for _, parent := range db.subclasses.values[key] {
			w.text(parent)
		}
	}
}

// caseMatters is the flag of a pattern.
const caseMatters = 0x100

func (g glob) flags() int {
	if g.exact {
		return caseMatters
	}
	return 0
}

func (db *Database) cacheGlobs(kind globKind) func(*writer) {
	return func(w *writer) {
		var all []glob
		for _, key := range sorted(db.globs) {
			if kindOf(key) == kind {
				all = append(all, db.globs.values[key]...)
			}
		}
		w.number(len(all))
		for _, g := range all {
			w.text(g.pattern)
			w.text(g.of.name)
			w.number(g.weight | g.flags())
		}
	}
}

func (db *Database) cacheNamespaces(w *writer) {
	keys := sorted(db.namespaces)
	w.number(len(keys))
	for _, key := range keys {
		uri, name, _ := strings.Cut(key, " ")
		w.text(uri)
		w.text(name)
		w.text(db.namespaces.values[key].name)
	}
}

func cacheIcons(t *table[string]) func(*writer) {
	return func(w *writer) {
		keys := sorted(t)
		w.number(len(keys))
		for _, key := range keys {
			w.text(key)
			w.text(t.values[key])
		}
	}
}

// cacheTypes writes where the names of all types stand, which the tool looks up with
// a line feed behind them and so never finds.
func (db *Database) cacheTypes(w *writer) {
	n := len(db.types.values)
	w.number(n)
	w.number(make([]int, n)...)
}
