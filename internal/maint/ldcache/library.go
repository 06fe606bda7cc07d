package ldcache

import (
	"debug/elf"
	"encoding/binary"
	"strings"

	"kiln/internal/linkage"
)

// flagELF marks a library for glibc 2 (FLAG_ELF_LIBC6), to which the machine is added.
const flagELF = 3

// target is a machine that ldconfig knows.
type target struct {
	arch  string // Debian's name
	order binary.ByteOrder
	kinds []kind
}

// kind is a sort of library that an architecture's ldconfig accepts.
type kind struct {
	machine elf.Machine
	class   elf.Class
	flags   uint32
}

func targets() []target {
	amd64 := []kind{
		{elf.EM_X86_64, elf.ELFCLASS64, 0x0300 | flagELF},
		{elf.EM_X86_64, elf.ELFCLASS32, 0x0800 | flagELF},
		{elf.EM_386, elf.ELFCLASS32, flagELF},
	}
	return []target{
		{"amd64", binary.LittleEndian, amd64},
		{"i386", binary.LittleEndian, amd64},
		{"arm64", binary.LittleEndian, []kind{{elf.EM_AARCH64, elf.ELFCLASS64, 0x0a00 | flagELF}, {elf.EM_ARM, elf.ELFCLASS32, 0x0900 | flagELF}}},
		{"armhf", binary.LittleEndian, []kind{{elf.EM_ARM, elf.ELFCLASS32, 0x0900 | flagELF}, {elf.EM_AARCH64, elf.ELFCLASS64, 0x0a00 | flagELF}}},
		{"ppc64el", binary.LittleEndian, []kind{{elf.EM_PPC64, elf.ELFCLASS64, 0x0500 | flagELF}}},
		{"riscv64", binary.LittleEndian, []kind{{elf.EM_RISCV, elf.ELFCLASS64, 0x1000 | flagELF}}},
		{"s390x", binary.BigEndian, []kind{{elf.EM_S390, elf.ELFCLASS64, 0x0400 | flagELF}}},
	}
}

// Order returns the byte order of a Debian architecture; ok is false for one
// that this package does not know.
func Order(arch string) (order binary.ByteOrder, ok bool) {
	for _, t := range targets() {
		if t.arch == arch {
			return t.order, true
		}
	}
	return nil, false
}

// Flags returns what the cache says of a library's kind. ok is false where ldconfig
// of that architecture would pass the file over: another machine's, or none that is
// dynamically linked.
func Flags(f *linkage.File, arch string) (flags uint32, ok bool) {
	if !f.Dynamic {
		return 0, false
	}
	for _, t := range targets() {
		if t.arch != arch {
			continue
		}
		for _, k := range t.kinds {
			if k.machine == f.Machine && k.class == f.Class {
				return k.flags, true
			}
		}
	}
	return 0, false
}

// Named reports whether a file name is that of a shared library or of the
// dynamic linker: ldconfig looks at no other.
func Named(name string) bool {
	return (strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "ld-") || strings.HasPrefix(name, "ld.so.") ||
		strings.HasPrefix(name, "ld64.so.")) && strings.Contains(name, ".so")
}
