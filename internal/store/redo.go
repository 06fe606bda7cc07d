package store

import (
	"fmt"
	"sync"

	"kiln"
)

// redo is what a store remembers that distrusts its results.
type redo struct {
	mu   sync.Mutex
	made map[kiln.Digest]bool // results saved since
}

// Redo makes the store distrust its results: from now on, each is a miss until
// it is saved anew, and saving another value than the one that is there is an
// error. So every step is done again and compared with what was kept of it.
func (s *Store) Redo() {
	s.redo.mu.Lock()
	defer s.redo.mu.Unlock()
	if s.redo.made == nil {
		s.redo.made = map[kiln.Digest]bool{}
	}
}

// distrusts reports whether the result of key is not to be taken.
func (s *Store) distrusts(key kiln.Digest) bool {
	s.redo.mu.Lock()
	defer s.redo.mu.Unlock()
	return s.redo.made != nil && !s.redo.made[key]
}

// compare compares what doing a step again gave with what is kept.
func (s *Store) compare(key kiln.Digest, value []byte) error {
	if !s.distrusts(key) {
		return nil
	}
	if kept, ok := s.Kept(key); ok && string(kept) != string(value) {
		return &kiln.Error{
			Code:  kiln.Refused,
			Text:  fmt.Sprintf("the store keeps another result under the key %s than doing the step again gives", key),
			Hints: []string{"report it: the same step must give the same result", "to go on without what is kept: kiln store gc --unused-for 0, or --store with an empty folder"},
		}
	}
	s.redo.mu.Lock()
	defer s.redo.mu.Unlock()
	s.redo.made[key] = true
	return nil
}
