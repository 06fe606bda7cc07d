// Package linkagetest makes ELF files for tests: programs and libraries that say
// what they need and hold no code.
package linkagetest

import (
	"debug/elf"
	"encoding/binary"
)

// Spec is one file. The zero value is a shared library for x86-64 without a name
// that needs nothing.
type Spec struct {
	Machine     elf.Machine // default EM_X86_64
	Class       elf.Class   // default ELFCLASS64; the only other is ELFCLASS32
	BigEndian   bool
	Interpreter string
	Soname      string
	Needed      []string
	RunPath     string // DT_RUNPATH
	RPath       string // DT_RPATH
	Static      bool   // no dynamic section
	Loads       string // what it says it loads by itself: JSON, as in a note of type "dlopen"
}

// base is the address at which the file is loaded.
const base = 0x10000

// File returns the bytes.
func File(s Spec) []byte {
	if s.Machine == 0 {
		s.Machine = elf.EM_X86_64
	}
	if s.Class == 0 {
		s.Class = elf.ELFCLASS64
	}
	w := &writer{spec: s, order: binary.LittleEndian, wide: s.Class == elf.ELFCLASS64}
	if s.BigEndian {
		w.order = binary.BigEndian
	}
	return w.file()
}

type writer struct {
	spec  Spec
	order binary.AppendByteOrder
	wide  bool
	b     []byte
}

func (w *writer) half(n uint16)  { w.b = w.order.AppendUint16(w.b, n) }
func (w *writer) short(n uint32) { w.b = w.order.AppendUint32(w.b, n) }

// word writes a number of an address's width.
func (w *writer) word(n uint64) {
	if w.wide {
		w.b = w.order.AppendUint64(w.b, n)
		return
	}
	w.short(uint32(n))
}

// table is the strings of the dynamic section.
func (w *writer) table() (table []byte, entries [][2]uint64) {
	table = []byte{0}
	add := func(tag elf.DynTag, text string) {
		if text != "" {
			entries = append(entries, [2]uint64{uint64(tag), uint64(len(table))})
			table = append(append(table, text...), 0)
		}
	}
	for _, n := range w.spec.Needed {
		add(elf.DT_NEEDED, n)
	}
	add(elf.DT_SONAME, w.spec.Soname)
	add(elf.DT_RPATH, w.spec.RPath)
	add(elf.DT_RUNPATH, w.spec.RunPath)
	return table, entries
}

// file lays out: header, program headers, interpreter, strings, dynamic section.
func (w *writer) file() []byte {
	header, each, width := uint64(52), uint64(32), uint64(4)
	if w.wide {
		header, each, width = 64, 56, 8
	}
	table, entries := w.table()
	interpreter := append([]byte(w.spec.Interpreter), 0)
	count, note := uint64(3), w.note()
	if note != nil {
		count++
	}
	interpAt := header + count*each
	tableAt := interpAt + uint64(len(interpreter))
	dynamicAt := (tableAt + uint64(len(table)) + 7) &^ 7
	entries = append(entries, [2]uint64{uint64(elf.DT_STRTAB), base + tableAt}, [2]uint64{uint64(elf.DT_NULL), 0})
	size := uint64(len(entries)) * 2 * width

	w.header(header, each, count)
	w.segment(elf.PT_LOAD, 0, dynamicAt+size)
	kinds := []elf.ProgType{elf.PT_NULL, elf.PT_NULL}
	if w.spec.Interpreter != "" {
		kinds[0] = elf.PT_INTERP
	}
	if !w.spec.Static {
		kinds[1] = elf.PT_DYNAMIC
	}
	w.segment(kinds[0], interpAt, uint64(len(interpreter)))
	w.segment(kinds[1], dynamicAt, size)
	if note != nil {
		w.segment(elf.PT_NOTE, dynamicAt+size, uint64(len(note)))
	}
	w.b = append(append(w.b, interpreter...), table...)
	w.b = append(w.b, make([]byte, dynamicAt-uint64(len(w.b)))...)
	for _, e := range entries {
		w.word(e[0])
		w.word(e[1])
	}
	return append(w.b, note...)
}

// note is the content of the segment of notes: one of what the file loads, as of
// https://systemd.io/ELF_DLOPEN_METADATA.
func (w *writer) note() []byte {
	const dlopen = 0x407c0c0a
	if w.spec.Loads == "" {
		return nil
	}
	var b []byte
	for _, n := range []uint32{4, uint32(len(w.spec.Loads) + 1), dlopen} {
		b = w.order.AppendUint32(b, n)
	}
	b = append(append(b, "FDO\x00"+w.spec.Loads...), 0)
	return append(b, make([]byte, -len(b)&3)...)
}

func (w *writer) header(size, each, count uint64) {
	data := elf.ELFDATA2LSB
	if w.spec.BigEndian {
		data = elf.ELFDATA2MSB
	}
	w.b = append([]byte(elf.ELFMAG), byte(w.spec.Class), byte(data), byte(elf.EV_CURRENT), 0, 0, 0, 0, 0, 0, 0, 0, 0)
	w.half(uint16(elf.ET_DYN))
	w.half(uint16(w.spec.Machine))
	w.short(uint32(elf.EV_CURRENT))
	w.word(0)    // entry
	w.word(size) // program headers
	w.word(0)    // section headers
	w.short(0)
	for _, n := range []uint64{size, each, count, 0, 0, 0} {
		w.half(uint16(n))
	}
}

func (w *writer) segment(kind elf.ProgType, at, size uint64) {
	w.short(uint32(kind))
	if w.wide {
		w.short(uint32(elf.PF_R))
	}
	w.word(at)
	w.word(base + at)
	w.word(base + at)
	w.word(size)
	w.word(size)
	if !w.wide {
		w.short(uint32(elf.PF_R))
	}
	w.word(8)
}
