package initrd

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/linkage"
	"kiln/internal/tree"
)

// machine is what a platform's programs are for, and the folder of its libraries.
type machine struct {
	machine elf.Machine
	class   elf.Class
	tuple   string
}

func machines() map[string]machine {
	return map[string]machine{
		"amd64":   {elf.EM_X86_64, elf.ELFCLASS64, "x86_64-linux-gnu"},
		"arm64":   {elf.EM_AARCH64, elf.ELFCLASS64, "aarch64-linux-gnu"},
		"arm":     {elf.EM_ARM, elf.ELFCLASS32, "arm-linux-gnueabihf"},
		"386":     {elf.EM_386, elf.ELFCLASS32, "i386-linux-gnu"},
		"ppc64le": {elf.EM_PPC64, elf.ELFCLASS64, "powerpc64le-linux-gnu"},
		"riscv64": {elf.EM_RISCV, elf.ELFCLASS64, "riscv64-linux-gnu"},
		"s390x":   {elf.EM_S390, elf.ELFCLASS64, "s390x-linux-gnu"},
	}
}

// takeLibraries takes what the programs need to start, and what they load later by way of
// the features that are wanted. The initrd has no ld.so.cache: libraries are looked for
// where ld.so(8) looks without one.
func (b *builder) takeLibraries() error {
	m, ok := machines()[b.options.Platform.Architecture]
	if !ok {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make the initrd: it is not known how programs are linked on %s", b.options.Platform)}
	}
	for i := 0; i < len(b.programs); i++ {
		if err := b.link(b.programs[i], m); err != nil {
			return err
		}
	}
	return nil
}

// link takes what one file needs.
func (b *builder) link(p string, m machine) error {
	content, err := b.read(p)
	if err != nil {
		return err
	}
	f, ok, err := linkage.Read(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	if !ok {
		return nil
	}
	if f.Machine != m.machine || f.Class != m.class {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make the initrd: %s is for another machine (%s) than %s", tree.Absolute(p), f.Machine, b.options.Platform)}
	}
	if f.Interpreter != "" {
		if err := b.takeLibrary(strings.TrimPrefix(f.Interpreter, "/"), "loads programs"); err != nil {
			return err
		}
	}
	for _, name := range f.Needed {
		at := b.find(name, p, f.RunPath, m)
		if at == "" && b.taken(name) {
			continue // what is loaded already serves all: systemd's libraries need each other so
		}
		if at == "" {
			return lacking("library "+name, tree.Absolute(p)+" needs it", "")
		}
		if err := b.takeLibrary(at, "library of "+path.Base(p)); err != nil {
			return err
		}
	}
	return b.loads(p, content, f, m)
}

// takeLibrary takes a library, which may not be executable.
func (b *builder) takeLibrary(p, why string) error {
	if err := b.take(p, why); err != nil {
		return err
	}
	real, err := b.source.Resolve(p)
	if err != nil {
		return err
	}
	if !slices.Contains(b.programs, real) {
		b.programs = append(b.programs, real)
	}
	return nil
}

// taken reports whether a library of that name is there, wherever it is.
func (b *builder) taken(name string) bool {
	return slices.ContainsFunc(b.programs, func(p string) bool { return path.Base(p) == name })
}

// find looks for a library as ld.so does, without LD_LIBRARY_PATH and cache. It is "" where
// there is none.
func (b *builder) find(name, by, runPath string, m machine) string {
	dirs := []string{"usr/lib/" + m.tuple, "lib/" + m.tuple, "usr/lib", "lib"}
	if runPath != "" {
		var own []string
		for dir := range strings.SplitSeq(runPath, ":") {
			for _, token := range []string{"${ORIGIN}", "$ORIGIN"} {
				dir = strings.ReplaceAll(dir, token, tree.Absolute(tree.Parent(by)))
			}
			own = append(own, strings.TrimPrefix(path.Clean("/"+dir), "/"))
		}
		dirs = append(own, dirs...)
	}
	for _, dir := range dirs {
		p := tree.Join(dir, name)
		if real, err := b.source.Resolve(p); err == nil {
			if e, _ := b.source.Lookup(real); e.Type == tree.File {
				return p
			}
		}
	}
	return ""
}

// loads takes the libraries that a file says it loads by itself.
func (b *builder) loads(p string, content []byte, f *linkage.File, m machine) error {
	wishes, err := notes(content)
	if err != nil {
		return fmt.Errorf("cannot read what %s loads: %w", tree.Absolute(p), err)
	}
	for _, w := range wishes {
		why, wanted := features()[w.Feature]
		if !wanted && w.Priority != "required" {
			continue
		}
		i := slices.IndexFunc(w.Soname, func(name string) bool { return b.find(name, p, f.RunPath, m) != "" })
		if i < 0 {
			return lacking("library "+strings.Join(w.Soname, " or "), tree.Absolute(p)+" loads it: "+w.Description, "")
		}
		if why == "" {
			why = w.Description
		}
		if err := b.takeLibrary(b.find(w.Soname[i], p, f.RunPath, m), why); err != nil {
			return err
		}
	}
	return nil
}

// wish is one library that a program loads by itself.
type wish struct {
	Feature     string   `json:"feature"`
	Description string   `json:"description"`
	Priority    string   `json:"priority"` // required, recommended, suggested
	Soname      []string `json:"soname"`   // any of them
}

// notes reads the notes of type "dlopen" of an ELF file, which are JSON, as of
// https://systemd.io/ELF_DLOPEN_METADATA.
func notes(content []byte) ([]wish, error) {
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	var all []wish
	for _, p := range file.Progs {
		if p.Type != elf.PT_NOTE || p.Off > uint64(len(content)) || p.Filesz > uint64(len(content))-p.Off {
			continue
		}
		some, err := wishes(content[p.Off:p.Off+p.Filesz], file.ByteOrder, max(p.Align, 4))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// wishes reads a segment of notes, whose parts are padded to a multiple of so many bytes: the
// lengths of name and content, the type, the name, the content.
func wishes(segment []byte, order binary.ByteOrder, padding uint64) ([]wish, error) {
	const head, dlopen = 12, 0x407c0c0a
	padded := func(n uint64) uint64 { return (n + padding - 1) / padding * padding }
	var all []wish
	for len(segment) >= head {
		name, size, kind := uint64(order.Uint32(segment)), uint64(order.Uint32(segment[4:])), order.Uint32(segment[8:])
		begin := padded(head + name)
		if begin+size > uint64(len(segment)) {
			return nil, errors.New("a note is cut off")
		}
		if kind == dlopen {
			var some []wish
			if err := json.Unmarshal(bytes.TrimRight(segment[begin:begin+size], "\x00"), &some); err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		segment = segment[min(begin+padded(size), uint64(len(segment))):]
	}
	return all, nil
}
