package linkage_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/linkage"
)

// program is an ELF file to make: 64 bits unless narrow, little-endian unless big.
type program struct {
	narrow, big bool
	interpreter string
	tags        [][2]any // tag and text
	static      bool     // no dynamic section
}

// bytes lays the file out: header, program headers, strings, dynamic section. It is
// loaded at 0x400000.
func (p program) bytes() []byte {
	order, class, data := binary.ByteOrder(binary.LittleEndian), elf.ELFCLASS64, elf.ELFDATA2LSB
	header, each, width := 64, 56, 8
	if p.narrow {
		class, header, each, width = elf.ELFCLASS32, 52, 32, 4
	}
	if p.big {
		order, data = binary.BigEndian, elf.ELFDATA2MSB
	}
	var out []byte
	put := func(size int, v uint64) {
		b := make([]byte, 8)
		switch size {
		case 2:
			order.PutUint16(b, uint16(v))
		case 4:
			order.PutUint32(b, uint32(v))
		case 8:
			order.PutUint64(b, v)
		}
		out = append(out, b[:size]...)
	}
	const base = 0x400000
	texts := "\x00" + p.interpreter + "\x00"
	textsAt := header + 3*each
	var dynamic []uint64
	for _, t := range p.tags {
		dynamic = append(dynamic, uint64(t[0].(elf.DynTag)), uint64(len(texts)))
		texts += t[1].(string) + "\x00"
	}
	dynamic = append(dynamic, uint64(elf.DT_STRTAB), uint64(base+textsAt), uint64(elf.DT_NULL), 0, uint64(elf.DT_NEEDED), 1<<30)
	dynamicAt := textsAt + len(texts)

	out = append(out, elf.ELFMAG...)
	out = append(out, byte(class), byte(data), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	put(2, uint64(elf.ET_DYN))
	put(2, uint64(elf.EM_AARCH64))
	put(4, 1)
	put(width, 0)
	put(width, uint64(header))
	put(width, 0)
	put(4, 0)
	put(2, uint64(header))
	put(2, uint64(each))
	put(2, 3)
	for len(out) < header {
		out = append(out, 0)
	}
	end := len(texts) + textsAt + len(dynamic)*width
	segment := func(kind elf.ProgType, offset, size int) {
		put(4, uint64(kind))
		if !p.narrow {
			put(4, 0)
		}
		put(width, uint64(offset))
		put(width, uint64(base+offset))
		put(width, uint64(base+offset))
		put(width, uint64(size))
		put(width, uint64(size))
		if p.narrow {
			put(4, 0)
		}
		put(width, 0)
	}
	segment(elf.PT_LOAD, 0, end)
	if p.interpreter != "" {
		segment(elf.PT_INTERP, textsAt+1, len(p.interpreter)+1)
	} else {
		segment(elf.PT_NULL, 0, 0)
	}
	if p.static {
		segment(elf.PT_NULL, 0, 0)
	} else {
		segment(elf.PT_DYNAMIC, dynamicAt, len(dynamic)*width)
	}
	out = append(out, texts...)
	for _, v := range dynamic {
		put(width, v)
	}
	return out
}

func read(content []byte) (*linkage.File, bool, error) {
	return linkage.Read(bytes.NewReader(content), int64(len(content)))
}

func TestRead(t *testing.T) {
	long := strings.Repeat("/a/folder", 100)
	library := [][2]any{{elf.DT_NEEDED, "libb.so.2"}, {elf.DT_SONAME, "liba.so.1"}, {elf.DT_NEEDED, "libc.so.6"}, {elf.DT_RPATH, "/old"}}
	dyn := linkage.File{Machine: elf.EM_AARCH64, Class: elf.ELFCLASS64, Type: elf.ET_DYN, Dynamic: true}
	lib := dyn
	lib.Needed, lib.Soname, lib.RunPath, lib.Inherited = []string{"libb.so.2", "libc.so.6"}, "liba.so.1", "/old", true
	narrow := lib
	narrow.Class = elf.ELFCLASS32
	path := dyn
	path.RunPath, path.Interpreter = long, "/lib/ld.so.1"
	static := dyn
	static.Dynamic = false
	for _, row := range []struct {
		summary string
		program program
		want    linkage.File
	}{
		{"a library", program{tags: library}, lib},
		{"of 32 bits", program{narrow: true, tags: library}, narrow},
		{"big-endian", program{big: true, tags: library}, lib},
		{"of 32 bits, big-endian", program{narrow: true, big: true, tags: library}, narrow},
		{"a program, and RUNPATH before RPATH", program{interpreter: "/lib/ld.so.1", tags: [][2]any{{elf.DT_RUNPATH, long}, {elf.DT_RPATH, "/old"}}}, path},
		{"a static program", program{static: true}, static},
		{"nothing in the dynamic section", program{}, dyn},
	} {
		got, ok, err := read(row.program.bytes())
		if !ok || err != nil {
			t.Errorf("%s: %v, %v", row.summary, ok, err)
			continue
		}
		if diff := cmp.Diff(&row.want, got); diff != "" {
			t.Errorf("%s: %s", row.summary, diff)
		}
	}
}

// Cut off anywhere, a library is none, and nothing is read beyond its end.
func TestCutOff(t *testing.T) {
	whole := program{tags: [][2]any{{elf.DT_SONAME, "liba.so.1"}}}.bytes()
	want, _, _ := read(whole)
	for n := range len(whole) {
		got, ok, err := read(whole[:n])
		if err != nil || ok && !cmp.Equal(got, want) {
			t.Fatalf("%d of %d bytes: %+v, %v", n, len(whole), got, err)
		}
	}
}

func TestNoELF(t *testing.T) {
	for _, content := range []string{"", "\x7fEL", "/* GNU ld script */", elf.ELFMAG + strings.Repeat("\xff", 200)} {
		if f, ok, err := read([]byte(content)); ok || err != nil {
			t.Errorf("%q is read as %+v, %v", content, f, err)
		}
	}
}

// broken is a disk that cannot be read.
type broken struct{ io.ReaderAt }

var errDisk = errors.New("the disk is broken")

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off > 0 {
		return 0, errDisk
	}
	return b.ReaderAt.ReadAt(p, off)
}

