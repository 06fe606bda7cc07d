package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/cli"
)

// did sends the beginning and the end of a piece of work.
func did(d *cli.Display, ms int, step kiln.Step, subject string, bytes int64) {
	told(d, 0, step, kiln.Started, subject, 0, bytes)
	told(d, ms, step, kiln.Finished, subject, bytes, bytes)
}

// firstBuild is a whole build of two platforms: a locked package that no index lists
// is fetched while the lock is made.
func firstBuild(d *cli.Display) {
	did(d, 130, kiln.StepLock, "debian/trixie", 0)
	for _, arch := range []string{"amd64", "arm64"} {
		did(d, 100, kiln.StepLock, "debian/trixie main/binary-"+arch+"/Packages.xz", 9_700_000)
		did(d, 900, kiln.StepIndex, "debian/trixie main/binary-"+arch+"/Packages.xz", 9_700_000)
	}
	planned(d, kiln.StepFetch, 1, mega)
	did(d, 50, kiln.StepFetch, "old 1", mega)
	told(d, 0, kiln.StepResolve, kiln.Started, "linux/amd64", 0, 0)
	told(d, 0, kiln.StepResolve, kiln.Started, "linux/arm64", 0, 0)
	told(d, 40, kiln.StepResolve, kiln.Finished, "linux/amd64", 0, 0)
	told(d, 40, kiln.StepResolve, kiln.Finished, "linux/arm64", 0, 0)
	planned(d, kiln.StepUnpack, 4, 80*mega)
	planned(d, kiln.StepConfigure, 2, 0)
	planned(d, kiln.StepAssemble, 2, 0)
	planned(d, kiln.StepWrite, 3, 0)
	planned(d, kiln.StepFetch, 4, 80*mega)
	told(d, 0, kiln.StepFetch, kiln.Cached, "old 1", mega, mega)
	for i := range 3 {
		told(d, 0, kiln.StepFetch, kiln.Started, fmt.Sprint("p", i, " 1"), 0, 26*mega)
	}
	for i := range 3 {
		for done := range int64(26) {
			told(d, 500, kiln.StepFetch, kiln.Progress, fmt.Sprint("p", i, " 1"), done*mega, 26*mega)
		}
		told(d, 0, kiln.StepFetch, kiln.Finished, fmt.Sprint("p", i, " 1"), 26*mega, 26*mega)
	}
	did(d, 700, kiln.StepUnpack, "old 1", mega)
	did(d, 700, kiln.StepUnpack, "p0 1", 26*mega)
	told(d, 0, kiln.StepConfigure, kiln.Started, "layer base of linux/amd64", 0, 0)
	did(d, 700, kiln.StepUnpack, "p1 1", 26*mega)
	told(d, 0, kiln.StepConfigure, kiln.Finished, "layer base of linux/amd64", 0, 0)
	did(d, 10, kiln.StepAssemble, "layer base of linux/amd64", 0)
	planned(d, kiln.StepCompress, 1, 9*mega)
	did(d, 2000, kiln.StepCompress, "p0 in layer base of linux/amd64", 9*mega)
	did(d, 2, kiln.StepWrite, "layer base of linux/amd64", 3*mega)
	did(d, 700, kiln.StepUnpack, "p2 1", 26*mega)
	did(d, 90, kiln.StepConfigure, "layer base of linux/arm64", 0)
	did(d, 10, kiln.StepAssemble, "layer base of linux/arm64", 0)
	planned(d, kiln.StepCompress, 2, 9*mega)
	told(d, 0, kiln.StepCompress, kiln.Cached, "p0 in layer base of linux/arm64", 4*mega, 4*mega)
	did(d, 2000, kiln.StepCompress, "p1 in layer base of linux/arm64", 5*mega)
	told(d, 0, kiln.StepWrite, kiln.Cached, "layer base of linux/arm64", 3*mega, 3*mega)
	did(d, 100, kiln.StepWrite, "oci:web.oci", 0)
}

