package xz

import (
	"errors"
	"fmt"
	"io"
)

// source is buffered input. What is needed at a time, a chunk of 64 KiB at most,
// stands whole in its buffer.
type source struct {
	r    io.Reader
	buf  input
	pos  int // of the next byte in buf
	end  int // of what was read into buf
	read int64
}

func (s *source) reset(r io.Reader) { s.r, s.pos, s.end, s.read = r, 0, 0, 0 }

// offset returns how many bytes were taken so far.
func (s *source) offset() int64 { return s.read - int64(s.end-s.pos) }

// need makes n bytes stand in buf from pos on. It gives io.EOF where there are
// none, io.ErrUnexpectedEOF where there are fewer.
func (s *source) need(n int) error {
	if s.end-s.pos >= n {
		return nil
	}
	if s.pos+n > len(s.buf) {
		s.end = copy(s.buf[:], s.buf[s.pos:s.end])
		s.pos = 0
	}
	got, err := io.ReadAtLeast(s.r, s.buf[s.end:], n-(s.end-s.pos))
	s.end += got
	s.read += int64(got)
	if err == io.EOF && s.end > s.pos {
		return io.ErrUnexpectedEOF
	}
	return err
}

// take returns the next n bytes, which stay valid until more is needed.
func (s *source) take(n int) ([]byte, error) {
	if err := s.need(n); err != nil {
		return nil, err
	}
	s.pos += n
	return s.buf[s.pos-n : s.pos], nil
}

// peek returns the next byte and leaves it there.
func (s *source) peek() (byte, error) {
	if err := s.need(1); err != nil {
		return 0, err
	}
	return s.buf[s.pos], nil
}

// truncated says where a file ends too early; other errors it leaves alone.
func truncated(err error, where string) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file ends %s: %w", where, io.ErrUnexpectedEOF)
	}
	return err
}
