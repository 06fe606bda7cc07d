package systemdb

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
)

// message is an explanation in one language.
type message struct {
	id       string // 16 bytes
	language string // "" for C
	text     []byte
}

// catalog holds messages in the order in which they came.
type catalog struct {
	list []*message
	by   map[string]*message // id and language -> message
}

// Limits of a language's name, in bytes.
const (
	minLanguage  = 2
	maxLanguage  = 31
	languageSize = 32
)

// WriteCatalog compiles message catalogs into the journal's database. sources come
// in the order of their names. It returns nil where they hold no message, and an
// error where journalctl would give up.
func WriteCatalog(sources []Source) ([]byte, error) {
	c := &catalog{by: map[string]*message{}}
	for _, s := range sources {
		f := catalogFile{catalog: c, path: s.Path, deflt: languageOf(s.Path), empty: true}
		if err := f.read(s.Text); err != nil {
			return nil, err
		}
	}
	if len(c.list) == 0 {
		return nil, nil
	}
	return c.write(), nil
}

// languageOf is the language that a file's name gives to its messages: de for
// name.de.catalog.
func languageOf(file string) string {
	base := strings.TrimSuffix(path.Base(file), ".catalog")
	i := strings.LastIndexByte(base, '.')
	if i < 0 || len(base)-i > languageSize {
		return ""
	}
	return base[i+1:]
}

// catalogFile is a source being read.
type catalogFile struct {
	catalog      *catalog
	path         string
	deflt        string // language of messages that name none
	number       int    // of the line
	empty        bool   // the line before was empty, or there was none
	id, language string // of the message that is being read
	begun        bool
	text         []byte
}

func (f *catalogFile) read(text []byte) error {
	for line := range lines(text) {
		f.number++
		if err := f.line(bytes.TrimRight(line, "\r\n")); err != nil {
			return err
		}
	}
	return f.finish()
}

func (f *catalogFile) line(line []byte) error {
	if len(line) == 0 {
		f.empty = true
		return nil
	}
	if line[0] == '#' || line[0] == ';' {
		return nil
	}
	if id, language, ok := f.header(line); ok {
		return f.begin(id, language)
	}
	if !f.begun {
		return f.fault("there is text before the first id")
	}
	if f.empty {
		f.text = append(f.text, '\n')
	}
	f.text = append(append(f.text, line...), '\n')
	f.empty = false
	return nil
}

// header reads "-- ID" or "-- ID LANGUAGE", after an empty line.
func (f *catalogFile) header(line []byte) (id, language string, ok bool) {
	const idEnd = 3 + 32
	if !f.empty || len(line) < idEnd || !bytes.HasPrefix(line, []byte("-- ")) || len(line) > idEnd && line[idEnd] != ' ' {
		return "", "", false
	}
	b, err := hex.DecodeString(string(line[3:idEnd]))
	if err != nil {
		return "", "", false
	}
	return string(b), string(line[idEnd:]), true
}

func (f *catalogFile) begin(id, language string) error {
	if err := f.finish(); err != nil {
		return err
	}
	f.id, f.language, f.begun, f.empty = id, f.deflt, true, false
	if language == "" {
		return nil
	}
	language = strings.Trim(language, " \t\n\r")
	if len(language) < minLanguage || len(language) > maxLanguage {
		return f.fault(fmt.Sprintf("the language %q is too short or too long", language))
	}
	f.language = language
	return nil
}

func (f *catalogFile) fault(why string) error {
	return fmt.Errorf("cannot read the message catalog %q, line %d: %s", f.path, f.number, why)
}

// finish keeps the message that was read. Of one that is there already, headers
// are added, and its text counts only if the new one has none.
func (f *catalogFile) finish() error {
	if !f.begun {
		return nil
	}
	if len(f.text) == 0 {
		return f.fault("a message has no text")
	}
	m := &message{id: f.id, language: f.language, text: f.text}
	f.text = nil
	key := m.id + m.language
	if old, ok := f.catalog.by[key]; ok {
		old.text = combine(m.text, old.text)
		return nil
	}
	f.catalog.by[key] = m
	f.catalog.list = append(f.catalog.list, m)
	return nil
}

func combine(one, two []byte) []byte {
	h1, h2 := headerSize(one), headerSize(two)
	body := one[h1:]
	if len(body) == 0 {
		body = two[h2:]
	}
	return slices.Concat(one[:h1], two[:h2], body)
}

// headerSize is how many bytes the header lines before the first empty line take.
func headerSize(text []byte) int {
	size := 0
	for {
		n := bytes.IndexByte(text[size:], '\n')
		if n <= 0 {
			return size
		}
		size += n + 1
	}
}

// write lays the database out: a header, the sorted list of messages, the pool.
func (c *catalog) write() []byte {
	const headerSize, itemSize = 40, 56
	texts := newPool(0)
	type item struct {
		*message
		offset int
	}
	items := make([]item, len(c.list))
	for i, m := range c.list {
		items[i] = item{m, texts.add(m.text)}
	}
	slices.SortFunc(items, func(a, b item) int {
		if n := strings.Compare(a.id, b.id); n != 0 {
			return n
		}
		return strings.Compare(a.language, b.language)
	})
	out := append([]byte(nil), "RHHHKSLP\x00\x00\x00\x00\x00\x00\x00\x00"...)
	for _, v := range []int{headerSize, len(items), itemSize} {
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	for _, it := range items {
		out = append(out, it.id...)
		language := make([]byte, languageSize)
		copy(language, it.language)
		out = append(out, language...)
		out = binary.LittleEndian.AppendUint64(out, uint64(it.offset))
	}
	return append(out, texts.buf...)
}
