package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"

	"kiln"
	"kiln/internal/deb"
)

// Bounds for what a hostile index can make kiln allocate, in bytes.
const (
	maxIndex  = 1 << 30   // plain text where the Release does not say how much; Debian main has 56 MB
	maxWindow = 128 << 20 // dictionary of the decoders
)

// Packages reads an index: one that Indexes returned, or one that a lock names,
// which is loaded from the store or from a mirror that still keeps it. Every
// package has a name, a version, an architecture, a size, a SHA-256 and a clean
// Filename below the archive's root.
func (c *Client) Packages(ctx context.Context, p Pocket, ix Index) ([]*deb.Package, error) {
	if err := c.load(ctx, p, ix); err != nil {
		return nil, err
	}
	blob, err := c.Store.Verified(ix.Digest)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	refuse := func(err error) error {
		return p.refuse([]string{"tell the archive's owner"}, "its index %q is not usable: %v", ix.Path, err)
	}
	plain, err := decompress(io.NewSectionReader(blob, 0, blob.Size()), path.Ext(ix.Path))
	if err != nil {
		return nil, refuse(err)
	}
	defer plain.Close()
	checked := newPlainReader(plain, ix)
	all, err := deb.ReadPackages(checked)
	if err == nil {
		err = checked.finish()
	}
	if err != nil {
		return nil, refuse(err)
	}
	for _, pkg := range all {
		if pkg.Filename, err = checkPackage(pkg); err != nil {
			return nil, refuse(fmt.Errorf("package %q: %w", printable(pkg.Name), err))
		}
	}
	return all, nil
}

// load makes sure that the index is in the store.
func (c *Client) load(ctx context.Context, p Pocket, ix Index) error {
	name, err := cleanPath(ix.Path)
	if err != nil {
		return p.refuse([]string{hintUpdate()}, "%v", err)
	}
	ix.Path = name
	if c.Store.Has(ix.Digest) {
		return nil
	}
	err = c.bringIndex(ctx, p, ix, true)
	if isMissing(err) || isAltered(err) {
		return &kiln.Error{
			Code:  kiln.Network,
			Text:  fmt.Sprintf("cannot load the locked index %q of the archive %q: no mirror keeps it any more\n%s", ix.Path, p.ID(), detail(err)),
			Hints: []string{hintUpdate(), "or use a mirror that keeps older states of the archive"},
			Err:   err,
		}
	}
	return err
}

// checkPackage returns the clean form of a package's path. An index without
// SHA-256 hashes vouches for nothing.
func checkPackage(pkg *deb.Package) (string, error) {
	if _, err := kiln.DigestFromHex(strings.ToLower(pkg.SHA256)); err != nil {
		return "", errors.New("it has no SHA256 hash")
	}
	pkg.SHA256 = strings.ToLower(pkg.SHA256)
	return cleanPath(pkg.Filename)
}

func decompress(r io.Reader, ext string) (io.ReadCloser, error) {
	switch ext {
	case ".xz":
		z, err := xz.NewReader(r, maxWindow)
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
	p := &plainReader{r: r, want: ix.plain, max: maxIndex}
	if p.want != nil {
		p.hash, p.max = kiln.NewDigester(), p.want.size
	}
	return p
}

func (p *plainReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.got += int64(n)
	if p.got > p.max {
		return 0, fmt.Errorf("its text is longer than %d bytes", p.max)
	}
	if p.want != nil {
		p.hash.Write(b[:n])
	}
	return n, err
}

// finish checks the whole text against what the Release says of it.
func (p *plainReader) finish() error {
	if _, err := io.Copy(io.Discard, p); err != nil {
		return err
	}
	if p.want == nil {
		return nil
	}
	if got := p.hash.Digest(); p.got != p.want.size || got != p.want.digest {
		return fmt.Errorf("its text was altered: want %d bytes, %s, got %d bytes, %s", p.want.size, p.want.digest, p.got, got)
	}
	return nil
}
