package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"kiln"
	"kiln/internal/durable"
)

// traceEvent is one event of a trace in the JSON array form of the Trace Event
// Format, which Perfetto and chrome://tracing read. Times are in microseconds since
// the beginning of the run.
type traceEvent struct {
	Name     string     `json:"name"`
	Category string     `json:"cat,omitempty"`
	Phase    string     `json:"ph"` // X: a piece of work; i: a moment; M: about the process or a lane
	Time     int64      `json:"ts"`
	Duration *int64     `json:"dur,omitempty"` // of X
	Process  int        `json:"pid"`
	Lane     int        `json:"tid"`
	Scope    string     `json:"s,omitempty"` // of i: t, this lane
	Args     *traceArgs `json:"args,omitempty"`
}

type traceArgs struct {
	Name  string `json:"name,omitempty"`  // of M
	Bytes int64  `json:"bytes,omitempty"` // worked on
	State string `json:"state,omitempty"` // where it is not that it was done: cached, failed, unfinished
	Text  string `json:"text,omitempty"`
}

// traceOf renders the work of a run, which is called name, as of now. Lane 0 is the
// run as a whole; pieces of work that overlap stand in different ones of the others,
// each in the first that is free.
func traceOf(w *work, name string, now time.Time) []traceEvent {
	at := func(t time.Time) int64 { return max(t.Sub(w.begin).Microseconds(), 0) }
	list := []traceEvent{
		{Name: "process_name", Phase: "M", Process: 1, Args: &traceArgs{Name: "kiln"}},
		{Name: "thread_name", Phase: "M", Process: 1, Args: &traceArgs{Name: "run"}},
	}
	whole := at(now)
	events := []traceEvent{{Name: name, Category: "run", Phase: "X", Duration: &whole, Process: 1}}
	spans := w.all(now)
	lanes, n := lanesOf(spans)
	for i := range n {
		list = append(list, traceEvent{Name: "thread_name", Phase: "M", Process: 1, Lane: i + 1, Args: &traceArgs{Name: fmt.Sprintf("work %d", i+1)}})
	}
	for i, s := range spans {
		took := at(s.end) - at(s.begin)
		events = append(events, traceEvent{
			Name: nonEmpty(s.subject, string(s.step)), Category: string(s.step), Phase: "X", Time: at(s.begin), Duration: &took,
			Process: 1, Lane: lanes[i] + 1, Args: &traceArgs{Bytes: s.bytes, State: stateName(s.state)},
		})
	}
	for _, m := range w.marks {
		events = append(events, traceEvent{
			Name: nonEmpty(m.event.Subject, stateName(m.event.State)), Category: string(m.event.Step), Phase: "i", Time: at(m.at),
			Process: 1, Scope: "t", Args: &traceArgs{Bytes: m.event.Done, State: stateName(m.event.State), Text: m.event.Text},
		})
	}
	return append(list, events...)
}

// lanesOf gives each span, which come by their beginnings, the first lane that is
// free when it begins, and counts the lanes.
func lanesOf(spans []span) (lanes []int, n int) {
	var ends []time.Time
	for _, s := range spans {
		lane := 0
		for lane < len(ends) && ends[lane].After(s.begin) {
			lane++
		}
		if lane == len(ends) {
			ends = append(ends, s.end)
		}
		ends[lane] = s.end
		lanes = append(lanes, lane)
	}
	return lanes, len(ends)
}

func stateName(s kiln.State) string {
	switch s {
	case kiln.Cached:
		return "cached"
	case kiln.Failed:
		return "failed"
	case kiln.Note:
		return "note"
	case kiln.Warning:
		return "warning"
	case kiln.Finished:
		return ""
	}
	return "unfinished"
}

func nonEmpty(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// encodeTrace writes the events as JSON, one on a line.
func encodeTrace(out io.Writer, events []traceEvent) error {
	var b bytes.Buffer
	for i, e := range events {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		b.WriteString(map[bool]string{true: "[\n", false: ",\n"}[i == 0])
		b.Write(text)
	}
	b.WriteString("\n]\n")
	_, err := out.Write(b.Bytes())
	return err
}

// checkTracePlace refuses a file that could not be written when the run is over.
func checkTracePlace(path string) error {
	info, err := os.Stat(filepath.Dir(path))
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%q is no folder", filepath.Dir(path))
	}
	if err == nil {
		if info, e := os.Stat(path); e == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("something that is not a file is there")
		}
	}
	if err != nil {
		return traceError(path, err)
	}
	return nil
}

func traceError(path string, err error) error {
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot write the trace %q: %v", path, err),
		Hints: []string{"--trace trace.json"},
		Err:   err,
	}
}

// saveTrace writes the trace of a run.
func saveTrace(path string, events []traceEvent) error {
	err := durable.WriteFile(path, 0o644, func(out io.Writer) error { return encodeTrace(out, events) })
	if err != nil {
		return traceError(path, err)
	}
	return nil
}
