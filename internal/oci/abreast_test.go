package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// Whatever sizes the parts have, and in whatever pieces they are written, they come one
// after the other.
func TestAbreast(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 7, 40} {
		var want bytes.Buffer
		parts := make([][]byte, n)
		for i := range parts {
			size := []int{0, 1, laneBlock - 1, laneBlock, laneBlock + 1, laneBlock*laneBlocks + 3, 3 * laneBlock * laneBlocks}[chance.IntN(7)]
			parts[i] = bytes.Repeat([]byte{byte(i + 1)}, size)
			want.Write(parts[i])
		}
		var got bytes.Buffer
		err := abreast(t.Context(), n, func(_ context.Context, i int, w io.Writer) error {
			for b := parts[i]; len(b) > 0; {
				some := b[:min(len(b), 100_000+i)]
				if k, err := w.Write(some); k != len(some) || err != nil {
					return fmt.Errorf("%d of %d: %w", k, len(some), err)
				}
				b = b[len(some):]
			}
			return nil
		}, &got)
		if err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%d parts: %v, %d bytes of %d, or others", n, err, got.Len(), want.Len())
		}
	}
}

// Each way to fail ends it, with the first part's error, and leaves no goroutine that waits: else
// abreast would not return.
func TestAbreastFails(t *testing.T) {
	broken, later := errors.New("broken"), errors.New("later")
	much := make([]byte, 2*laneBlock*laneBlocks)
	fill := func(_ context.Context, _ int, w io.Writer) error {
		_, err := w.Write(much)
		return err
	}
	for i := range 9 {
		err := abreast(t.Context(), 9, func(ctx context.Context, at int, w io.Writer) error {
			switch {
			case at == i:
				return broken
			case at > i:
				return later
			}
			return fill(ctx, at, w)
		}, io.Discard)
		if err != broken {
			t.Errorf("part %d fails: %v", i, err)
		}
	}
	if err := abreast(t.Context(), 9, fill, failing{broken}); err != broken {
		t.Errorf("the writer fails: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	if err := abreast(ctx, 9, fill, io.Discard); err != broken {
		t.Errorf("it is called off: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
