package oci

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Layer is a tree.Layer as a blob in the store.
type Layer struct {
	Name         string
	Digest       kiln.Digest // of the blob
	DiffID       kiln.Digest // of the tar in it
	Size         int64       // of the blob, in bytes
	Uncompressed int64       // size of the tar, in bytes
	MediaType    string
	Epoch        kiln.Epoch
	Entries      int
}

// built is what the store keeps of a layer under its action key.
type built struct {
	Digest       kiln.Digest `json:"digest"`
	DiffID       kiln.Digest `json:"diffID"`
	Size         int64       `json:"size"`
	Uncompressed int64       `json:"uncompressed"`
}

// BuildLayer writes l to the store, with file content out of c, which is used by
// several goroutines at once.
//
// The blob is a concatenation of gzip members, or zstd frames: one for each
// member of l that has entries, in order, after the first of them one for the
// whiteouts, if anything is removed, and one for the end of the tar. Each is
// compressed once, and kept; and so is the layer as a whole, so that building it
// again costs neither compression nor hashing. sink is told of all that.
func BuildLayer(ctx context.Context, st *store.Store, l tree.Layer, c tree.Contents, comp Compression, sink kiln.Sink) (Layer, error) {
	job := sink.Start(kiln.StepHash, "entries of layer "+l.Name, 0)
	b, err := newBuilder(st, l, c, comp)
	if job.End(err) != nil {
		return Layer{}, err
	}
	b.sink = sink
	got, ok := b.cached()
	if ok {
		sink.Send(kiln.Event{Step: kiln.StepWrite, State: kiln.Cached, Subject: b.subject(), Done: got.Size, Total: got.Size})
	} else {
		err = st.Once(ctx, b.key, func() error {
			if got, ok = b.cached(); ok { // another build made it meanwhile
				return nil
			}
			got, err = b.build(ctx)
			return err
		})
	}
	if err != nil {
		return Layer{}, fmt.Errorf("cannot write the layer %q: %w", l.Name, err)
	}
	return Layer{
		Name: l.Name, Digest: got.Digest, DiffID: got.DiffID, Size: got.Size, Uncompressed: got.Uncompressed,
		MediaType: comp.mediaType(), Epoch: l.Epoch, Entries: b.entries,
	}, nil
}

// builder makes one layer.
type builder struct {
	name     string // of the layer
	sink     kiln.Sink
	store    *store.Store
	contents tree.Contents
	comp     Compression
	key      kiln.Digest
	members  []member
	entries  int
}

func newBuilder(st *store.Store, l tree.Layer, c tree.Contents, comp Compression) (*builder, error) {
	settings, err := comp.settings()
	if err != nil {
		return nil, err
	}
	members, err := membersOf(l)
	if err != nil {
		return nil, err
	}
	b := &builder{name: l.Name, store: st, contents: c, comp: comp}
	var keys []kiln.Digest
	for _, m := range members {
		if len(m.Entries) == 0 { // an empty member is none: it must not show in the bytes
			continue
		}
		key := memberKey(settings, m.Entries)
		b.members = append(b.members, member{name: m.Name, entries: m.Entries, key: key})
		b.entries += len(m.Entries)
		keys = append(keys, key)
	}
	end := member{name: "end", key: memberKey(settings, nil)}
	b.members = append(b.members, end)
	b.key = layerKey(settings, append(keys, end.key))
	return b, nil
}

// subject names the layer in events.
func (b *builder) subject() string { return "layer " + b.name }

// cached returns what an earlier build gave, if its blob is still there.
func (b *builder) cached() (built, bool) {
	var got built
	value, ok := b.store.Result(b.key)
	if !ok || json.Unmarshal(value, &got) != nil {
		return built{}, false
	}
	size, err := b.store.Size(got.Digest)
	return got, err == nil && size == got.Size
}

// build compresses the members, and at the same time hashes the tar, which no
// member's digest can tell.
func (b *builder) build(ctx context.Context) (built, error) {
	var got built
	var total int64
	for i := range b.members {
		total += b.members[i].size()
	}
	b.sink.Plan(kiln.StepCompress, len(b.members), total)
	b.sink.Plan(kiln.StepHash, 1, total)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.compress(gctx) })
	g.Go(func() (err error) {
		job := b.sink.Start(kiln.StepHash, b.subject(), total)
		got.DiffID, got.Uncompressed, err = b.hashTar(gctx, job)
		return job.End(err)
	})
	if err := g.Wait(); err != nil {
		return got, err
	}
	job := b.sink.Start(kiln.StepWrite, b.subject(), 0)
	var err error
	got.Digest, got.Size, err = b.join(ctx, job)
	if job.End(err) != nil {
		return got, err
	}
	value, err := marshal(got)
	if err != nil {
		return got, err
	}
	return got, b.store.SetResult(b.key, value)
}

// hashTar returns the digest and size of the whole tar.
func (b *builder) hashTar(ctx context.Context, job *kiln.Job) (kiln.Digest, int64, error) {
	sum := kiln.NewDigester()
	n := &counter{w: told{sum, job}}
	for i := range b.members {
		if err := b.members[i].writeTar(ctx, n, b.contents); err != nil {
			return "", 0, err
		}
	}
	return sum.Digest(), n.n, nil
}

// join stores the compressed members as one blob.
func (b *builder) join(ctx context.Context, job *kiln.Job) (kiln.Digest, int64, error) {
	w, err := b.store.Create()
	if err != nil {
		return "", 0, err
	}
	defer w.Discard()
	for _, m := range b.members {
		if err := copyBlob(ctx, b.store, m.blob, told{w, job}); err != nil {
			return "", 0, err
		}
	}
	return w.Commit("")
}

// counter counts what is written through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
