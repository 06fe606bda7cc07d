package oci

import (
	"context"
	"sync"

	"kiln/internal/store"
	"kiln/internal/tree"
)

// Precompressor compresses members of layers that are still being made, one at a
// time, beside what else is going on. What it makes is what BuildLayer makes of
// them, and finds in the store.
type Precompressor struct {
	store *store.Store
	comp  Compression

	mu      sync.Mutex
	waiting []likelyMember
	ended   bool
	running bool
	idle    sync.WaitGroup
}

type likelyMember struct {
	ctx      context.Context // of its Add
	layer    string
	member   tree.Member
	contents tree.Contents
}

// NewPrecompressor returns one that is idle. It ends with Close.
func NewPrecompressor(st *store.Store, comp Compression) *Precompressor {
	return &Precompressor{store: st, comp: comp}
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
		for i := range b.members[:len(b.members)-1] {
			_ = b.compressOnce(next.ctx, &b.members[i]) // as above
		}
	}
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
