package cli

import (
	"debug/elf"
	"os"
	"strings"
)

// buildID returns what the Go linker calls this program: the same for the same
// sources, compiler and settings, another for any other. It stands in a note of
// the ELF file; elsewhere, or where there is none, it is empty.
func buildID() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	s := f.Section(".note.go.buildid")
	if s == nil {
		return ""
	}
	const head = 16 // sizes of name and content, type, "Go"
	note, err := s.Data()
	if err != nil || len(note) <= head {
		return ""
	}
	return strings.TrimRight(string(note[head:]), "\x00") // which fill it up
}
