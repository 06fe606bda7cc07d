package rootfs

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// A lead hands out what its reader has, and then its error, however both are read.
func TestLeadReadsWhatIsThere(t *testing.T) {
	failed := errors.New("the disk is gone")
	for _, size := range []int{0, 1, leadBlock - 1, leadBlock, leadBlock + 1, 3*leadBlocks*leadBlock + 17} {
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i * 7 >> 3)
		}
		for name, end := range map[string]error{"sound": io.EOF, "cut": io.ErrUnexpectedEOF, "failing": failed} {
			from := func() io.Reader {
				return iotest.HalfReader(io.MultiReader(bytes.NewReader(content), iotest.ErrReader(end)))
			}
			for way, r := range map[string]io.Reader{"": from(), ", with the error beside the last bytes": iotest.DataErrReader(from())} {
				l := newLead(r)
				var got bytes.Buffer
				_, err := got.ReadFrom(l)
				if err == nil {
					err = io.EOF // which ReadFrom does not return
				}
				if !errors.Is(err, end) || !bytes.Equal(got.Bytes(), content) {
					t.Errorf("%d bytes, %s%s: %d came, then %v", size, name, way, got.Len(), err)
				}
				if n, err := l.Read(make([]byte, 1)); n != 0 || !errors.Is(err, end) {
					t.Errorf("%d bytes, %s%s: behind the end there are %d, then %v", size, name, way, n, err)
				}
				l.Close()
			}
		}
	}
}

// Whoever has enough leaves the rest unread: the reader is free then.
func TestLeadEndsEarly(t *testing.T) {
	endless := &counted{}
	l := newLead(endless)
	if _, err := io.ReadFull(l, make([]byte, leadBlock+1)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if most := (leadBlocks + 2) * leadBlock; endless.n > most {
		t.Errorf("%d bytes were read, at most %d were to be", endless.n, most)
	}
}

// counted is an endless reader.
type counted struct{ n int }

func (c *counted) Read(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
