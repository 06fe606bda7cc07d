package awk

import (
	"bytes"
	"errors"
	"io"

	"kiln/internal/maint/regex"
)

// stream is a file that is read record by record.
type stream struct {
	name  string
	from  io.Reader
	close func() error
	buf   []byte
	start int // of what is not used yet
	held  int // capacity of buf, as counted
	ended bool
	err   error // that ended it
}

// firstRead is how much is read at first, in bytes; later as much as there is.
const firstRead = 4096

// fill reads more, and reports whether there is some. The buffer's growth counts
// before it is made.
func (in *interpreter) fill(s *stream) bool {
	if s.ended {
		return false
	}
	if s.start > 0 {
		in.spend(len(s.buf) - s.start)
		s.buf = append(s.buf[:0], s.buf[s.start:]...)
		s.start = 0
	}
	if free := cap(s.buf) - len(s.buf); free < firstRead {
		size := max(firstRead, 2*cap(s.buf))
		in.hold(&in.stored, size)
		grown := make([]byte, len(s.buf), size)
		copy(grown, s.buf)
		in.stored -= int64(s.held)
		s.buf, s.held = grown, size
	}
	for range 100 {
		in.step()
		n, err := s.from.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err != nil {
			s.ended = true
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
		}
		if n > 0 {
			in.spend(n)
			return true
		}
		if err != nil {
			return false
		}
	}
	s.ended, s.err = true, io.ErrNoProgress
	return false
}

// nextRecord returns the next record of a stream, without what ended it.
func (in *interpreter) nextRecord(s *stream) (string, bool) {
	rs := in.special(varRS)
	switch {
	case rs == "":
		return in.paragraph(s)
	case len(rs) == 1:
		return in.line(s, rs[0])
	}
	return in.recordBefore(s, in.pattern(rs))
}

// take makes a string of the next bytes and passes over some more.
func (in *interpreter) take(s *stream, length, more int) string {
	in.reserve(length)
	one := string(s.buf[s.start : s.start+length])
	s.start += length + more
	return one
}

func (in *interpreter) line(s *stream, end byte) (string, bool) {
	for seen := 0; ; {
		rest := s.buf[s.start:]
		if i := bytes.IndexByte(rest[seen:], end); i >= 0 {
			return in.take(s, seen+i, 1), true
		}
		seen = len(rest)
		if !in.fill(s) {
			if seen == 0 {
				return "", false
			}
			return in.take(s, seen, 0), true
		}
	}
}

// recordBefore ends a record at a match. One at the end of what was read could be
// longer with more of it.
func (in *interpreter) recordBefore(s *stream, re *regex.Automaton) (string, bool) {
	for {
		rest := s.buf[s.start:]
		m := in.findNonEmpty(re, rest)
		if m.Start >= 0 && (!m.Open || s.ended) {
			return in.take(s, m.Start, m.End-m.Start), true
		}
		if !in.fill(s) {
			if rest = s.buf[s.start:]; len(rest) == 0 {
				return "", false
			}
			if m.Start >= 0 {
				continue
			}
			return in.take(s, len(rest), 0), true
		}
	}
}

func (in *interpreter) findNonEmpty(re *regex.Automaton, text []byte) regex.Match {
	for at := 0; at <= len(text); {
		in.step()
		m := re.FindBytes(text, at, in.work)
		if m.Start < 0 || m.End > m.Start {
			return m
		}
		at = m.End + 1
	}
	return regex.Match{Start: -1, Open: true}
}

// paragraph is a record where RS is empty: it ends at empty lines.
func (in *interpreter) paragraph(s *stream) (string, bool) {
	for {
		for s.start < len(s.buf) && s.buf[s.start] == '\n' {
			s.start++
		}
		if s.start < len(s.buf) || !in.fill(s) {
			break
		}
	}
	for {
		rest := s.buf[s.start:]
		in.spend(len(rest))
		if i := bytes.Index(rest, []byte("\n\n")); i >= 0 {
			return in.take(s, i, 2), true
		}
		if !in.fill(s) {
			rest = s.buf[s.start:]
			length := len(bytes.TrimSuffix(rest, []byte("\n")))
			if len(rest) == 0 {
				return "", false
			}
			return in.take(s, length, len(rest)-length), true
		}
	}
}

// drop closes a stream and lets its buffer go.
func (in *interpreter) drop(s *stream) int {
	in.stored -= int64(s.held)
	s.buf, s.held, s.start, s.ended = nil, 0, 0, true
	if s.close != nil && s.close() != nil {
		return -1
	}
	return 0
}

// open opens a file for reading; "-" and /dev/stdin are the standard input.
func (in *interpreter) open(name string) (*stream, error) {
	if name == "-" || name == "/dev/stdin" {
		return in.stdin, nil
	}
	r, err := in.o.Files.Open(name)
	if err != nil {
		in.check(err)
		return nil, err
	}
	return &stream{name: name, from: r, close: r.Close}, nil
}

// check stops the program at an error that is no ordinary outcome.
func (in *interpreter) check(err error) {
	var stop *StopError
	if errors.As(err, &stop) {
		in.stop(err)
	}
}

func (in *interpreter) cannotOpen(name string, err error) {
	text := err.Error()
	if in.o.ErrorText != nil {
		text = in.o.ErrorText(err)
	}
	in.fail("cannot open %q (%s)", name, text)
}
