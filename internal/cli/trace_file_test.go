package cli_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kiln"
	"kiln/internal/cli"
)

// traced is an event of a trace as a viewer reads it.
type traced struct {
	Name string         `json:"name"`
	Cat  string         `json:"cat"`
	Ph   string         `json:"ph"`
	TS   *float64       `json:"ts"`
	Dur  *float64       `json:"dur"`
	PID  *int           `json:"pid"`
	TID  *int           `json:"tid"`
	S    string         `json:"s"`
	Args map[string]any `json:"args"`
}

// traceProblems checks what the Trace Event Format and its viewers want: complete
// events with time and duration, within the run; within a lane one after the other;
// every lane named.
func traceProblems(text string) (events []traced, problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if err := json.Unmarshal([]byte(text), &events); err != nil {
		return nil, []string{err.Error()}
	}
	named, used := map[int]bool{}, map[int]bool{}
	ends := map[int]float64{} // of the last piece, by lane
	run := -1.0
	for _, e := range events {
		if e.Name == "" || e.TS == nil || *e.TS < 0 || e.PID == nil || *e.PID != 1 || e.TID == nil {
			bad("not whole: %+v", e)
			continue
		}
		switch e.Ph {
		case "M":
			if e.Name == "thread_name" {
				named[*e.TID] = true
			}
			if name, ok := e.Args["name"].(string); !ok || name == "" {
				bad("no name: %+v", e)
			}
			continue
		case "i":
			if e.S != "t" || e.Dur != nil || *e.TS > run {
				bad("a moment: %+v", e)
			}
		case "X":
			if e.Dur == nil || *e.Dur < 0 {
				bad("no duration: %+v", e)
				continue
			}
			if run < 0 { // the first one is the run
				run = *e.Dur
				if *e.TID != 0 || *e.TS != 0 {
					bad("the run: %+v", e)
				}
				continue
			}
			if *e.TID == 0 || *e.TS+*e.Dur > run {
				bad("not within the run of %v: %+v", run, e)
			}
			if *e.TS < ends[*e.TID] {
				bad("overlaps the one before in its lane: %+v", e)
			}
			ends[*e.TID] = *e.TS + *e.Dur
		default:
			bad("phase %q", e.Ph)
		}
		used[*e.TID] = true
	}
	for lane := range used {
		if !named[lane] {
			bad("lane %d has no name", lane)
		}
	}
	return events, problems
}

// Two downloads at once stand in two lanes, and what follows in the first.
func TestTrace(t *testing.T) {
	d := cli.NewDisplay()
	told(d, 5, kiln.StepFetch, kiln.Cached, "there 1", 7, 7)
	told(d, 5, kiln.StepFetch, kiln.Started, "a 1", 0, mega)
	told(d, 10, kiln.StepFetch, kiln.Started, "b 1", 0, mega)
	d.See(0, kiln.Event{Step: kiln.StepFetch, State: kiln.Warning, Text: "careful"})
	told(d, 10, kiln.StepFetch, kiln.Finished, "a 1", mega, mega)
	told(d, 10, kiln.StepFetch, kiln.Failed, "b 1", 12, mega)
	told(d, 10, kiln.StepUnpack, kiln.Started, "a 1", 0, mega)
	d.Now = d.Now.Add(1500)
	events, problems := traceProblems(d.Trace("kiln build web"))
	if problems != nil {
		t.Fatal(problems)
	}
	var got []string
	for _, e := range events {
		line := fmt.Sprintf("%s %s/%s lane %d at %v", e.Ph, e.Cat, e.Name, *e.TID, *e.TS)
		if e.Dur != nil {
			line += fmt.Sprint(" for ", *e.Dur)
		}
		got = append(got, line+fmt.Sprint(" ", e.Args))
	}
	want := []string{
		"M /process_name lane 0 at 0 map[name:kiln]", "M /thread_name lane 0 at 0 map[name:run]",
		"M /thread_name lane 1 at 0 map[name:work 1]", "M /thread_name lane 2 at 0 map[name:work 2]",
		"X run/kiln build web lane 0 at 0 for 50001 map[]",
		"X fetch/a 1 lane 1 at 10000 for 20000 map[bytes:1e+06]",
		"X fetch/b 1 lane 2 at 20000 for 20000 map[bytes:12 state:failed]",
		"X unpack/a 1 lane 1 at 50000 for 1 map[state:unfinished]",
		"i fetch/there 1 lane 0 at 5000 map[bytes:7 state:cached]",
		"i fetch/warning lane 0 at 20000 map[state:warning text:careful]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}

// Whatever the events are, also ones that fit nothing, the trace is sound, has every
// piece of work once, and needs as many lanes as there was work at once.
func TestTraceOfAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := cli.NewDisplay()
		all := kiln.Steps()
		open, most, begun := map[string]int{}, 0, 0
		for range rapid.IntRange(0, 80).Draw(rt, "events") {
			step := all[rapid.IntRange(0, 3).Draw(rt, "step")]
			subject := fmt.Sprint("p", rapid.IntRange(0, 5).Draw(rt, "subject"))
			state := kiln.State(rapid.IntRange(int(kiln.Started), int(kiln.Failed)).Draw(rt, "state"))
			key := string(step) + subject
			switch {
			case state == kiln.Started:
				open[key]++
				begun++
			case open[key] > 0 && (state == kiln.Finished || state == kiln.Cached || state == kiln.Failed):
				open[key]--
			}
			now := 0
			for _, n := range open {
				now += n
			}
			most = max(most, now)
			d.See(time.Millisecond, kiln.Event{Step: step, State: state, Subject: subject, Text: "text"})
		}
		d.Now = d.Now.Add(time.Millisecond)
		events, problems := traceProblems(d.Trace("run"))
		if problems != nil {
			rt.Fatal(problems)
		}
		lanes, pieces := 0, -1 // but the run
		for _, e := range events {
			lanes = max(lanes, *e.TID)
			if e.Ph == "X" {
				pieces++
			}
		}
		if pieces != begun || lanes != most {
			rt.Fatalf("%d pieces in %d lanes, want %d in %d", pieces, lanes, begun, most)
		}
	})
}
