package rootfs

import (
	"context"
	"maps"

	"kiln"
	"kiln/internal/maint"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// recall returns the tree that the layer came to when it was configured before,
// and takes over all else that this gave; false where the store does not know it.
func (a *assembly) recall(l *layer, key kiln.Digest, before *tree.Tree) (*tree.Tree, bool) {
	value, ok := a.store.Result(key)
	if !ok {
		return nil, false
	}
	d := &decoder{b: value}
	looked := d.list()
	if d.err != nil {
		return nil, false
	}
	full := a.contentKey(l, key, looked)
	if value, ok = a.store.Result(full); !ok {
		return nil, false
	}
	d = &decoder{b: value}
	c := decodeConfigured(d)
	if d.err != nil || !a.knowPieces(d) || len(d.b) > 0 {
		return nil, false
	}
	after := a.plainTree(l, before, c.owners)
	if c.apply(after) != nil {
		return nil, false
	}
	a.below = full
	a.report.runs = append(a.report.runs, c.runs...)
	a.report.notes = append(a.report.notes, c.notes...)
	a.report.accounts = append(a.report.accounts, c.accounts...)
	return after, true
}

// remember returns what keeps in the store what configuring the layer gave; it needs
// nothing that this assembly still changes. plain is shippedTree's. What unpacking and the difference do
// not lead to exactly is not kept.
func (a *assembly) remember(l *layer, key kiln.Digest, plain *tree.Tree, res *maint.Result) (save func() error) {
	c := &configured{runs: res.Runs, notes: res.Notes, accounts: res.Accounts}
	for _, p := range l.made {
		if p.owner != "" {
			c.owners = append(c.owners, owned{p.entry.Path, p.entry.UID, p.entry.GID})
		}
	}
	a.below = a.contentKey(l, key, l.looked)
	full, made, known := a.below, l.recipeEntries(), a.knownPieces()
	list := &encoder{}
	list.list(l.looked)
	res.Tree.Settle() // so that others may read it meanwhile
	return func() error {
		l.putPlainly(plain, made)
		c.changed, c.removed = difference(plain, res.Tree)
		if err := c.apply(plain); err != nil || !equalTrees(plain, res.Tree) {
			return nil
		}
		e := &encoder{}
		c.encode(e)
		if err := known.piecesOf(c).keep(e, a.store); err != nil {
			return err
		}
		if err := a.store.SetResult(full, e.b); err != nil {
			return err
		}
		return a.store.SetResult(key, list.b)
	}
}

// pieces are the contents that scripts wrote, and those that were compiled, which are
// blobs already.
type pieces struct {
	digests  []kiln.Digest
	contents [][]byte
	compiled []kiln.Digest
	sizes    []int64 // of compiled
}

// knownPieces are all contents that scripts wrote so far, and the sizes of those that were compiled.
type knownPieces struct {
	made  map[kiln.Digest][]byte
	sizes map[kiln.Digest]int64
}

func (a *assembly) knownPieces() knownPieces {
	return knownPieces{maps.Clone(a.contents.made), maps.Clone(a.compiled.sizes)}
}

func (k knownPieces) piecesOf(c *configured) *pieces {
	p := &pieces{}
	seen := map[kiln.Digest]bool{}
	for i := range c.changed {
		d := c.changed[i].Content
		content, made := k.made[d]
		if size, known := k.sizes[d]; known && !made && !seen[d] {
			seen[d] = true
			p.compiled, p.sizes = append(p.compiled, d), append(p.sizes, size)
		}
		if !made || seen[d] {
			continue
		}
		seen[d] = true
		p.digests, p.contents = append(p.digests, d), append(p.contents, content)
	}
	return p
}

// keep puts what scripts wrote into one blob, and where each piece stands into e.
func (p *pieces) keep(e *encoder, st *store.Store) error {
	w, err := st.Create()
	if err != nil {
		return err
	}
	defer w.Discard()
	for _, content := range p.contents {
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	blob, _, err := w.Commit("")
	if err != nil {
		return err
	}
	e.digest(blob)
	e.num(int64(len(p.digests)))
	for i := range p.digests {
		e.digest(p.digests[i])
		e.num(int64(len(p.contents[i])))
	}
	e.num(int64(len(p.compiled)))
	for i, d := range p.compiled {
		e.digest(d)
		e.num(p.sizes[i])
	}
	return nil
}

// knowPieces reads what pieces.keep wrote.
func (a *assembly) knowPieces(d *decoder) bool {
	blob := d.digest()
	pieces := map[kiln.Digest]piece{}
	offset := int64(0)
	for range d.count() {
		digest, size := d.digest(), d.num()
		pieces[digest] = piece{blob: blob, offset: offset, size: size}
		offset += size
	}
	for range d.count() {
		if content, size := d.digest(), d.num(); d.err != nil || !a.compiled.know(content, size) {
			return false
		}
	}
	if size, err := a.store.Size(blob); d.err != nil || err != nil || size != offset {
		return false
	}
	for digest, p := range pieces { // a set
		if _, known := a.contents.pieces[digest]; !known {
			a.contents.pieces[digest] = p
		}
	}
	return true
}

// configureOnce configures the layer, or takes what configuring it gave before.
func (a *assembly) configureOnce(ctx context.Context, l *layer, before *tree.Tree) (*tree.Tree, kiln.State, error) {
	if a.in.Build == "" || l.index > 0 && a.below == "" {
		a.below = ""
		res, err := a.install(ctx, l, before)
		if err != nil {
			return nil, 0, err
		}
		return res.Tree, kiln.Finished, nil
	}
	key := a.configureKey(l, a.below, before)
	after, ok := a.recall(l, key, before)
	if ok {
		return after, kiln.Cached, nil
	}
	ready := make(chan configuring, 2)
	a.saving.Go(func() error {
		err := a.store.Once(ctx, key, func() error {
			if after, ok := a.recall(l, key, before); ok { // another build did it meanwhile
				ready <- configuring{after, kiln.Cached, nil}
				return nil
			}
			before.Settle() // so that two may read it
			plain := make(chan *tree.Tree, 1)
			a.saving.Go(func() error {
				plain <- a.shippedTree(l, before)
				return nil
			})
			res, err := a.install(ctx, l, before)
			if err != nil {
				return err
			}
			save := a.remember(l, key, <-plain, res)
			ready <- configuring{res.Tree, kiln.Finished, nil}
			return save() // while others wait for it, this build goes on
		})
		ready <- configuring{err: err} // nobody hears it where there is a tree
		return err
	})
	c := <-ready
	return c.after, c.state, c.err
}

// configuring is what came of configuring a layer.
type configuring struct {
	after *tree.Tree
	state kiln.State
	err   error
}
