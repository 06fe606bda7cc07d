package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// blob is a layer as a manifest names it.
type blob struct {
	name   string      // of the file
	digest kiln.Digest // of its bytes; empty where nothing says it
	size   int64       // in bytes; -1 where nothing says it
	diffID kiln.Digest // of the tar in it

	createdBy string // what the history says of it
}

// apply puts the layers onto the tree, lowest first.
func (r *reader) apply(s source, blobs []blob) error {
	for i, b := range blobs {
		l, err := r.layer(s, b)
		if err != nil && r.o.Damage != nil && r.ctx.Err() == nil {
			l, err = r.salvage(s, i, b, err)
		}
		if err != nil {
			return fmt.Errorf("layer %d of %d: %w", i+1, len(blobs), err)
		}
		l.CreatedBy = b.createdBy
		r.img.Layers = append(r.img.Layers, l)
	}
	return nil
}

func (r *reader) layer(s source, b blob) (Layer, error) {
	if err := r.check(s, b); err != nil {
		return Layer{}, err
	}
	f, size, err := s.open(b.name)
	if err != nil {
		return Layer{}, err
	}
	defer f.Close()
	l, entries, err := r.entries(f, true)
	if err != nil {
		return Layer{}, err
	}
	r.tell(len(r.img.Layers), entries)
	if l.DiffID != b.diffID {
		return Layer{}, refused("the digest of its tar is %s, and the configuration says %s", l.DiffID, b.diffID)
	}
	l.Digest, l.Size = b.digest, size
	return l, applyLayer(r.img.Tree, entries)
}

// check hashes a blob before any of it is parsed.
func (r *reader) check(s source, b blob) error {
	f, size, err := s.open(b.name)
	if errors.Is(err, fs.ErrNotExist) {
		return missing(b.name)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if b.size >= 0 && size != b.size {
		return refused("%q has %d bytes, not %d", b.name, size, b.size)
	}
	if b.digest == "" {
		return nil
	}
	got, _, err := r.img.contents.hash(&stopping{r.ctx, f})
	if err == nil && got != b.digest {
		err = refused("%q is damaged: its digest is %s", b.name, got)
	}
	return err
}

// entries reads a layer's tar to its very end. Of entries that are whiteouts no
// content is read; where layered is false none is a whiteout.
func (r *reader) entries(f io.Reader, layered bool) (Layer, []tree.Entry, error) {
	z, err := decompress(&stopping{r.ctx, f}, &r.budget)
	if err != nil {
		return Layer{}, nil, err
	}
	defer z.Close()
	sum := kiln.NewDigester()
	plain := io.TeeReader(z, sum)
	entries, err := r.walk(plain)
	if err == nil {
		_, err = io.Copy(io.Discard, plain)
	}
	return Layer{DiffID: sum.Digest(), Uncompressed: z.n, Entries: len(entries)}, entries, err
}

// walk reads entries up to the end of a tar, or to what is wrong with it.
func (r *reader) walk(plain io.Reader) (entries []tree.Entry, err error) {
	err = tree.WalkTar(plain, true, func(e tree.Entry, content io.Reader) error {
		if err := r.budget.entry(&e); err != nil {
			return err
		}
		if err := checkOverlay(&e); err != nil {
			return err
		}
		if e.Type == tree.File && !e.Hard {
			if err := r.content(&e, content); err != nil {
				return err
			}
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// content reads a file's content.
func (r *reader) content(e *tree.Entry, content io.Reader) (err error) {
	size := e.Size
	if r.o.Keep == nil || r.o.Keep(*e) {
		e.Content, e.Size, err = r.img.contents.add(content)
	} else {
		e.Content, e.Size, err = r.img.contents.hash(content)
	}
	if err == nil && e.Size != size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// checkOverlay refuses the marks by which Linux's overlayfs takes files away: to an
// engine that unpacks a layer onto one they mean more than the layer says.
func checkOverlay(e *tree.Entry) error {
	if e.Type == tree.CharDev && e.Major == 0 && e.Minor == 0 {
		return refused("it is the device 0,0, by which overlayfs takes a file away")
	}
	for name := range e.Xattrs { // any one is too much
		if strings.HasPrefix(name, "trusted.overlay.") || strings.HasPrefix(name, "user.overlay.") {
			return refused("its extended attribute %q is overlayfs's own", name)
		}
	}
	return nil
}

// stopping ends a long read where ctx does.
type stopping struct {
	ctx context.Context
	r   io.Reader
}

func (s *stopping) Read(p []byte) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
