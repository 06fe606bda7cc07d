package kiln

import "errors"

// Code says whose move it is after an error. internal/cli maps each to an exit
// status in one table.
type Code string

// The codes.
const (
	User    Code = "user"    // something the user wrote or asked for cannot be
	Usage   Code = "usage"   // the command line itself is wrong
	Refused Code = "refused" // verification or policy said no
	Network Code = "network" // an archive, mirror or registry could not be reached or served nonsense
	Bug     Code = "bug"     // kiln is wrong
)

// Error is a problem as it reaches a person: what could not be done to what and
// why, and, on lines of their own, what to type next.
type Error struct {
	Code  Code
	Text  string   // one sentence: "cannot X the Y: cause"; may hold more lines of detail
	Hints []string // each one thing to do next
	Err   error    // the cause, for errors.Is and errors.As; its text is already in Text
}

func (e *Error) Error() string { return e.Text }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the outermost Error in err's chain, or User where
// there is none: an unclassified failure is most often of the surroundings.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) && e.Code != "" {
		return e.Code
	}
	return User
}

// HintsOf collects the hints of every Error in err's chain, outermost first.
func HintsOf(err error) []string {
	var hints []string
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			break
		}
		hints = append(hints, e.Hints...)
		err = e.Err
	}
	return hints
}
