package oci

import (
	"context"
	"sync"

	"kiln"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Precompressor compresses members of layers that are still being made, one at a
// time, beside what else is going on. What it makes is what BuildLayer makes of
// them, and finds in the store.
type Precompressor struct {
	store *store.Store
	comp  Compression
	sink  kiln.Sink

	mu      sync.Mutex
	waiting []likelyMember
	ended   bool
	running bool
	idle    sync.WaitGroup
	did     map[kiln.Digest]bool // keys of members that it compressed, and told of
}

type likelyMember struct {
	ctx      context.Context // of its Add
	layer    string
	member   tree.Member
	contents tree.Contents
}

// NewPrecompressor returns one that is idle. It ends with Close.
func NewPrecompressor(st *store.Store, comp Compression, sink kiln.Sink) *Precompressor {
	return &Precompressor{store: st, comp: comp, sink: sink, did: map[kiln.Digest]bool{}}
}

// Add has a member compressed that the layer will most likely have, behind those that
// were added before, unless Close comes first.
func (p *Precompressor) Add(ctx context.Context, layer string, m tree.Member, c tree.Contents) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.waiting = append(p.waiting, likelyMember{ctx, layer, m, c})
	if !p.running {
		p.running = true
		p.idle.Add(1)
		go p.run()
	}
}

func (p *Precompressor) run() {
	defer p.idle.Done()
	for {
		p.mu.Lock()
		if len(p.waiting) == 0 || p.ended {
			p.running = false
			p.mu.Unlock()
			return
		}
		next := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.mu.Unlock()
		b, err := newBuilder(p.store, tree.Layer{Name: next.layer, Members: []tree.Member{next.member}}, next.contents, p.comp)
		if err != nil {
			continue // who builds the layer hears of it
		}
		b.sink = p.sink
		for i := range b.members[:len(b.members)-1] {
			if m := &b.members[i]; !b.findMember(m) && b.compressOnce(next.ctx, m) == nil { // an error as above
				p.mu.Lock()
				p.did[m.key] = true
				p.mu.Unlock()
			}
		}
	}
}

// told reports whether the member was compressed here, and that was told.
func (p *Precompressor) told(key kiln.Digest) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.did[key]
}

// Stop ends what was not begun. What was begun goes on; Close waits for it.
func (p *Precompressor) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.waiting = true, nil
}

// Close is Stop, and waits until nothing is going on.
func (p *Precompressor) Close() {
	p.Stop()
	p.idle.Wait()
}
