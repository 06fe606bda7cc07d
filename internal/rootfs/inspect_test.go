package rootfs

import (
	"bytes"
	"debug/elf"
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/store"
)

// elfHeader is an ELF file of nothing but its header.
func elfHeader(machine elf.Machine) string {
	b := make([]byte, 64)
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA], b[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	b[16], b[18] = byte(elf.ET_DYN), byte(machine)
	return string(b)
}

func TestProgramsAreInspected(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	content := debtest.Build(debtest.Spec{Entries: []debtest.Entry{
		{Path: "usr/bin/text", Content: "#!/bin/sh\n"},
		{Path: "usr/bin/empty"},
		{Path: "usr/bin/arm", Content: elfHeader(elf.EM_AARCH64)},
		{Path: "usr/bin/arm2", Type: 'h', Link: "usr/bin/arm"},
		{Path: "usr/bin/intel", Content: elfHeader(elf.EM_X86_64)},
		{Path: "usr/bin/damaged", Content: elfHeader(elf.EM_X86_64)[:60]},
	}})
	ix, err := unpackDeb(st, bytes.NewReader(content), int64(len(content)), 1)
	if err != nil {
		t.Fatal(err)
	}
	c := &contents{store: st, pieces: map[kiln.Digest]piece{}}
	c.add(ix)
	want := map[string]elf.Machine{"usr/bin/arm": elf.EM_AARCH64, "usr/bin/arm2": elf.EM_AARCH64, "usr/bin/intel": elf.EM_X86_64}
	for _, e := range ix.Entries {
		if e.Content == "" {
			continue
		}
		f, known := c.linkage(e.Content)
		if !known {
			t.Errorf("%s: not looked into", e.Path)
		}
		machine, is := want[e.Path]
		if is != (f != nil) || f != nil && f.Machine != machine {
			t.Errorf("%s: %+v, want %v", e.Path, f, machine)
		}
	}
	if _, known := c.linkage(kiln.DigestOf([]byte("of no package"))); known {
		t.Error("more is known than there is")
	}
}
