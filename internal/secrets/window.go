package secrets

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"sync"
)

// How far a rule may look from its anchor, in bytes, and how much of a file is in
// memory at once.
const (
	lookBehind = 256
	lookAhead  = 4096
	windowSize = 256 << 10
	sniffed    = 8000 // a file with a zero byte in the first so many is binary, as git has it
)

// scanner is one run of Scan.
type scanner struct {
	name   string
	kind   kind
	source io.Reader
	rules  []Rule
	binary bool
	inner  bool // what is scanned was in base64: none in that is decoded
	hits   []hit
	probe  probe // what a rule is asked about: one for all, as dense texts have an anchor in every other word

	lines    int   // newlines before counted
	counted  int64 // how far newlines are counted
	lastLine int64 // offset of the first byte after the last of these
}

// hit is a finding and which bytes are the secret.
type hit struct {
	Finding
	rule     int
	from, to int64
}

// buffers are those of scans that are over: most files are small, and to clear a
// new one takes longer than to scan them.
var buffers = sync.Pool{New: func() any { return new([windowSize]byte) }}

// run reads windows that overlap: each begins with what the last one could not look
// at to its full extent, and with lookBehind bytes before that.
func (s *scanner) run() error {
	pooled := buffers.Get().(*[windowSize]byte)
	defer buffers.Put(pooled)
	buffer := pooled[:]
	var base int64 // offset of buffer[0]
	begin, have := 0, 0
	state := uint32(0)
	for first := true; ; first = false {
		n, err := fill(s.source, buffer[have:])
		last := errors.Is(err, io.EOF)
		have += n
		failed := err
		if last {
			failed = nil
		}
		last = last || failed != nil
		text := buffer[:have]
		if first {
			s.binary = bytes.IndexByte(text[:min(sniffed, len(text))], 0) >= 0
			s.whole(text, last)
		}
		end := have
		if !last {
			end = have - lookAhead
		}
		state = s.search(text, base, begin, end, state)
		if !s.binary && !s.inner {
			s.wrapped(text, base, begin, end)
		}
		if last || len(s.hits) >= MostFindings {
			return failed
		}
		keep := end - lookBehind - longestAnchor()
		s.count(text, base, keep)
		copy(buffer, text[keep:])
		base, begin, have = base+int64(keep), end-keep, have-keep
	}
}

// fill reads until b is full. Unlike io.ReadFull it hands on a reader's own
// io.ErrUnexpectedEOF: what is compressed and cut off.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

// search runs the automaton over text[begin:end].
func (s *scanner) search(text []byte, base int64, begin, end int, state uint32) uint32 {
	m := machine()
	table, classes, special := m.next, &m.class, m.special
	for i := begin; i < end; i++ {
		state = uint32(table[state][classes[text[i]]%mostClasses])
		if state < special {
			continue
		}
		for _, a := range m.found[state-special] {
			s.look(text, base, i+1-int(a.length), i+1, int(a.rule))
			if len(s.hits) >= MostFindings {
				return state
			}
		}
	}
	return state
}

// look asks a rule about an anchor, with as much around it as it may know.
func (s *scanner) look(text []byte, base int64, at, end, rule int) {
	low := max(0, at-lookBehind)
	high := min(len(text), at+lookAhead)
	s.probe = probe{text: text[low:high], at: at - low, end: end - low, name: s.name, kind: s.kind, binary: s.binary}
	if from, to, ok := s.rules[rule].match(&s.probe); ok {
		s.report(text, base, low+from, low+to, rule)
	}
}

// report notes a secret at text[from:to].
func (s *scanner) report(text []byte, base int64, from, to, rule int) {
	h := hit{rule: rule, from: base + int64(from), to: base + int64(to)}
	for i := range s.hits {
		if s.hits[i].rule == rule && s.hits[i].from == h.from {
			return
		}
	}
	r := &rules()[rule]
	value := text[from:to]
	h.Finding = Finding{Rule: r.nameFor(s.name), Offset: h.from, Masked: r.masked(value), Same: sha256.Sum256(value)}
	if !s.binary {
		line, column := s.place(text, base, from)
		h.Line, h.Column = line, column
	}
	s.hits = append(s.hits, h)
}

// count counts the lines up to text[:to].
func (s *scanner) count(text []byte, base int64, to int) {
	from := int(s.counted - base)
	part := text[from:to]
	s.lines += bytes.Count(part, []byte{'\n'})
	if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
		s.lastLine = base + int64(from+i+1)
	}
	s.counted = base + int64(to)
}

// place is the line and the column of text[at].
func (s *scanner) place(text []byte, base int64, at int) (line, column int) {
	part := text[int(s.counted-base):at]
	line = s.lines + bytes.Count(part, []byte{'\n'}) + 1
	start := s.lastLine
	if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
		start = s.counted + int64(i+1)
	}
	return line, int(base+int64(at)-start) + 1
}

// whole asks the rules that go by the file's name; text is the first window, and
// with it what they look at.
func (s *scanner) whole(text []byte, all bool) {
	for i := range rules() {
		if list := rules()[i].file; list != nil {
			list(s.name, text, all, func(from, to int) { s.report(text, 0, from, to, i) })
		}
	}
}
