// Package linkage reads what an ELF file says about the libraries that it needs and
// the one that it is: all that ldconfig(8) and the dynamic linker go by. It follows
// the System V ABI, chapters 4 and 5, and reads program headers and the dynamic
// section alone: section headers may be missing. A file that is damaged where this
// is looked for counts as none, as ldconfig passes it over.
package linkage

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
)

// File is what an ELF file says.
type File struct {
	Machine     elf.Machine
	Class       elf.Class // 32 or 64 bits
	Type        elf.Type  // executable, shared object, relocatable...
	Dynamic     bool      // it has a dynamic section; where it has none, nothing below is set
	Interpreter string    // path of the dynamic linker; "" for a library or a static program
	Soname      string    // DT_SONAME
	Needed      []string  // DT_NEEDED, in order
	RunPath     string    // DT_RUNPATH, or where there is none DT_RPATH: folders with colons between them
	Inherited   bool      // RunPath is DT_RPATH's: it holds for what the libraries need in turn, too
}

// Limits of what is read of a file, in bytes and headers: far above what linkers make.
const (
	maxHeaders = 1024
	maxDynamic = 1 << 20
	maxString  = 4096
	maxText    = 64 << 10 // of all strings together
)

// Size is how much memory f takes, in bytes, apart from its fixed fields.
func (f *File) Size() int {
	const header = 16 // of a string
	sum := len(f.Interpreter) + len(f.Soname) + len(f.RunPath)
	for _, n := range f.Needed {
		sum += header + len(n)
	}
	return sum
}

// Read looks into a file of so many bytes. ok is false for what is no ELF file, or
// a damaged one. The error is the reader's.
func Read(r io.ReaderAt, size int64) (f *File, ok bool, err error) {
	s := &source{r: r, size: size}
	f = &File{}
	if !s.header(f) || !s.programs() || !s.linkage(f) {
		return nil, false, s.err
	}
	return f, true, nil
}

// source is a file being read. err is the first error of the reader, not of what
// the file holds.
type source struct {
	r        io.ReaderAt
	size     int64
	err      error
	order    binary.ByteOrder
	wide     bool // 64 bits
	headers  uint64
	each     int
	count    int
	segments []segment
}

// segment is a program header.
type segment struct {
	kind                  elf.ProgType
	offset, address, size uint64
}

// at returns n bytes of the file from offset on.
func (s *source) at(offset uint64, n int) ([]byte, bool) {
	if offset > uint64(s.size) || uint64(n) > uint64(s.size)-offset {
		return nil, false
	}
	b := make([]byte, n)
	if _, err := s.r.ReadAt(b, int64(offset)); err != nil && err != io.EOF {
		s.err = err
		return nil, false
	}
	return b, true
}

// word reads the number of an address's width at a place in b.
func (s *source) word(b []byte, at int) uint64 {
	if s.wide {
		return s.order.Uint64(b[at:])
	}
	return uint64(s.order.Uint32(b[at:]))
}

// header reads the ELF header.
func (s *source) header(f *File) bool {
	const narrow, wide = 52, 64 // bytes
	b, ok := s.at(0, narrow)
	if !ok || string(b[:4]) != elf.ELFMAG {
		return false
	}
	f.Class = elf.Class(b[elf.EI_CLASS])
	s.wide = f.Class == elf.ELFCLASS64
	switch {
	case !s.wide && f.Class != elf.ELFCLASS32:
		return false
	case elf.Data(b[elf.EI_DATA]) == elf.ELFDATA2LSB:
		s.order = binary.LittleEndian
	case elf.Data(b[elf.EI_DATA]) == elf.ELFDATA2MSB:
		s.order = binary.BigEndian
	default:
		return false
	}
	f.Type, f.Machine = elf.Type(s.order.Uint16(b[16:])), elf.Machine(s.order.Uint16(b[18:]))
	sizes := 42
	if s.wide {
		if b, ok = s.at(0, wide); !ok {
			return false
		}
		sizes = 54
		s.headers = s.word(b, 32)
	} else {
		s.headers = s.word(b, 28)
	}
	s.each, s.count = int(s.order.Uint16(b[sizes:])), int(s.order.Uint16(b[sizes+2:]))
	return true
}