func TestReaderFails(t *testing.T) {
	content := program{}.bytes()
	if _, ok, err := linkage.Read(broken{bytes.NewReader(content)}, int64(len(content))); ok || !errors.Is(err, errDisk) {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestAgainstStandardLibrary compares with debug/elf over the libraries of this
// machine.
func TestAgainstStandardLibrary(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("reads this machine's libraries: KILN_TEST=real")
	}
	libraries, _ := filepath.Glob("/usr/lib/*-linux-gnu/*.so*")
	programs, _ := filepath.Glob("/usr/bin/*")
	seen := 0
	for _, p := range append(libraries, programs...) {
		content, err := os.ReadFile(p)
		if err != nil || !bytes.HasPrefix(content, []byte(elf.ELFMAG)) {
			continue
		}
		want, err := elf.NewFile(bytes.NewReader(content))
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		needed, _ := want.DynString(elf.DT_NEEDED)
		soname, _ := want.DynString(elf.DT_SONAME)
		got, ok, err := read(content)
		if !ok || err != nil {
			t.Errorf("%s: %v, %v", p, ok, err)
			continue
		}
		if got.Machine != want.Machine || got.Class != want.Class || !cmp.Equal(got.Needed, needed) || got.Soname != strings.Join(soname, "") {
			t.Errorf("%s: %+v, but it needs %q and is %q", p, got, needed, soname)
		}
		seen++
	}
	if seen < 100 {
		t.Errorf("only %d ELF files", seen)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(program{tags: [][2]any{{elf.DT_SONAME, "liba.so.1"}}}.bytes())
	f.Add(program{narrow: true, big: true, interpreter: "/lib/ld.so.1"}.bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, _, err := read(content); err != nil {
			t.Error(err)
		}
	})
}
