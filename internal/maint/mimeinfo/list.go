package mimeinfo

import (
	"slices"
	"strings"
)

// typeLines lists keys with the types that they are of, sorted.
func typeLines(t *table[*Type]) []byte {
	var lines []string
	for _, key := range t.order() {
		lines = append(lines, key+" "+t.values[key].name+"\n")
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, ""))
}

func (db *Database) typeList() []byte {
	lines := db.types.order()
	slices.Sort(lines)
	return []byte(strings.Join(append(lines, ""), "\n"))
}

// subclassLines is in the order of the hash table.
func (db *Database) subclassLines() []byte {
	var b strings.Builder
	for _, key := range db.subclasses.order() {
		for _, parent := range db.subclasses.values[key] {
			b.WriteString(key + " " + parent + "\n")
		}
	}
	return []byte(b.String())
}

// iconLines is in the order of the hash table.
func iconLines(t *table[string]) []byte {
	var b strings.Builder
	for _, key := range t.order() {
		b.WriteString(key + ":" + t.values[key] + "\n")
	}
	return []byte(b.String())
}
