package oci

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Layer is a tree.Layer as a blob. The store holds its members, of which the blob is
// made whenever it is written somewhere.
type Layer struct {
	Name         string
	Digest       kiln.Digest // of the blob
	DiffID       kiln.Digest // of the tar in it
	Size         int64       // of the blob, in bytes
	Uncompressed int64       // size of the tar, in bytes
	MediaType    string
	Epoch        kiln.Epoch
	Entries      int
	Members      []Member // in order; together they are the blob

	spool *store.Spool // the blob, on its way to an output; nil where there is none
}

// Member is a compressed member of a layer, a blob of the store.
type Member struct {
	Digest kiln.Digest `json:"digest"`
	Size   int64       `json:"size"` // bytes
}

// Close drops what was written of the layer and went into no output.
func (l *Layer) Close() { l.spool.Discard() }

// built is what the store keeps of a layer under its action key.
type built struct {
	Digest       kiln.Digest `json:"digest"`
	DiffID       kiln.Digest `json:"diffID"`
	Size         int64       `json:"size"`
	Uncompressed int64       `json:"uncompressed"`
	Members      []Member    `json:"members"`

	spool *store.Spool
}

// LayerOptions say how a layer is built.
type LayerOptions struct {
	Compression Compression
	Line        string         // what builds of this layer have in common, such as recipe, layer and platform: the next one goes on from what this one hashed; empty: it does not
	Reason      kiln.Digest    // of what the caller makes the layer of: where it is that of the line's last build, the layer is likely the same
	Ahead       *Precompressor // which compressed members of the layer before; may be nil
	Prejoined   *Prejoined     // of the same options; may be nil
	Spool       bool           // where the blob has to be joined, write it to the disk: a WriteLayout follows, and then Layer.Close
	Sink        kiln.Sink
}

// BuildLayer writes l to the store, with file content out of c, which is used by
// several goroutines at once.
//
// The blob is a concatenation of gzip members, or zstd frames: one for each
// member of l that has entries, in order, after the first of them one for the
// whiteouts, if anything is removed, and one for the end of the tar. Each is
// compressed once, and kept; and so is what the layer as a whole comes to, so that
// building it again costs neither compression nor hashing. o.Sink is told of all that.
func BuildLayer(ctx context.Context, st *store.Store, l tree.Layer, c tree.Contents, o LayerOptions) (Layer, error) {
	comp, sink := o.Compression, o.Sink
	job := sink.Start(kiln.StepHash, "entries of layer "+l.Name, 0)
	b, err := newBuilder(st, l, c, comp)
	if job.End(err) != nil {
		return Layer{}, err
	}
	b.sink, b.spool, b.ahead = sink, o.Spool, o.Ahead
	if o.Line != "" {
		b.line, b.reason, b.prejoined = chainKey(b.settings, o.Line), o.Reason, o.Prejoined
	}
	got, ok := b.cached()
	if ok {
		b.spare()
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
		MediaType: comp.mediaType(), Epoch: l.Epoch, Entries: b.entries, Members: got.Members, spool: got.spool,
	}, nil
}

// builder makes one layer.
type builder struct {
	name      string // of the layer
	sink      kiln.Sink
	store     *store.Store
	contents  tree.Contents
	comp      Compression
	spool     bool
	ahead     *Precompressor
	settings  string
	key       kiln.Digest
	line      kiln.Digest // key of the layer's chain; may be empty
	reason    kiln.Digest
	prejoined *Prejoined
	forget    bool // that chain, which is not of these members
	members   []member
	entries   int
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
	members = slices.DeleteFunc(slices.Clone(members), func(m tree.Member) bool {
		return len(m.Entries) == 0 // it must not show in the bytes
	})
	parts := make([][]member, len(members))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range members {
		group.Go(func() error {
			parts[i] = cut(members[i], settings)
			return nil
		})
	}
	_ = group.Wait() // nothing that fails
	b := &builder{name: l.Name, store: st, contents: c, comp: comp, settings: settings}
	var keys []kiln.Digest
	for i := range members {
		for _, part := range parts[i] {
			b.members = append(b.members, part)
			keys = append(keys, part.key)
		}
		b.entries += len(members[i].Entries)
	}
	end := member{name: "end", key: memberKey(settings, nil)}
	b.members = append(b.members, end)
	b.key = layerKey(settings, append(keys, end.key))
	return b, nil
}

// subject names the layer in events.
func (b *builder) subject() string { return "layer " + b.name }

// cached returns what an earlier build gave, if all its members are still there.
func (b *builder) cached() (built, bool) {
	var got built
	value, ok := b.store.Result(b.key)
	if !ok || json.Unmarshal(value, &got) != nil {
		return built{}, false
	}
	return got, HasMembers(b.store, got.Members)
}

// HasMembers reports whether the store has the members of a layer.
func HasMembers(st *store.Store, members []Member) bool {
	for _, m := range members {
		if size, err := st.Size(m.Digest); err != nil || size != m.Size {
			return false
		}
	}
	return len(members) > 0
}

// build compresses the members, and at the same time hashes the tar, which no
// member's digest can tell. Both digests go on from where the last build of the same
// line was behind the members that the two have in common.
func (b *builder) build(ctx context.Context) (built, error) {
	var got built
	var total int64
	for i := range b.members {
		total += b.members[i].size()
	}
	b.sink.Plan(kiln.StepCompress, len(b.members), total)
	b.sink.Plan(kiln.StepHash, 1, total)
	var last chain
	if b.line != "" {
		last = lastChain(b.store, b.line)
	}
	from, _ := last.waypoint(b.members)
	blob, tar := newRunning(), newRunning()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if err := b.compress(gctx); err != nil {
			return err
		}
		for i := range b.members {
			got.Members = append(got.Members, b.members[i].blob)
		}
		job := b.sink.Start(kiln.StepWrite, b.subject(), 0)
		got.spool, err = b.join(gctx, blob, last, from, job)
		got.Digest, got.Size = blob.sum.Digest(), blob.n
		return job.End(err)
	})
	g.Go(func() (err error) {
		job := b.sink.Start(kiln.StepHash, b.subject(), total)
		err = b.hashTar(gctx, tar, from, job)
		got.DiffID, got.Uncompressed = tar.sum.Digest(), tar.n
		return job.End(err)
	})
	err := g.Wait()
	if err == nil {
		err = b.keep(got)
	}
	if err != nil {
		got.spool.Discard()
		return got, err
	}
	b.remember(last, from, blob, tar)
	return got, nil
}

// keep saves what the layer came to.
func (b *builder) keep(got built) error {
	value, err := marshal(got)
	if err != nil {
		return err
	}
	return b.store.SetResult(b.key, value)
}

// hashTar hashes the whole tar, from a waypoint on.
func (b *builder) hashTar(ctx context.Context, tar *running, from waypoint, job *kiln.Job) error {
	if from.After > 0 {
		if err := tar.resume(from.Tar, from.Uncompressed); err != nil {
			return err
		}
		job.Add(from.Uncompressed)
	}
	hashed := newAside(told{tar, job})
	defer hashed.Close()
	contents := tree.InSequence(b.contents)
	defer contents.Close()
	at := b.stops()
	for i := from.After; i < len(b.members); i++ {
		if err := b.members[i].writeTar(ctx, hashed, contents); err != nil {
			return err
		}
		if at[i+1] {
			hashed.Then(func() error { return tar.pass(i + 1) })
		}
	}
	return hashed.Close()
}
