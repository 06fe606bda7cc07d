package oci

import (
	"context"
	"sync/atomic"

	"kiln/internal/store"
)

// Prejoined is the beginning of a layer's blob, written to the disk before it is known what
// the layer holds: with the members of the last build of its line that the next one
// will most likely have as well. BuildLayer takes over what turns out to be right.
type Prejoined struct {
	likely []Member
	limit  atomic.Int64 // of members to write
	done   chan struct{}
	w      *store.SpoolWriter // nil when it was taken, or dropped
	copied int                // of likely
	err    error
}

// Prejoin begins to write the blob of the layer whose build o describes, with the members of the
// last build of its line, up to the first one that stays does not expect to stay. It
// returns nil where nothing is known of the line, or where that was built for the same
// reasons and is likely to be there as a whole. The caller gives it to BuildLayer in
// LayerOptions, and closes it.
func Prejoin(ctx context.Context, st *store.Store, o LayerOptions, stays func(member string) bool) *Prejoined {
	settings, err := o.Compression.settings()
	if err != nil || !o.Spool {
		return nil
	}
	last := lastChain(st, chainKey(settings, o.Line))
	if last.likelyWhole(o.Reason) {
		return nil
	}
	p := &Prejoined{done: make(chan struct{})}
	for i, m := range last.Members {
		if i > 0 && m.Name != whiteoutsMember && !stays(m.Name) {
			break
		}
		p.likely = append(p.likely, m.Blob)
	}
	if len(p.likely) < 2 {
		return nil
	}
	if p.w, err = st.CreateSpool(); err != nil {
		return nil // who needs a spool will say so
	}
	p.limit.Store(int64(len(p.likely)))
	go p.run(ctx, st)
	return p
}

func (p *Prejoined) run(ctx context.Context, st *store.Store) {
	defer close(p.done)
	for int64(p.copied) < p.limit.Load() {
		if p.err = copyBlob(ctx, st, p.likely[p.copied].Digest, p.w); p.err != nil {
			return
		}
		p.copied++
	}
}

// take waits until the members with which the layer does begin are written, and
// returns the spool that holds them and nothing else, with their number. It is nil where there is none.
func (p *Prejoined) take(members []member) (*store.SpoolWriter, int, error) {
	if p == nil || p.w == nil {
		return nil, 0, nil
	}
	same := 0
	for same < min(len(members), len(p.likely)) && members[same].blob == p.likely[same] {
		same++
	}
	p.limit.Store(int64(same))
	<-p.done
	w := p.w
	p.w = nil
	var size int64
	for _, m := range p.likely[:min(same, p.copied)] {
		size += m.Size
	}
	if p.err != nil || size == 0 { // of a damaged member, or a full disk, who joins the rest will hear again
		w.Discard()
		return nil, 0, nil
	}
	if err := w.Truncate(size); err != nil {
		w.Discard()
		return nil, 0, err
	}
	return w, min(same, p.copied), nil
}

// Close ends writing, and drops what nobody took.
func (p *Prejoined) Close() {
	if p == nil {
		return
	}
	p.limit.Store(0)
	<-p.done
	if p.w != nil {
		p.w.Discard()
		p.w = nil
	}
}
