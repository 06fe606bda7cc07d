package cli_test

import (
	"fmt"
	"testing"
	"time"

	"kiln"
	"kiln/internal/cli"
)

// What one event costs: a build of 300 cached packages sends about 700.
func BenchmarkEvent(b *testing.B) {
	sink := cli.NewSink()
	var subjects []string
	for i := range 300 {
		subjects = append(subjects, fmt.Sprintf("package-%d 1.0-1", i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sink(kiln.Event{Step: kiln.StepUnpack, State: kiln.State(i % 3), Subject: subjects[i/3%300], Done: int64(i % 3 * mega), Total: 2 * mega})
	}
}

// What one frame costs: there are ten in a second.
func BenchmarkFrame(b *testing.B) {
	d := cli.NewDisplay()
	everyStep(d)
	l := cli.Look(120, 40, true, true)
	b.ReportAllocs()
	for b.Loop() {
		d.Now = d.Now.Add(100 * time.Millisecond)
		if d.Draw(l) == "" {
			b.Fatal("nothing to draw")
		}
	}
}
