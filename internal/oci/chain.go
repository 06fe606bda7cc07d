package oci

import (
	"encoding/json"
	"slices"

	"kiln"
	"kiln/internal/store"
)

// chain is what is remembered of a layer's last build: its members, in order, and how
// far the digests of blob and tar were after some of them. Where a layer is built
// that begins with the same members, hashing goes on from there: of a layer one of
// whose packages changed, what stands before it is not hashed as part of the whole again.
type chain struct {
	Reason  kiln.Digest   `json:"reason"`          // LayerOptions.Reason
	Whole   []kiln.Digest `json:"whole,omitempty"` // reasons of other builds of the line whose layer the store has, the latest last
	Members []chained     `json:"members"`
	States  []waypoint    `json:"states"` // in order
}

// mostWhole is how many such reasons are remembered: of the states between which somebody goes
// back and forth.
const mostWhole = 16

// likelyWhole reports whether the layer made for that reason is likely there as a whole.
func (c *chain) likelyWhole(reason kiln.Digest) bool {
	return c.Reason == reason || slices.Contains(c.Whole, reason)
}

// noteWhole remembers that it is.
func (c *chain) noteWhole(reason kiln.Digest) {
	if reason == "" || c.likelyWhole(reason) {
		return
	}
	c.Whole = append(c.Whole, reason)
	c.Whole = c.Whole[max(0, len(c.Whole)-mostWhole):]
}

// chained is a member of a chain.
type chained struct {
	Name string      `json:"name"` // of the tree.Layer's member
	Key  kiln.Digest `json:"key"`  // of compressing it: says what its tar is
	Blob Member      `json:"blob"`
}

// waypoint is where the digests were after the first members of a chain.
type waypoint struct {
	After        int    `json:"after"` // members
	Blob         []byte `json:"blob"`  // kiln.Digester.State
	Tar          []byte `json:"tar"`
	Size         int64  `json:"size"`         // of the blob so far, in bytes
	Uncompressed int64  `json:"uncompressed"` // of the tar
}

// chainStep is how much a member and those before it hold, in bytes, for a waypoint
// behind them: what is less is soon hashed again.
const chainStep = 256 << 10

// chainKey is the key of the chain of the layers of a line: of one recipe's layer
// and platform, whose builds follow each other.
func chainKey(settings, line string) kiln.Digest {
	return kiln.DigestOf(appendFields(nil, "kiln layer chain", settings, line))
}

// lastChain returns what is remembered of the line; nothing where that is not known.
func lastChain(st *store.Store, key kiln.Digest) (c chain) {
	value, ok := st.Mark(key)
	if !ok || json.Unmarshal(value, &c) != nil {
		return chain{}
	}
	return c
}

// waypoint returns the last waypoint that the members pass as well, and whether there is one.
// The members' blobs count where they are known.
func (c *chain) waypoint(members []member) (waypoint, bool) {
	same := 0
	for same < min(len(members), len(c.Members)) {
		m, was := &members[same], c.Members[same]
		if m.key != was.Key || m.blob.Digest != "" && m.blob != was.Blob {
			break
		}
		same++
	}
	for _, w := range slices.Backward(c.States) {
		if w.After > 0 && w.After <= same {
			return w, true
		}
	}
	return waypoint{}, false
}

// stops are the numbers of members after which there are waypoints: none in a layer
// that belongs to no line.
func (b *builder) stops() map[int]bool {
	at := map[int]bool{}
	if b.line == "" {
		return at
	}
	var held int64
	for i := range b.members {
		if held += b.members[i].size(); held >= chainStep {
			at[i+1] = true
			held = 0
		}
	}
	return at
}

// running is a digest that is taken of one member after the other.
type running struct {
	sum    kiln.Digester
	n      int64
	states map[int]saved // by the number of members
}

type saved struct {
	state []byte
	n     int64
}

func newRunning() *running { return &running{sum: kiln.NewDigester(), states: map[int]saved{}} }

// Write implements io.Writer.
func (r *running) Write(b []byte) (int, error) {
	r.n += int64(len(b))
	return r.sum.Write(b)
}

// resume begins after what a waypoint stands for.
func (r *running) resume(state []byte, n int64) error {
	r.n = n
	return r.sum.Resume(state)
}

// pass saves where the digest is after so many members.
func (r *running) pass(members int) error {
	state, err := r.sum.State()
	r.states[members] = saved{state, r.n}
	return err
}

// spare ends what was begun for a layer that turned out to be there as a whole, and sees to it that
// the next build does not begin with that.
func (b *builder) spare() {
	if b.prejoined == nil {
		return
	}
	b.prejoined.Close()
	c := lastChain(b.store, b.line)
	c.noteWhole(b.reason)
	b.save(c)
}

func (b *builder) save(c chain) {
	if value, err := marshal(c); err == nil {
		_ = b.store.SetMark(b.line, value) // that it cannot be remembered costs the next build time
	}
}

// remember saves the chain of a layer that was built: its new waypoints, and those of
// the last build up to where it went on from that.
func (b *builder) remember(last chain, from waypoint, blob, tar *running) {
	if b.line == "" {
		return
	}
	c := chain{Reason: b.reason, Whole: slices.DeleteFunc(last.Whole, func(d kiln.Digest) bool { return d == b.reason })}
	c.noteWhole(last.Reason)
	for i := range b.members {
		if b.forget {
			break
		}
		c.Members = append(c.Members, chained{b.members[i].name, b.members[i].key, b.members[i].blob})
	}
	for _, w := range last.States {
		if w.After <= from.After && !b.forget {
			c.States = append(c.States, w)
		}
	}
	for i := range b.members {
		x, inBlob := blob.states[i+1]
		y, inTar := tar.states[i+1]
		if inBlob && inTar && i+1 > from.After && !b.forget {
			c.States = append(c.States, waypoint{i + 1, x.state, y.state, x.n, y.n})
		}
	}
	b.save(c)
}
