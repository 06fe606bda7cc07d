package apt

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kiln"
	"kiln/internal/listing"
	"kiln/internal/xz"
)

// Bounds for what a hostile index can make kiln allocate, in bytes.
const (
	maxIndex  = 1 << 30   // plain text where the Release does not say how much; Debian main has 56 MB
	maxWindow = 128 << 20 // dictionary of the decoders
)

// decompress opens the form of a Packages file that ext names.
func decompress(r io.Reader, ext string) (io.ReadCloser, error) {
	switch ext {
	case ".xz":
		z, err := xz.NewReader(r, xz.Limits{Dictionary: maxWindow})
		if err != nil {
			return nil, err
		}
		return io.NopCloser(z), nil
	case ".zst":
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case ".gz":
		return gzip.NewReader(r)
	case "":
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("unknown compression %q", ext)
}

// aheadReader is what another goroutine reads, a few blocks ahead: decompressing
// takes as long as parsing.
type aheadReader struct {
	*io.PipeReader
	done chan struct{}
}

// aheadBlock is what is read at once, in bytes.
const aheadBlock = 256 << 10

func readAhead(r io.Reader) *aheadReader {
	in, out := io.Pipe()
	a := &aheadReader{in, make(chan struct{})}
	go func() {
		defer close(a.done)
		buffered := bufio.NewWriterSize(out, aheadBlock)
		_, err := io.Copy(buffered, r)
		out.CloseWithError(errors.Join(err, buffered.Flush()))
	}()
	return a
}

// Close ends the reading, also before the end, and waits for that.
func (a *aheadReader) Close() error {
	err := a.PipeReader.Close()
	<-a.done
	return err
}

// plainReader counts and hashes the text of an index on its way to the parser,
// which is safe to let begin: the compressed form was found right.
type plainReader struct {
	r    io.Reader
	hash kiln.Digester
	want *entry
	max  int64
	got  int64
}

func newPlainReader(r io.Reader, ix Index) *plainReader {
	p := &plainReader{r: r, hash: kiln.NewDigester(), want: ix.plain, max: maxIndex}
	if p.want != nil {
		p.max = p.want.size
	}
	return p
}

func (p *plainReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.got += int64(n)
	if p.got > p.max {
		return 0, fmt.Errorf("its text is longer than %d bytes", p.max)
	}
	p.hash.Write(b[:n])
	return n, err
}

// finish checks the whole text against what the Release says of it, if it does.
func (p *plainReader) finish() (listing.Text, error) {
	if _, err := io.Copy(io.Discard, p); err != nil {
		return listing.Text{}, err
	}
	got := listing.Text{Digest: p.hash.Digest(), Size: p.got}
	if p.want != nil && got != (listing.Text{Digest: p.want.digest, Size: p.want.size}) {
		return got, fmt.Errorf("its text was altered: want %d bytes, %s, got %d bytes, %s", p.want.size, p.want.digest, got.Size, got.Digest)
	}
	return got, nil
}
