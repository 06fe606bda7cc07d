package oci

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// member is one run of a layer's entries; without any, the end of the tar.
type member struct {
	name    string
	entries []tree.Entry
	part    memberPart
	key     kiln.Digest
	blob    Member // compressed; set by compress
}

// memberPart says what of its entries a member holds.
type memberPart int

// A member of a single large file is cut in two: what the tar says of the file,
// which may change with the layer, and its content, which then is compressed once.
const (
	wholePart memberPart = iota
	headPart
	bodyPart
)

// bodySize is how large such a file is at least, in bytes. It is part of the format.
const bodySize = 128 << 10

// cut makes what a layer's member is in the blob.
func cut(m tree.Member, settings string) []member {
	if len(m.Entries) == 1 {
		if e := &m.Entries[0]; e.Type == tree.File && !e.Hard && e.Size >= bodySize {
			return []member{
				{name: "head of " + m.Name, entries: m.Entries, part: headPart, key: headKey(settings, e)},
				{name: m.Name, entries: m.Entries, part: bodyPart, key: bodyKey(settings, e)},
			}
		}
	}
	return []member{{name: m.Name, entries: m.Entries, key: memberKey(settings, m.Entries)}}
}

// writeTar writes the member's share of the tar.
func (m *member) writeTar(ctx context.Context, w io.Writer, c tree.Contents) error {
	w = &ctxWriter{ctx, w}
	switch m.part {
	case headPart:
		return tree.WriteTarHead(w, m.entries[0])
	case bodyPart:
		return tree.WriteTarBody(w, m.entries[0], c)
	}
	tw := tree.NewTarWriter(w)
	if len(m.entries) == 0 {
		return tw.Close()
	}
	for i := range m.entries {
		if err := tw.Add(m.entries[i], c); err != nil {
			return err
		}
	}
	return nil
}

// size is about how much work the member is.
func (m *member) size() int64 {
	n := int64(len(m.entries)) * 512
	if m.part == headPart {
		return n
	}
	for i := range m.entries {
		n += m.entries[i].Size
	}
	return n
}

// compress brings every member's blob into the store, on all processors, the
// largest first.
func (b *builder) compress(ctx context.Context) error {
	var order []*member
	for i := range b.members {
		order = append(order, &b.members[i])
	}
	slices.SortStableFunc(order, func(x, y *member) int { return cmp.Compare(y.size(), x.size()) })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, m := range order {
		g.Go(func() error {
			if err := b.compressOnce(ctx, m); err != nil {
				return fmt.Errorf("member %q: %w", m.name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (b *builder) compressOnce(ctx context.Context, m *member) error {
	subject, size := m.name+" in "+b.subject(), m.size()
	if b.findMember(m) && b.ahead.told(m.key) {
		return nil
	}
	if m.blob.Digest != "" {
		b.sink.Send(kiln.Event{Step: kiln.StepCompress, State: kiln.Cached, Subject: subject, Done: size, Total: size})
		return nil
	}
	job := b.sink.Start(kiln.StepCompress, subject, size)
	return job.End(b.store.Once(ctx, m.key, func() (err error) {
		if b.findMember(m) { // another build did it meanwhile
			job.Cached()
			return nil
		}
		if m.blob, err = b.compressMember(ctx, m, job); err != nil {
			return err
		}
		value, err := marshal(m.blob)
		if err != nil {
			return err
		}
		return b.store.SetResult(m.key, value)
	}))
}

// findMember looks for the member among what earlier builds made.
func (b *builder) findMember(m *member) bool {
	var found Member
	value, ok := b.store.Result(m.key)
	if !ok || json.Unmarshal(value, &found) != nil || !HasMembers(b.store, []Member{found}) {
		return false
	}
	m.blob = found
	return true
}

func (b *builder) compressMember(ctx context.Context, m *member, job *kiln.Job) (Member, error) {
	w, err := b.store.Create()
	if err != nil {
		return Member{}, err
	}
	defer w.Discard()
	z, err := b.comp.writer(w)
	if err != nil {
		return Member{}, err
	}
	contents := tree.InSequence(b.contents)
	defer contents.Close()
	if err := m.writeTar(ctx, told{z, job}, contents); err != nil {
		return Member{}, err
	}
	if err := z.Close(); err != nil {
		return Member{}, err
	}
	d, size, err := w.Commit("")
	return Member{d, size}, err
}

// copySize is how much is copied at a time, in bytes.
const copySize = 128 << 10

// copyBuffers are for copying: a layer is a thousand blobs and more.
var copyBuffers = sync.Pool{New: func() any { return new([copySize]byte) }}

// copyBlob writes the blob d to w, verified.
func copyBlob(ctx context.Context, st *store.Store, d kiln.Digest, w io.Writer) error {
	r, _, err := st.Open(d)
	if err != nil {
		return err
	}
	defer r.Close()
	buf := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buf)
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, &ctxReader{ctx, r}, buf[:])
	return err
}

// ctxReader ends reading when ctx does. It lives no longer than one copy.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *ctxReader) Read(b []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// ctxWriter ends writing when ctx does. It lives no longer than one tar.
type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w *ctxWriter) Write(b []byte) (int, error) {
	if err := context.Cause(w.ctx); err != nil {
		return 0, err
	}
	return w.w.Write(b)
}
