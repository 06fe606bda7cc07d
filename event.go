package kiln

import "sync"

// Event tells of one moment of a piece of work, such as the download of one
// file. A library sends events and never prints.
type Event struct {
	Step    Step
	State   State
	Subject string // what is worked on: "libc6 2.41-12", "layer base"
	Done    int64  // bytes so far, of a Progress event
	Total   int64  // bytes in all; 0 when not known
	Count   int    // of a Planned event: pieces of work
	Text    string // of a Note or Warning: one sentence; of Output: a line
}

// Step is a stage of the pipeline.
type Step string

// The steps, in pipeline order.
const (
	StepLock      Step = "lock"      // the state of an archive: its Release, its indexes
	StepIndex     Step = "index"     // reading what an index lists
	StepResolve   Step = "resolve"   // wants to an exact set, for one platform
	StepFetch     Step = "fetch"     // a package
	StepUnpack    Step = "unpack"    // a package
	StepConfigure Step = "configure" // a layer, by the scripts of its packages
	StepStage     Step = "stage"     // the commands of a stage
	StepAssemble  Step = "assemble"  // a layer, as a tree
	StepCheck     Step = "check"     // whether an image has what its files need, and no secret
	StepCompress  Step = "compress"  // a member of a layer
	StepHash      Step = "hash"      // a layer, uncompressed; what an image or a layer lists
	StepWrite     Step = "write"     // a layer to the store; an output
	StepVerify    Step = "verify"    // an object of the store
	StepPull      Step = "pull"      // a blob or a manifest, from a registry
	StepPush      Step = "push"      // a blob or a manifest, to a registry
)

// Steps lists them in pipeline order.
func Steps() []Step {
	return []Step{StepLock, StepIndex, StepResolve, StepFetch, StepUnpack, StepConfigure, StepStage, StepAssemble, StepCheck, StepCompress, StepHash, StepWrite, StepVerify, StepPull, StepPush}
}

// State says what happened.
type State int

// The states. Started is followed by Progress events and by one Finished, Cached
// or Failed; Cached comes without Started as well. Planned tells of work to come,
// over what was planned before: Count pieces with Total bytes together. Note and
// Warning stand alone. Output is a line that a command of the subject printed.
const (
	Started State = iota
	Progress
	Finished
	Cached
	Note
	Warning
	Planned
	Failed
	Output
)

// Sink receives events. It may be called from several goroutines at once.
// A nil Sink is valid and drops them: use Send.
type Sink func(Event)

// Send hands e to s, if there is one.
func (s Sink) Send(e Event) {
	if s != nil {
		s(e)
	}
}

// Plan tells of count pieces of work to come, with total bytes together (0 when
// not known).
func (s Sink) Plan(step Step, count int, total int64) {
	s.Send(Event{Step: step, State: Planned, Count: count, Total: total})
}

// Start tells that work on subject begins; total is its size in bytes, 0 when not
// known. The Job tells of the rest.
func (s Sink) Start(step Step, subject string, total int64) *Job {
	j := &Job{sink: s, event: Event{Step: step, State: Started, Subject: subject, Total: total}}
	s.Send(j.event)
	return j
}

// Job is a piece of work that was started. Its methods may be called from several
// goroutines. The first of Finish, Cached and Fail ends it, and those after it tell
// nothing. A nil Job is valid, and tells nothing at all.
type Job struct {
	sink Sink

	mu    sync.Mutex
	event Event // the last that was sent
	done  int64 // bytes
	ended bool
}

// jobGrain is how many bytes pass between two Progress events of a Job.
const jobGrain = 512 << 10

// Add tells that n further bytes are done.
func (j *Job) Add(n int64) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reach(j.done + n)
}

// Reach tells that n bytes are done. Less than before changes nothing.
func (j *Job) Reach(n int64) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reach(n)
}

func (j *Job) reach(n int64) {
	j.done = max(j.done, n)
	if j.done-j.event.Done >= jobGrain {
		j.event.State, j.event.Done = Progress, j.done
		j.sink.Send(j.event)
	}
}

// Finish tells that the work is done: all its bytes, where their number was known.
func (j *Job) Finish() { j.end(Finished, true) }

// Cached tells that the result was there, after all.
func (j *Job) Cached() { j.end(Cached, true) }

// Fail tells that nothing came of it.
func (j *Job) Fail() { j.end(Failed, false) }

// End is Finish, or Fail where there is an error, which it returns.
func (j *Job) End(err error) error {
	if err != nil {
		j.Fail()
		return err
	}
	j.Finish()
	return nil
}

func (j *Job) end(s State, whole bool) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return
	}
	j.ended = true
	j.event.State, j.event.Done = s, j.done
	if whole && j.event.Total > 0 {
		j.event.Done = j.event.Total
	}
	j.sink.Send(j.event)
}
