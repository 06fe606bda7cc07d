package rootfs

import (
	"fmt"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/store"
)

// memo is the command.Memo of one assembly: each content is a blob of the store, the
// result of an action that has the build of kiln in its key, too.
type memo struct {
	store *store.Store
	build string
	sizes map[kiln.Digest]int64 // of what was recalled or kept, in bytes
}

// memo returns nil where nothing is to be kept.
func (a *assembly) memo() command.Memo {
	if a.in.Build == "" {
		return nil
	}
	return a.compiled
}

func (m *memo) key(key kiln.Digest) kiln.Digest {
	return kiln.DigestOf(fmt.Appendf(nil, "kiln compiled %s\n%s\n", m.build, key))
}

// Recall implements command.Memo.
func (m *memo) Recall(key kiln.Digest) (content kiln.Digest, size int64, ok bool) {
	value, ok := m.store.Result(m.key(key))
	if !ok {
		return "", 0, false
	}
	d := &decoder{b: value}
	content, size = d.digest(), d.num()
	if d.err != nil || len(d.b) > 0 || !m.know(content, size) {
		return "", 0, false
	}
	return content, size, true
}

// know reports whether the store has a content that was kept.
func (m *memo) know(content kiln.Digest, size int64) bool {
	if has, err := m.store.Size(content); err != nil || has != size {
		return false
	}
	m.sizes[content] = size
	return true
}

// Keep implements command.Memo.
func (m *memo) Keep(key kiln.Digest, content []byte) (kiln.Digest, error) {
	w, err := m.store.Create()
	if err != nil {
		return "", err
	}
	defer w.Discard()
	if _, err := w.Write(content); err != nil {
		return "", err
	}
	digest, size, err := w.Commit("")
	if err != nil {
		return "", err
	}
	m.sizes[digest] = size
	e := &encoder{}
	e.digest(digest)
	e.num(size)
	return digest, m.store.SetResult(m.key(key), e.b)
}
