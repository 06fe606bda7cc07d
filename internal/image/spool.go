package image

import (
	"fmt"
	"io"
	"os"

	"kiln"
)

// spool keeps file contents, each once, in one temporary file that has no name any
// more: whatever becomes of kiln, it takes no room afterwards.
type spool struct {
	file   *os.File
	pieces map[kiln.Digest]piece
	end    int64
	buf    []byte
}

type piece struct{ offset, size int64 }

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "kiln-image-*")
	if err != nil {
		return nil, fmt.Errorf("cannot make a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot make a temporary file: %w", err)
	}
	return &spool{file: f, pieces: map[kiln.Digest]piece{}, buf: make([]byte, 256<<10)}, nil
}

func (s *spool) close() error { return s.file.Close() }

// add keeps what r gives.
func (s *spool) add(r io.Reader) (kiln.Digest, int64, error) {
	sum := kiln.NewDigester()
	out := io.NewOffsetWriter(s.file, s.end)
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(sum, out)}, struct{ io.Reader }{r}, s.buf)
	if err != nil {
		return "", 0, err
	}
	d := sum.Digest()
	if _, ok := s.pieces[d]; !ok {
		s.pieces[d] = piece{s.end, n}
		s.end += n
	}
	return d, n, nil
}

// hash is add without keeping.
func (s *spool) hash(r io.Reader) (kiln.Digest, int64, error) {
	sum := kiln.NewDigester()
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{r}, s.buf)
	return sum.Digest(), n, err
}

// OpenContent implements tree.Contents.
func (s *spool) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	p, ok := s.pieces[d]
	if !ok {
		return nil, fmt.Errorf("cannot open the content %s: it was not kept", d)
	}
	return io.NopCloser(&verifier{r: io.NewSectionReader(s.file, p.offset, p.size), sum: kiln.NewDigester(), want: d}), nil
}

// verifier ends in io.EOF only if what it read has the digest that is wanted.
type verifier struct {
	r    io.Reader
	sum  kiln.Digester
	want kiln.Digest
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.sum.Write(p[:n])
	if err == io.EOF {
		if got := v.sum.Digest(); got != v.want {
			return n, refused("its digest is %s, not %s", got, v.want)
		}
	}
	return n, err
}
