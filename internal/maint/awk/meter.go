package awk

import "fmt"

// meter counts what a run uses. Memory is three sums, in bytes: what variables,
// elements, the record and buffers hold (stored), what the functions being run hold
// (frames), and the strings that the statement being run has made so far (fresh),
// which are let go with it. Each is added to before anything is allocated.
type meter struct {
	steps, pauseAt        int64
	stored, frames, fresh int64
	depth                 int
	printed               int64
}

// pauseEvery is after how many steps the context is looked at.
const pauseEvery = 1024

// gone is how many bytes gone through count as one step.
const gone = 64

// step counts one step.
func (in *interpreter) step() {
	if in.steps++; in.steps >= in.pauseAt {
		in.pause()
	}
}

func (in *interpreter) pause() {
	if in.steps > in.limits.Steps {
		in.stop(&LimitError{Steps, in.limits.Steps})
	}
	if err := in.expired(); err != nil {
		in.stop(err)
	}
	in.pauseAt = min(in.steps+pauseEvery, in.limits.Steps+1)
}

// spend counts bytes gone through.
func (in *interpreter) spend(bytes int) {
	if in.steps += int64(bytes) / gone; in.steps >= in.pauseAt {
		in.pause()
	}
}

// work counts what a search did: a step for each eight bytes and threads.
func (in *interpreter) work(n int) { in.spend(n * (gone / 8)) }

// hold adds to a sum of the meter, if that is within the limit.
func (in *interpreter) hold(sum *int64, bytes int) {
	if bytes > 0 && in.stored+in.frames+in.fresh+int64(bytes) > in.limits.Memory {
		in.stop(&LimitError{Memory, in.limits.Memory})
	}
	*sum += int64(bytes)
}

// reserve counts a string that is about to be made.
func (in *interpreter) reserve(bytes int) {
	in.hold(&in.fresh, bytes)
	in.spend(bytes)
}

// deeper counts one level more.
func (in *interpreter) deeper() {
	if in.depth++; in.depth > in.limits.Depth {
		in.stop(&LimitError{Depth, int64(in.limits.Depth)})
	}
}

func (in *interpreter) fail(format string, args ...any) {
	in.stop(&RuntimeError{fmt.Sprintf(format, args...)})
}