// programs reads the program headers.
func (s *source) programs() bool {
	const narrow, wide = 32, 56 // bytes
	least := narrow
	if s.wide {
		least = wide
	}
	if s.count == 0 {
		return true
	}
	if s.each < least || s.count > maxHeaders {
		return false
	}
	all, ok := s.at(s.headers, s.each*s.count)
	if !ok {
		return false
	}
	for i := range s.count {
		b := all[i*s.each:]
		p := segment{kind: elf.ProgType(s.order.Uint32(b))}
		if s.wide {
			p.offset, p.address, p.size = s.word(b, 8), s.word(b, 16), s.word(b, 32)
		} else {
			p.offset, p.address, p.size = s.word(b, 4), s.word(b, 8), s.word(b, 16)
		}
		s.segments = append(s.segments, p)
	}
	return true
}

// linkage reads the dynamic section, and what its strings are.
func (s *source) linkage(f *File) bool {
	var section []byte
	for _, p := range s.segments {
		ok := true
		switch {
		case p.kind == elf.PT_DYNAMIC && !f.Dynamic:
			if p.size > maxDynamic {
				return false
			}
			section, ok = s.at(p.offset, int(p.size))
			f.Dynamic = true
		case p.kind == elf.PT_INTERP:
			f.Interpreter, ok = s.text(p.offset)
		}
		if !ok {
			return false
		}
	}
	return s.dynamic(f, section)
}

// wish is an entry of the dynamic section that names a string.
type wish struct {
	tag elf.DynTag
	at  uint64 // in the table of strings
}

// dynamic reads the entries of the dynamic section.
func (s *source) dynamic(f *File, section []byte) bool {
	width := 4
	if s.wide {
		width = 8
	}
	var wishes []wish
	table := uint64(0)
	for ; len(section) >= 2*width; section = section[2*width:] {
		tag, value := elf.DynTag(s.word(section, 0)), s.word(section, width)
		if tag == elf.DT_NULL {
			break
		}
		switch tag {
		case elf.DT_STRTAB:
			table = value
		case elf.DT_NEEDED, elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH:
			wishes = append(wishes, wish{tag, value})
		}
	}
	if len(wishes) == 0 {
		return true
	}
	begin, ok := s.offset(table)
	return ok && s.fulfil(f, wishes, begin)
}

// fulfil reads the strings, whose table begins at an offset.
func (s *source) fulfil(f *File, wishes []wish, table uint64) bool {
	hasRunPath, sum := false, 0
	for _, w := range wishes {
		text, ok := s.text(table + w.at)
		if sum += len(text); !ok || sum > maxText {
			return false
		}
		switch w.tag {
		case elf.DT_NEEDED:
			f.Needed = append(f.Needed, text)
		case elf.DT_SONAME:
			f.Soname = text
		case elf.DT_RUNPATH:
			f.RunPath, f.Inherited, hasRunPath = text, false, true
		case elf.DT_RPATH:
			if !hasRunPath {
				f.RunPath, f.Inherited = text, true
			}
		}
	}
	return true
}

// offset is where in the file an address stands.
func (s *source) offset(address uint64) (uint64, bool) {
	for _, p := range s.segments {
		if p.kind == elf.PT_LOAD && address >= p.address && address-p.address < p.size {
			return p.offset + (address - p.address), true
		}
	}
	return 0, false
}

// text returns the string that stands at an offset, up to its zero byte.
func (s *source) text(offset uint64) (string, bool) {
	const most = 128 // of nearly all
	for n := most; ; n = maxString {
		if offset > uint64(s.size) {
			return "", false
		}
		b, ok := s.at(offset, int(min(uint64(n), uint64(s.size)-offset)))
		if !ok {
			return "", false
		}
		if end := bytes.IndexByte(b, 0); end >= 0 {
			return string(b[:end]), true
		}
		if n == maxString || len(b) < n {
			return "", false
		}
	}
}
