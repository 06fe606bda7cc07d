package resolve

// kept returns the pinned candidates that dependencies lead to from the roots,
// if they are an answer as they stand: then nothing is to be decided anew.
func (w *world) kept(roots []root) []int32 {
	if len(w.req.Pinned) == 0 || len(w.req.Update) > 0 {
		return nil
	}
	k := keeper{w: w, in: map[int32]bool{}}
	for _, r := range roots {
		if !k.enter(r.by) {
			return nil
		}
	}
	for i := 0; i < len(k.order); i++ {
		for _, n := range w.needs(k.order[i]) {
			if !k.enter(n.by) {
				return nil
			}
		}
	}
	for _, c := range k.order {
		for _, r := range w.rejections(c) {
			if k.in[r.other] {
				return nil
			}
		}
	}
	return k.order
}

type keeper struct {
	w     *world
	in    map[int32]bool
	order []int32
}

// enter takes those of the candidates that are pinned; it returns false where
// none is.
func (k *keeper) enter(by []int32) bool {
	found := false
	for _, c := range by {
		if !k.w.pinned(c) || !k.w.favourite(c) {
			continue
		}
		found = true
		if !k.in[c] {
			k.in[c] = true
			k.order = append(k.order, c)
		}
	}
	return found
}
