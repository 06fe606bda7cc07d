package kmod

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"kiln/internal/xz"
)

// maxModule bounds a module, in bytes: the largest of Debian's have 15 MB.
const maxModule = 512 << 20

// Facts is what a module says of itself.
type Facts struct {
	Info    []Info   // the strings of .modinfo, in order
	Exports []string // symbols that it gives to other modules, in order
	Needs   []string // symbols that it has from elsewhere, in order; those of the kernel itself among them
}

// Info is one string of .modinfo: "depends=dm-mod".
type Info struct{ Key, Value string }

// Values returns what .modinfo says under a key, in order.
func (f *Facts) Values(key string) []string {
	var all []string
	for _, i := range f.Info {
		if i.Key == key {
			all = append(all, i.Value)
		}
	}
	return all
}

// Read reads a module out of the content of a file, whose name says how it is compressed.
func Read(name string, content []byte) (*Facts, error) {
	plain, err := decompress(name, content)
	if err != nil {
		return nil, fmt.Errorf("cannot decompress the module %q: %w", name, err)
	}
	f, err := readELF(plain)
	if err != nil {
		return nil, fmt.Errorf("cannot read the module %q: %w", name, err)
	}
	return f, nil
}

func decompress(name string, content []byte) ([]byte, error) {
	var r io.Reader
	switch {
	case strings.HasSuffix(name, ".xz"):
		x, err := xz.NewReader(bytes.NewReader(content), xz.Limits{})
		if err != nil {
			return nil, err
		}
		r = x
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(bytes.NewReader(content), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		return content, nil
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxModule+1))
	if err == nil && len(plain) > maxModule {
		err = fmt.Errorf("it has more than %d bytes", maxModule)
	}
	return plain, err
}

// object is a module being read.
type object struct {
	file    *elf.File
	content []byte
}

func readELF(content []byte) (*Facts, error) {
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if file.Type != elf.ET_REL {
		return nil, errors.New("it is no relocatable ELF file")
	}
	o := &object{file, content}
	f := &Facts{Info: infoOf(o.section(".modinfo"))}
	symbols, err := o.symbols()
	if err != nil {
		return nil, err
	}
	f.Exports = exported(symbols, o.section("__ksymtab_strings"))
	f.Needs = needed(symbols, o.versions())
	return f, nil
}

// section returns the content of the first section of a name, nil where there is none.
func (o *object) section(name string) []byte {
	s := o.file.Section(name)
	if s == nil || s.Type == elf.SHT_NOBITS || s.Offset > uint64(len(o.content)) || s.FileSize > uint64(len(o.content))-s.Offset {
		return nil
	}
	return o.content[s.Offset : s.Offset+s.FileSize]
}

// infoOf splits .modinfo: strings with zero bytes between them.
func infoOf(section []byte) []Info {
	var all []Info
	for _, s := range texts(section) {
		key, value, _ := strings.Cut(s, "=")
		all = append(all, Info{key, value})
	}
	return all
}

func texts(section []byte) []string {
	return strings.FieldsFunc(string(section), func(r rune) bool { return r == 0 })
}

// symbol is an entry of the symbol table.
type symbol struct {
	name      string
	undefined bool
}

// symbols reads the symbol table without its first entry, which is none.
func (o *object) symbols() ([]symbol, error) {
	const narrow, wide = elf.Sym32Size, elf.Sym64Size
	table, names := o.section(".symtab"), o.section(".strtab")
	each, section := wide, 6
	if o.file.Class == elf.ELFCLASS32 {
		each, section = narrow, 14
	}
	if len(table)%each != 0 {
		return nil, errors.New("its symbol table is cut off")
	}
	var all []symbol
	for at := each; at < len(table); at += each {
		entry := table[at : at+each]
		name := o.file.ByteOrder.Uint32(entry)
		if uint64(name) >= uint64(len(names)) {
			return nil, errors.New("a symbol's name is outside of the table of names")
		}
		all = append(all, symbol{text(names[name:]), elf.SectionIndex(o.file.ByteOrder.Uint16(entry[section:])) == elf.SHN_UNDEF})
	}
	return all, nil
}

// text is a string that ends at a zero byte, or with b.
func text(b []byte) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}

// exported tells the symbols that a module exports: those for which the symbol table has
// a sum, of older kernels; else those that its exports name.
func exported(symbols []symbol, strings_ []byte) []string {
	var all []string
	for _, s := range symbols {
		if name, ok := strings.CutPrefix(s.name, "__crc_"); ok {
			all = append(all, name)
		}
	}
	if all != nil {
		return all
	}
	return texts(strings_)
}

// needed tells the symbols that a module needs: those that are undefined, and those
// for which it has a version and that are not, such as module_layout.
func needed(symbols []symbol, versions []string) []string {
	var all []string
	visited := map[string]bool{}
	for _, s := range symbols {
		if s.undefined && s.name != "" {
			all = append(all, s.name)
			visited[s.name] = true
		}
	}
	for _, v := range versions {
		if !visited[v] {
			all = append(all, v)
		}
	}
	return all
}

// versions reads the names in __versions: entries of 64 bytes, each a sum of an address's
// width and a name.
func (o *object) versions() []string {
	const each = 64
	width := binary.Size(uint64(0))
	if o.file.Class == elf.ELFCLASS32 {
		width = binary.Size(uint32(0))
	}
	section := o.section("__versions")
	if len(section)%each != 0 {
		return nil
	}
	var all []string
	for at := 0; at < len(section); at += each {
		all = append(all, text(section[at+width:at+each]))
	}
	return all
}
