package kiln

// Event tells of one moment of a piece of work, such as the download of one
// file. A library sends events and never prints.
type Event struct {
	Step    Step
	State   State
	Subject string // what is worked on: "libc6 2.41-12", "layer base"
	Done    int64  // bytes so far, of a Progress event
	Total   int64  // bytes in all; 0 when not known
	Text    string // of a Note or Warning: one sentence
}

// Step is a stage of the pipeline.
type Step string

// The steps, in pipeline order.
const (
	StepLock      Step = "lock"
	StepFetch     Step = "fetch"
	StepUnpack    Step = "unpack"
	StepConfigure Step = "configure"
	StepAssemble  Step = "assemble"
	StepWrite     Step = "write"
)

// State says what happened.
type State int

// The states. Started is followed by Progress events and by one Finished or
// Cached; Note and Warning stand alone.
const (
	Started State = iota
	Progress
	Finished
	Cached
	Note
	Warning
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
