// Package kmodtest makes kernel modules for tests: relocatable ELF files of 64 bits that
// say what modules say, and hold no code.
package kmodtest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
)

// Module is what a module says.
type Module struct {
	Info     []string // "alias=..."
	Exports  []string // as kernels since 5.19 tell them
	Sums     []string // as older ones do: exports with a sum
	Needs    []string
	Versions []string // symbols whose versions it was built with
}

// section is a section being made.
type section struct {
	name       string
	kind       elf.SectionType
	link, each uint32
	content    []byte
}

// Bytes returns the module's file.
func (m Module) Bytes() []byte {
	names := []byte{0}
	var table []elf.Sym64
	add := func(name string, at elf.SectionIndex) {
		table = append(table, elf.Sym64{Name: uint32(len(names)), Info: byte(elf.STB_GLOBAL) << 4, Shndx: uint16(at)})
		names = append(append(names, name...), 0)
	}
	table = append(table, elf.Sym64{})
	for _, n := range m.Needs {
		add(n, elf.SHN_UNDEF)
	}
	for _, n := range m.Sums {
		add("__crc_"+n, elf.SHN_ABS)
	}
	for _, n := range m.Exports {
		add(n, elf.SHN_ABS)
	}
	var symbols, versions bytes.Buffer
	_ = binary.Write(&symbols, binary.LittleEndian, table) // to a buffer
	for _, v := range m.Versions {
		var entry [64]byte
		copy(entry[8:], v)
		versions.Write(entry[:])
	}
	return file([]section{
		{name: ".modinfo", kind: elf.SHT_PROGBITS, content: joined(m.Info)},
		{name: "__ksymtab_strings", kind: elf.SHT_PROGBITS, content: joined(m.Exports)},
		{name: "__versions", kind: elf.SHT_PROGBITS, content: versions.Bytes()},
		{name: ".symtab", kind: elf.SHT_SYMTAB, link: 5, each: elf.Sym64Size, content: symbols.Bytes()},
		{name: ".strtab", kind: elf.SHT_STRTAB, content: names},
	})
}

func joined(words []string) []byte {
	if len(words) == 0 {
		return nil
	}
	return []byte(strings.Join(words, "\x00") + "\x00")
}

// file puts sections, and behind them the table of their names, into an ELF file.
func file(sections []section) []byte {
	const head, each = 64, 64 // bytes of the ELF header and of a section's
	names := section{name: ".shstrtab", kind: elf.SHT_STRTAB, content: []byte{0}}
	all := append([]section{{}}, append(sections, names)...)
	last := &all[len(all)-1]
	headers := make([]elf.Section64, len(all))
	for i, s := range all[1:] {
		headers[i+1].Name = uint32(len(last.content))
		last.content = append(append(last.content, s.name...), 0)
	}
	var body bytes.Buffer
	for i, s := range all[1:] {
		h := &headers[i+1]
		h.Type, h.Link, h.Entsize, h.Addralign = uint32(s.kind), s.link, uint64(s.each), 1
		h.Off, h.Size = uint64(head+body.Len()), uint64(len(all[i+1].content))
		body.Write(all[i+1].content)
	}
	body.Write(make([]byte, -body.Len()&7))
	h := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Shoff: uint64(head + body.Len()),
		Ehsize: head, Shentsize: each, Shnum: uint16(len(all)), Shstrndx: uint16(len(all) - 1),
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, h) // to a buffer
	b.Write(body.Bytes())
	_ = binary.Write(&b, binary.LittleEndian, headers)
	return b.Bytes()
}
