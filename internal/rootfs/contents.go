package rootfs

import (
	"bytes"
	"io"

	"kiln"
	"kiln/internal/linkage"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// piece is where a file's content stands.
type piece struct {
	blob   kiln.Digest
	offset int64
	size   int64
	// Of a package's file, what linkage.Read makes of it; what was not looked into
	// has inspected false.
	linkage   *linkage.File
	inspected bool
}

// contents finds the files of packages in the content blobs, what kiln made in
// memory, and the recipe's own files as blobs of the store.
type contents struct {
	store  *store.Store
	pieces map[kiln.Digest]piece
	made   tree.Bytes
}

// OpenContent implements tree.Contents. Damage that reading finds is set aside in
// the store, so that the next run unpacks the package anew.
func (c *contents) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	if p, ok := c.pieces[d]; ok {
		return c.openPiece(d, p)
	}
	if _, ok := c.made[d]; ok {
		return c.made.OpenContent(d)
	}
	return c.store.OpenContent(d)
}

func (c *contents) openPiece(d kiln.Digest, p piece) (io.ReadCloser, error) {
	blob, err := c.store.OpenAt(p.blob)
	if err != nil {
		return nil, err
	}
	return c.readPiece(d, p, blob, blob), nil
}

// readPiece reads the piece out of its blob; closing closes that closes.
func (c *contents) readPiece(d kiln.Digest, p piece, blob io.ReaderAt, closes io.Closer) *pieceReader {
	return &pieceReader{
		contents: c, want: d, blob: closes, name: p.blob,
		r: io.NewSectionReader(blob, p.offset, p.size), left: p.size, sum: kiln.NewDigester(),
	}
}

// pieceReader hashes what passes through and gives its verdict at the end.
type pieceReader struct {
	contents *contents
	want     kiln.Digest
	blob     io.Closer
	name     kiln.Digest
	r        io.Reader
	left     int64
	sum      kiln.Digester
}

func (r *pieceReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.sum.Write(p[:n])
	r.left -= int64(n)
	if err != io.EOF {
		return n, err
	}
	if r.left != 0 {
		return n, r.contents.store.Damaged(r.name, cutPiece(r.left))
	}
	if got := r.sum.Digest(); got != r.want {
		return n, r.contents.store.Damaged(r.name, wrongPiece(r.want, got))
	}
	return n, io.EOF
}

func (r *pieceReader) Close() error { return r.blob.Close() }

// add makes the files of an index known.
func (c *contents) add(ix *index) {
	for _, f := range ix.Files {
		c.pieces[f.Digest] = piece{blob: ix.Content, offset: f.Offset, size: f.Size}
	}
	for i := range ix.Entries {
		if e := &ix.Entries[i]; e.Type == tree.File {
			c.pieces[e.Content] = piece{blob: ix.Content, offset: e.Offset, size: e.Size, linkage: e.Linkage, inspected: true}
		}
	}
}

// linkage tells what is known of a content without a look into it: known is false
// where that is nothing, f nil where it is no ELF file.
func (c *contents) linkage(d kiln.Digest) (f *linkage.File, known bool) {
	p := c.pieces[d]
	return p.linkage, p.inspected
}

// readAll returns the content of a file of the tree.
func (c *contents) readAll(d kiln.Digest) ([]byte, error) {
	r, err := c.OpenContent(d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// One byte more, so that the end is read, at which the reader gives its verdict.
	b := bytes.NewBuffer(make([]byte, 0, c.pieces[d].size+bytes.MinRead))
	_, err = b.ReadFrom(r)
	return b.Bytes(), err
}

// file returns an entry for content that kiln made, which is kept in memory: it
// is small, and a function of what is at hand anyway.
func (c *contents) file(path string, content []byte) tree.Entry {
	d := c.made.Add(content)
	return tree.Entry{Path: path, Type: tree.File, Mode: 0o644, Size: int64(len(content)), Content: d}
}