// A log has each step once, when it is over, and a line now and then in between.
func TestLog(t *testing.T) {
	d := cli.NewDisplay()
	firstBuild(d)
	d.End()
	d.End() // tells nothing twice
	want := []string{
		"lock: 3 files, 19.4 MB in 1.23 s",
		"index: 2 lists, 19.4 MB in 1.90 s",
		"resolve: 2 platforms, 0.08 s",
		"fetch... 2/5 21.0/81.0 MB 2.0 MB/s 30s left",
		"fetch... 3/5 41.0/81.0 MB 2.0 MB/s 20s left",
		"fetch... 4/5 61.0/81.0 MB 2.0 MB/s 10s left",
		"fetch: 5 packages, 1 there already, 79.0 MB in 39.1 s, 2.0 MB/s",
		"unpack: 4 packages, 79.0 MB in 4.81 s",
		"configure: 2 layers, 3.50 s",
		"assemble: 2 layers, 2.81 s",
		"compress: 3 members, 1 there already, 14.0 MB in 4.80 s",
		"write: 3 parts, 1 there already, 3.0 MB in 2.90 s",
	}
	if diff := cmp.Diff(want, d.Log); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func TestLogOfCachedAndFailed(t *testing.T) {
	d := cli.NewDisplay()
	planned(d, kiln.StepUnpack, 2, 2*mega)
	planned(d, kiln.StepFetch, 2, 2*mega)
	told(d, 5, kiln.StepFetch, kiln.Cached, "a 1", mega, mega)
	told(d, 5, kiln.StepFetch, kiln.Started, "b 1", 0, mega)
	told(d, 5, kiln.StepFetch, kiln.Failed, "b 1", 0, mega)
	told(d, 5, kiln.StepUnpack, kiln.Cached, "a 1", mega, mega)
	told(d, 5, kiln.StepUnpack, kiln.Cached, "c 1", mega, mega)
	told(d, 0, kiln.StepWrite, kiln.Started, "oci:x", 0, 0) // never ends
	d.End()
	want := []string{"fetch: 2 packages, 1 there already, 1 failed, 0.01 s", "unpack: 2 packages, all there already, 0.01 s"}
	if diff := cmp.Diff(want, d.Log); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

// The table and the bar at several widths stand in testdata/timings.golden.
func TestTimings(t *testing.T) {
	var b strings.Builder
	d := cli.NewDisplay()
	firstBuild(d)
	for _, width := range []int{80, 120, 40, 20, 5} {
		for _, l := range []struct{ colour, unicode bool }{{false, false}, {false, true}, {true, true}} {
			fmt.Fprintf(&b, "-- %d columns, colour %v, unicode %v --\n%s", width, l.colour, l.unicode, strings.ReplaceAll(d.Timings(cli.Look(width, 24, l.colour, l.unicode)), "\x1b", "ESC"))
		}
	}
	golden(t, "timings.golden", b.String())
	for width := 1; width < 200; width++ {
		for line := range strings.Lines(d.Timings(cli.Look(width, 24, width%2 == 0, true))) {
			if n := cli.Columns(strings.TrimSuffix(line, "\n")); n > max(width, 10) {
				t.Errorf("%d columns: a line of %d: %q", width, n, line)
			}
		}
	}
}

// The bar shows what had most of the work under way when.
func TestFlame(t *testing.T) {
	d := cli.NewDisplay()
	told(d, 0, kiln.StepFetch, kiln.Started, "a", 0, 0)
	told(d, 0, kiln.StepFetch, kiln.Started, "b", 0, 0)
	told(d, 4000, kiln.StepUnpack, kiln.Started, "a", 0, 0) // one of it against two
	told(d, 1000, kiln.StepFetch, kiln.Finished, "a", 0, 0)
	told(d, 0, kiln.StepFetch, kiln.Finished, "b", 0, 0)
	told(d, 2000, kiln.StepUnpack, kiln.Finished, "a", 0, 0)
	d.Now = d.Now.Add(time.Second) // nothing
	did(d, 1000, kiln.StepHash, "x", 0)
	told(d, 0, kiln.StepWrite, kiln.Started, "x", 0, 0) // never ends
	d.Now = d.Now.Add(time.Second)
	for width, want := range map[int]string{
		11: "|fetc|u.hw", 21: "|fetch----|unp..|h|w", 41: "|fetch--------------|unpack-....|has|wri", 2: "f",
	} {
		if got := d.Flame(cli.Look(width, 24, false, false)); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
	if got := cli.NewDisplay().Flame(cli.Look(80, 24, false, false)); got != "" {
		t.Errorf("no time at all: %q", got)
	}
	if got, want := d.Longest(), "fetch 5.00 s, unpack 3.00 s, hash 1.00 s"; got != want {
		t.Errorf("longest %q, want %q", got, want)
	}
}
