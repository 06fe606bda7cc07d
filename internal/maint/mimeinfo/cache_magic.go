package mimeinfo

import "slices"

const (
	cacheRule  = 16 // size of a rule, in bytes
	cacheMatch = 32 // size of a match
)

// cacheMagic writes the rules, then all matches, then their data. A match names the
// first of those below it by its place.
func (db *Database) cacheMagic(w *writer) {
	var all []*match
	place := map[*match]int{}
	for _, m := range db.magics {
		all = collect(all, m.matches)
	}
	extent := 0
	for i, m := range all {
		place[m] = i
		extent = max(extent, len(m.data)+m.start+m.length)
	}
	w.number(len(db.magics), extent, len(w.out)+12)
	base := len(w.out) + cacheRule*len(db.magics)
	for _, m := range db.magics {
		w.number(m.priority)
		w.text(m.of.name)
		w.number(len(m.matches), base+cacheMatch*place[m.matches[0]])
	}
	data := base + cacheMatch*len(all)
	for _, m := range all {
		w.number(m.start, m.length, m.word, len(m.data), data)
		data += padded(m.data)
		if m.mask != nil {
			w.number(data)
			data += padded(m.mask)
		} else {
			w.number(0)
		}
		if len(m.matches) > 0 {
			w.number(len(m.matches), base+cacheMatch*place[m.matches[0]])
		} else {
			w.number(0, 0)
		}
	}
	for _, m := range all {
		w.block(m.data)
		w.block(m.mask)
	}
}

func padded(b []byte) int { return (len(b) + 3) &^ 3 }

// collect lists matches so that those below one stand together.
func collect(all, list []*match) []*match {
	all = append(all, list...)
	for _, m := range slices.Clone(list) {
		all = collect(all, m.matches)
	}
	return all
}
