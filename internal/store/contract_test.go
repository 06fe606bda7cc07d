package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"kiln"
	"kiln/internal/store"
)

// home is what every store offers, wherever it keeps its objects.
type home interface {
	Put(r io.Reader, want kiln.Digest) (kiln.Digest, int64, error)
	Has(d kiln.Digest) bool
	Size(d kiln.Digest) (int64, error)
	Open(d kiln.Digest) (io.ReadCloser, int64, error)
	ReadAll(d kiln.Digest) ([]byte, error)
	OpenAt(d kiln.Digest) (*store.Blob, error)
	Verified(d kiln.Digest) (*store.Blob, error)
	Result(key kiln.Digest) ([]byte, bool)
	SetResult(key kiln.Digest, value []byte) error
	State(name string) ([]byte, bool, error)
	SetState(name string, value []byte) error
	Once(ctx context.Context, key kiln.Digest, do func() error) error
}

func TestContract(t *testing.T) {
	contract(t, func(t *testing.T) home { return open(t, t.TempDir()) })
}

// contract is what holds for every home.
func contract(t *testing.T, open func(t *testing.T) home) {
	for _, row := range []struct {
		name string
		test func(t *testing.T, h home)
	}{
		{"a blob comes back", testRoundTrip},
		{"a blob of another digest is refused", testWrongDigest},
		{"an error of the source comes back and leaves nothing", testSourceError},
		{"a missing blob is fs.ErrNotExist", testMissing},
		{"a name that is no digest is refused", testBadDigest},
		{"results come back under their own key", testResults},
		{"states come back under their own name", testStates},
		{"once is one at a time and passes on errors", testOnce},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, open(t)) })
	}
}

func testRoundTrip(t *testing.T, h home) {
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		content := bytes.Repeat([]byte("x\x00\xff"), size/3+1)[:size]
		want := kiln.DigestOf(content)
		for range 2 { // the second time it is there already
			d, n, err := h.Put(iotest.OneByteReader(bytes.NewReader(content)), want)
			if err != nil || d != want || n != int64(size) {
				t.Fatalf("put %d bytes: %s, %d, %v", size, d, n, err)
			}
		}
		if !h.Has(want) {
			t.Errorf("%d bytes: not there", size)
		}
		if n, err := h.Size(want); n != int64(size) || err != nil {
			t.Errorf("size of %d bytes: %d, %v", size, n, err)
		}
		if got, err := h.ReadAll(want); err != nil || !bytes.Equal(got, content) {
			t.Errorf("read %d bytes: got %d, %v", size, len(got), err)
		}
		testPieces(t, h, want, content)
	}
}

func testPieces(t *testing.T, h home, d kiln.Digest, content []byte) {
	t.Helper()
	for _, open := range []func(kiln.Digest) (*store.Blob, error){h.OpenAt, h.Verified, h.Verified} {
		b, err := open(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(b, int64(len(content)/2), b.Size()))
		if err != nil || !bytes.Equal(got, content[len(content)/2:]) {
			t.Errorf("second half of %d bytes: got %d, %v", len(content), len(got), err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func testWrongDigest(t *testing.T, h home) {
	want := kiln.DigestOf([]byte("asked for"))
	_, _, err := h.Put(strings.NewReader("delivered"), want)
	if kiln.CodeOf(err) != kiln.Refused {
		t.Errorf("error %v, want it refused", err)
	}
	for _, d := range []kiln.Digest{want, kiln.DigestOf([]byte("delivered"))} {
		if h.Has(d) {
			t.Errorf("%s is there", d)
		}
	}
}

func testSourceError(t *testing.T, h home) {
	cause := errors.New("line cut")
	_, _, err := h.Put(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(cause)), "")
	if err != cause {
		t.Errorf("error %v, want %v as it is", err, cause)
	}
	if h.Has(kiln.DigestOf([]byte("half"))) {
		t.Errorf("half of it is there")
	}
}

func testMissing(t *testing.T, h home) {
	d := kiln.DigestOf([]byte("never put"))
	_, sizeErr := h.Size(d)
	_, _, openErr := h.Open(d)
	_, readErr := h.ReadAll(d)
	_, atErr := h.OpenAt(d)
	_, verifiedErr := h.Verified(d)
	for i, err := range []error{sizeErr, openErr, readErr, atErr, verifiedErr} {
		if !errors.Is(err, fs.ErrNotExist) || len(kiln.HintsOf(err)) == 0 {
			t.Errorf("%d: error %v, want fs.ErrNotExist and a hint", i, err)
		}
	}
	if h.Has(d) {
		t.Error("Has says yes")
	}
}

func testBadDigest(t *testing.T, h home) {
	for _, d := range []kiln.Digest{"", "sha256:", "sha256:../../../../etc/passwd", "sha512:00"} {
		if _, _, err := h.Open(d); err == nil {
			t.Errorf("opened %q", d)
		}
		if h.Has(d) {
			t.Errorf("has %q", d)
		}
		if err := h.SetResult(d, nil); err == nil {
			t.Errorf("set a result %q", d)
		}
		if err := h.Once(t.Context(), d, func() error { return nil }); err == nil {
			t.Errorf("once %q", d)
		}
	}
}

func testResults(t *testing.T, h home) {
	one, two := kiln.DigestOf([]byte("1")), kiln.DigestOf([]byte("2"))
	if _, ok := h.Result(one); ok {
		t.Error("a result nobody set")
	}
	for _, value := range []string{"first", "", "second\nof two lines\n"} {
		if err := h.SetResult(one, []byte(value)); err != nil {
			t.Fatal(err)
		}
		if got, ok := h.Result(one); !ok || string(got) != value {
			t.Errorf("result %q, %v, want %q", got, ok, value)
		}
	}
	if _, ok := h.Result(two); ok {
		t.Error("the other key has a result")
	}
}

// Names that a careless mapping to files would confuse, or let out of the folder.
func testStates(t *testing.T, h home) {
	names := []string{
		"debian/trixie", "debian%2ftrixie", "debian", "Debian", "", ".", "..", "../../etc/x", "a\x00b", "%%",
		strings.Repeat("n", 300), strings.Repeat("n", 301), "ä", "https://archive.example.org/debian trixie",
	}
	for i, n := range names {
		if _, ok, err := h.State(n); ok || err != nil {
			t.Errorf("state %q before it is set: %v, %v", n, ok, err)
		}
		if err := h.SetState(n, []byte{byte(i)}); err != nil {
			t.Errorf("set state %q: %v", n, err)
		}
	}
	for i, n := range names {
		if got, ok, err := h.State(n); err != nil || !ok || !bytes.Equal(got, []byte{byte(i)}) {
			t.Errorf("state %q: %v, %v, %v, want %d", n, got, ok, err, i)
		}
	}
}

func testOnce(t *testing.T, h home) {
	key, cause := kiln.DigestOf([]byte("work")), errors.New("work failed")
	if err := h.Once(t.Context(), key, func() error { return cause }); err != cause {
		t.Errorf("error %v, want %v", err, cause)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := h.Once(t.Context(), key, func() error {
		cancel()
		return h.Once(ctx, key, func() error { return errors.New("two at once") })
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the second to wait for the first", err)
	}
}
