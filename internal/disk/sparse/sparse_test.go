package sparse_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"kiln/internal/disk/sparse"
)

// random is a disk of pieces at random places, and the same as bytes.
func random(t *testing.T, seed uint64) (*sparse.Image, []byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	flat := make([]byte, 1<<20+r.IntN(5000))
	var extents []sparse.Extent
	for at := r.IntN(9000); at < len(flat); {
		n := min(r.IntN(200_000), len(flat)-at)
		for i := range n {
			if i%4096 < 3000 && i/70_000%2 == 0 { // zeros inside of pieces, too
				flat[at+i] = byte(r.Uint32())
			}
		}
		extents = append(extents, sparse.Extent{Offset: int64(at), Size: int64(n), Data: bytes.NewReader(flat[at : at+n])})
		at += n + r.IntN(2)*r.IntN(200_000)
		if n == 0 {
			at++
		}
	}
	r.Shuffle(len(extents), func(i, j int) { extents[i], extents[j] = extents[j], extents[i] })
	m, err := sparse.New(int64(len(flat)), extents...)
	if err != nil {
		t.Fatal(err)
	}
	return m, flat
}

type buffer []byte

func (b buffer) WriteAt(p []byte, off int64) (int, error) { return copy(b[off:], p), nil }

// However it is read, it is the content.
func TestReadBack(t *testing.T) {
	for seed := range uint64(30) {
		m, flat := random(t, seed)
		if got, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size())); err != nil || !bytes.Equal(got, flat) {
			t.Fatalf("seed %d: read as one it is another: %v", seed, err)
		}
		r := rand.New(rand.NewPCG(seed, 2))
		for range 50 {
			off := r.IntN(len(flat))
			b := bytes.Repeat([]byte{7}, r.IntN(100_000))
			n, err := m.ReadAt(b, int64(off))
			if want := flat[off:min(len(flat), off+len(b))]; n != len(want) || !bytes.Equal(b[:n], want) || (n < len(b)) != (err == io.EOF) {
				t.Fatalf("seed %d: %d bytes at %d: %d, %v", seed, len(b), off, n, err)
			}
		}
		raw := make(buffer, len(flat))
		if err := sparse.WriteRaw(t.Context(), raw, m); err != nil || !bytes.Equal(raw, flat) {
			t.Fatalf("seed %d: written raw it is another: %v", seed, err)
		}
		var b sparse.Buffer
		for rest := flat; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(90_000))
			_, _ = b.Write(rest[:n])
			rest = rest[n:]
		}
		kept, err := sparse.New(m.Size()+512, b.Extents(512)...)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(io.NewSectionReader(kept, 512, m.Size())); err != nil || !bytes.Equal(got, flat) {
			t.Fatalf("seed %d: kept in memory it is another: %v", seed, err)
		}
	}
}

// Each block that is not zero comes once, in order.
func TestEach(t *testing.T) {
	copies := func() func([]byte) ([]byte, error) {
		return func(b []byte) ([]byte, error) { return bytes.Clone(b), nil }
	}
	for seed := range uint64(10) {
		m, flat := random(t, seed)
		const unit = 8192
		next := 0
		err := sparse.Each(t.Context(), m, unit, copies, func(off int64, b []byte) error {
			if !sparse.Zero(flat[next:off]) || !bytes.Equal(b, flat[off:min(int64(len(flat)), off+unit)]) || sparse.Zero(b) {
				t.Errorf("seed %d: at %d after %d", seed, off, next)
			}
			next = int(off) + len(b)
			return nil
		})
		if err != nil || !sparse.Zero(flat[next:]) {
			t.Errorf("seed %d: ended at %d of %d: %v", seed, next, len(flat), err)
		}
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errBroken }

// Whatever fails, nobody waits for ever, and the cause is told.
func TestFailures(t *testing.T) {
	m, _ := random(t, 1)
	bad, err := sparse.New(1<<20, sparse.Extent{Offset: 4096, Size: 900_000, Data: broken{}})
	if err != nil {
		t.Fatal(err)
	}
	work := func() func([]byte) (int, error) { return func([]byte) (int, error) { return 0, nil } }
	failing := func() func([]byte) (int, error) { return func([]byte) (int, error) { return 0, errBroken } }
	take := func(int64, int) error { return nil }
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errBroken)
	for name, err := range map[string]error{
		"reading":   sparse.Each(t.Context(), bad, 4096, work, take),
		"working":   sparse.Each(t.Context(), m, 4096, failing, take),
		"taking":    sparse.Each(t.Context(), m, 4096, work, func(int64, int) error { return errBroken }),
		"cancelled": sparse.Each(ended, m, 4096, work, take),
		"raw":       sparse.WriteRaw(t.Context(), make(buffer, 1<<20), bad),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, e := range [][]sparse.Extent{
		{{Offset: 0, Size: 20}, {Offset: 10, Size: 20}}, {{Offset: 90, Size: 20}}, {{Offset: -1, Size: 5}},
	} {
		if _, err := sparse.New(100, e...); err == nil {
			t.Errorf("%v lies on the disk", e)
		}
	}
}
