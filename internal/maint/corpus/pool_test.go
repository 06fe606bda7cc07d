package corpus_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// pool holds contents one behind the other in a file of the host: they would not fit
// into memory. What scripts hardly ever read is not kept: it is taken out of its
// package again when it is asked for.
type pool struct {
	file  *os.File
	store *store.Store

	mu     sync.Mutex
	end    int64
	places map[kiln.Digest]place
}

// place is where a content is: in the file, or in a package.
type place struct {
	at, size int64
	deb      kiln.Digest // "" where it is in the file
}

func newPool(t *testing.T, st *store.Store) *pool {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "content"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &pool{file: f, store: st, places: map[kiln.Digest]place{}}
}

const (
	keptSize = 32 << 10 // contents up to this are kept, bytes
	heldSize = 64 << 20 // larger ones are not even held while their package is read
)

// batch is the contents of a package while it is read.
type batch struct {
	*pool
	deb  kiln.Digest
	held map[kiln.Digest][]byte
}

// hold is tree.ReadTar's: it holds a content until its path is known.
func (b *batch) hold(r io.Reader) (kiln.Digest, int64, error) {
	var text bytes.Buffer
	digester := kiln.NewDigester()
	n, err := io.Copy(io.MultiWriter(digester, &text), io.LimitReader(r, heldSize))
	if err != nil {
		return "", 0, err
	}
	more, err := io.Copy(digester, r)
	d := digester.Digest()
	if more == 0 {
		b.held[d] = text.Bytes()
	}
	return d, n + more, err
}

// settle keeps what scripts are likely to read: what is small, and the libraries
// that ldconfig looks into.
func (b *batch) settle(entries []tree.Entry) error {
	for _, e := range entries {
		if e.Type != tree.File {
			continue
		}
		text, held := b.held[e.Content]
		if held && (e.Size <= keptSize || isLibrary(e.Path)) {
			if err := b.keep(e.Content, text); err != nil {
				return err
			}
			continue
		}
		b.mu.Lock()
		if _, have := b.places[e.Content]; !have {
			b.places[e.Content] = place{size: e.Size, deb: b.deb}
		}
		b.mu.Unlock()
	}
	return nil
}

func isLibrary(name string) bool {
	dir := path.Dir(name)
	return strings.Contains(path.Base(name), ".so") && (dir == "usr/lib" || path.Dir(dir) == "usr/lib" || strings.HasPrefix(dir, "lib"))
}

func (p *pool) keep(d kiln.Digest, text []byte) error {
	p.mu.Lock()
	have, ok := p.places[d]
	if ok && have.deb == "" {
		p.mu.Unlock()
		return nil
	}
	at := p.end
	p.end += int64(len(text))
	p.mu.Unlock()
	if _, err := p.file.WriteAt(text, at); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places[d] = place{at: at, size: int64(len(text))}
	return nil
}

// OpenContent implements tree.Contents.
func (p *pool) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	p.mu.Lock()
	have, ok := p.places[d]
	p.mu.Unlock()
	switch {
	case !ok:
		return nil, fmt.Errorf("no content %s: %w", d, fs.ErrNotExist)
	case have.deb != "":
		return p.takeOut(d, have.deb)
	}
	return io.NopCloser(io.NewSectionReader(p.file, have.at, have.size)), nil
}

// takeOut reads a package again for one content, and keeps it from then on.
func (p *pool) takeOut(d, from kiln.Digest) (io.ReadCloser, error) {
	blob, err := p.store.OpenAt(from)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	opened, err := deb.Open(blob, blob.Size())
	if err != nil {
		return nil, err
	}
	data, err := opened.Data(deb.Limits{})
	if err != nil {
		return nil, err
	}
	defer data.Close()
	var found []byte
	_, err = tree.ReadTar(data, func(r io.Reader) (kiln.Digest, int64, error) {
		text, err := io.ReadAll(r)
		digest := kiln.DigestOf(text)
		if digest == d {
			found = text
		}
		return digest, int64(len(text)), err
	})
	if err == nil && found == nil {
		err = fmt.Errorf("no content %s in %s: %w", d, from, fs.ErrNotExist)
	}
	if err == nil {
		err = p.keep(d, found)
	}
	return io.NopCloser(bytes.NewReader(found)), err
}
