package cli_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kiln"
	"kiln/internal/cli"
)

const mega = 1_000_000

// told sends an event some milliseconds after the one before.
func told(d *cli.Display, ms int, step kiln.Step, state kiln.State, subject string, done, total int64) {
	d.See(time.Duration(ms)*time.Millisecond, kiln.Event{Step: step, State: state, Subject: subject, Done: done, Total: total})
}

func planned(d *cli.Display, step kiln.Step, count int, total int64) {
	d.See(0, kiln.Event{Step: step, State: kiln.Planned, Count: count, Total: total})
}

// states are moments of runs, by name.
func states() []struct {
	name string
	make func(*cli.Display)
} {
	return []struct {
		name string
		make func(*cli.Display)
	}{
		{"nothing yet", func(*cli.Display) {}},
		{"planned only", func(d *cli.Display) { planned(d, kiln.StepFetch, 3, 9*mega) }},
		{"an index is being downloaded", func(d *cli.Display) {
			told(d, 0, kiln.StepLock, kiln.Finished, "debian/trixie", 0, 0)
			told(d, 0, kiln.StepLock, kiln.Started, "debian/trixie main/binary-amd64/Packages.xz", 0, 9_678_380)
			for i := range int64(8) {
				told(d, 500, kiln.StepLock, kiln.Progress, "debian/trixie main/binary-amd64/Packages.xz", (i+1)*mega, 9_678_380)
			}
		}},
		{"an index is being read", func(d *cli.Display) {
			told(d, 0, kiln.StepIndex, kiln.Started, "debian/trixie main/binary-amd64/Packages.xz", 0, 9_678_380)
			d.Now = d.Now.Add(2500 * time.Millisecond)
		}},
		{"two platforms are resolved", func(d *cli.Display) {
			told(d, 0, kiln.StepResolve, kiln.Started, "linux/amd64", 0, 0)
			told(d, 1, kiln.StepResolve, kiln.Started, "linux/arm64", 0, 0)
		}},
		{"downloads, steady", func(d *cli.Display) { downloads(d, 5, func(int) int64 { return mega / 2 }) }},
		{"downloads, just begun", func(d *cli.Display) { downloads(d, 1, func(int) int64 { return mega }) }},
		{"downloads, not steady", func(d *cli.Display) {
			downloads(d, 5, func(i int) int64 { return int64(1+i*i*i/200) * mega / 50 })
		}},
		{"downloads, stalled", func(d *cli.Display) {
			downloads(d, 5, func(int) int64 { return mega / 2 })
			d.Now = d.Now.Add(6 * time.Second)
		}},
		{"unpacking, mostly cached", func(d *cli.Display) {
			planned(d, kiln.StepUnpack, 300, 90*mega)
			for i := range 250 {
				told(d, 0, kiln.StepUnpack, kiln.Cached, fmt.Sprint("p", i, " 1"), 300_000, 300_000)
			}
			told(d, 10, kiln.StepUnpack, kiln.Started, "linux-image-6.12.41+deb13-cloud-amd64-unsigned 6.12.41-1~bpo12+1", 0, 31*mega)
			told(d, 10, kiln.StepUnpack, kiln.Started, "libicu76 76.1-4", 0, 9*mega)
			told(d, 900, kiln.StepUnpack, kiln.Progress, "libicu76 76.1-4", 4*mega, 9*mega)
		}},
		{"a layer is configured", func(d *cli.Display) {
			planned(d, kiln.StepConfigure, 2, 0)
			told(d, 0, kiln.StepConfigure, kiln.Started, "layer base of linux/amd64", 0, 0)
			told(d, 700, kiln.StepConfigure, kiln.Finished, "layer base of linux/amd64", 0, 0)
			told(d, 0, kiln.StepConfigure, kiln.Started, "layer app of linux/amd64", 0, 0)
		}},
		{"compressing and hashing", func(d *cli.Display) {
			planned(d, kiln.StepWrite, 2, 0)
			planned(d, kiln.StepCompress, 81, 126*mega)
			planned(d, kiln.StepHash, 1, 126*mega)
			told(d, 0, kiln.StepHash, kiln.Started, "layer base of linux/amd64", 0, 126*mega)
			told(d, 0, kiln.StepCompress, kiln.Started, "perl-base in layer base of linux/amd64", 0, 8*mega)
			told(d, 0, kiln.StepCompress, kiln.Started, "libc6 in layer base of linux/amd64", 0, 13*mega)
			told(d, 500, kiln.StepCompress, kiln.Progress, "libc6 in layer base of linux/amd64", 6*mega, 13*mega)
			told(d, 100, kiln.StepHash, kiln.Progress, "layer base of linux/amd64", 70*mega, 126*mega)
		}},
		{"an output is written", func(d *cli.Display) {
			planned(d, kiln.StepWrite, 2, 0)
			told(d, 0, kiln.StepWrite, kiln.Cached, "layer base of linux/amd64", 51*mega, 51*mega)
			told(d, 0, kiln.StepWrite, kiln.Started, "oci:web.oci", 0, 0)
			told(d, 1500, kiln.StepWrite, kiln.Progress, "oci:web.oci", 30*mega, 0)
		}},
		{"everything at once", everyStep},
		{"names that would move the cursor", func(d *cli.Display) {
			planned(d, kiln.StepFetch, 2, 2*mega)
			told(d, 0, kiln.StepFetch, kiln.Started, "evil\x1b[2J\r\n\tname 1.0", 0, mega)
			told(d, 0, kiln.StepFetch, kiln.Started, "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字 1.0", 0, mega)
		}},
		{"all done", func(d *cli.Display) {
			planned(d, kiln.StepUnpack, 1, mega)
			told(d, 0, kiln.StepUnpack, kiln.Started, "a 1", 0, mega)
			told(d, 0, kiln.StepUnpack, kiln.Finished, "a 1", mega, mega)
			told(d, 0, kiln.StepResolve, kiln.Started, "linux/amd64", 0, 0)
			told(d, 0, kiln.StepResolve, kiln.Failed, "linux/amd64", 0, 0)
		}},
	}
}

// downloads fetches 351 packages, of which 40 are there, for so many seconds, with
// step bytes each tenth of a second.
func downloads(d *cli.Display, secs int, step func(i int) int64) {
	planned(d, kiln.StepFetch, 351, 89*mega)
	for i := range 40 {
		told(d, 0, kiln.StepFetch, kiln.Cached, fmt.Sprint("there", i, " 1"), 100_000, 100_000)
	}
	for i, name := range []string{"small 1.2-3", "linux-image-6.12.41+deb13-cloud-amd64 6.12.41-1", "libicu76 76.1-4", "perl-base 5.40.1-6", "bash 5.2.37-2+b10"} {
		told(d, 0, kiln.StepFetch, kiln.Started, name, 0, []int64{40_000, 60 * mega, 9 * mega, 2 * mega, mega}[i])
	}
	var got int64
	for i := range secs * 10 {
		got += step(i)
		told(d, 100, kiln.StepFetch, kiln.Progress, "linux-image-6.12.41+deb13-cloud-amd64 6.12.41-1", got, 60*mega)
	}
}

// everyStep has each step under way, with hundreds of pieces.
func everyStep(d *cli.Display) {
	for _, s := range kiln.Steps() {
		planned(d, s, 500, 500*mega)
		for i := range 200 {
			told(d, 1, s, kiln.Started, fmt.Sprintf("piece-%03d 1.0", i), 0, mega)
			if i%2 == 0 {
				told(d, 1, s, kiln.Finished, fmt.Sprintf("piece-%03d 1.0", i), mega, mega)
			}
		}
	}
}

// The frames of many moments at many widths stand in testdata/frames.golden:
// go test ./internal/cli -run Frames -update
func TestFrames(t *testing.T) {
	var b strings.Builder
	for _, s := range states() {
		for _, l := range []struct {
			width, height int
			unicode       bool
		}{{80, 24, true}, {120, 24, false}, {40, 10, true}, {12, 4, false}} {
			d := cli.NewDisplay()
			s.make(d)
			fmt.Fprintf(&b, "-- %s, %dx%d --\n", s.name, l.width, l.height)
			for _, line := range d.Frame(cli.Look(l.width, l.height, false, l.unicode)) {
				fmt.Fprintln(&b, line)
			}
		}
	}
	golden(t, "frames.golden", b.String())
}

// Colours change nothing but colours.
func TestFramesInColour(t *testing.T) {
	for _, s := range states() {
		for _, width := range []int{20, 40, 80} {
			d := cli.NewDisplay()
			s.make(d)
			bare, painted := d.Frame(cli.Look(width, 24, false, true)), d.Frame(cli.Look(width, 24, true, true))
			for i := range painted {
				painted[i] = strings.TrimRight(cli.PlainText(painted[i]), " ")
			}
			if diff := cmp.Diff(bare, painted); diff != "" {
				t.Errorf("%s, %d columns:\n%s", s.name, width, diff)
			}
		}
	}
}

// Every frame fits every terminal, and holds nothing but text.
func TestFramesFit(t *testing.T) {
	for _, s := range states() {
		d := cli.NewDisplay()
		s.make(d)
		for width := 1; width <= 200; width++ {
			for _, height := range []int{1, 2, 3, 5, 24, 100} {
				lines := d.Frame(cli.Look(width, height, width%2 == 0, width%3 == 0))
				if len(lines) >= height && height > 0 && len(lines) > 0 {
					t.Fatalf("%s: %d lines on a terminal of %d", s.name, len(lines), height)
				}
				for _, line := range lines {
					if cli.Columns(line) >= width || !cli.Clean(line) {
						t.Fatalf("%s, %d columns: line of %d: %q", s.name, width, cli.Columns(line), line)
					}
				}
			}
		}
	}
}

// Whatever happens, a terminal shows the messages and below them the frame, and in
// the end the messages alone.
func TestScreen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(8, 100).Draw(rt, "width")
		l := cli.Look(width, 30, rapid.Bool().Draw(rt, "colour"), true)
		d, v := cli.NewDisplay(), newVT(t, width, 30)
		said := []string{"$ kiln"}
		v.write("$ kiln\n")
		all := kiln.Steps()
		for range rapid.IntRange(1, 60).Draw(rt, "events") {
			step := all[rapid.IntRange(0, len(all)-1).Draw(rt, "step")]
			subject := fmt.Sprint("p", rapid.IntRange(0, 30).Draw(rt, "subject"))
			state := kiln.State(rapid.IntRange(int(kiln.Started), int(kiln.Failed)).Draw(rt, "state"))
			told(d, rapid.IntRange(0, 2000).Draw(rt, "ms"), step, state, subject, int64(rapid.IntRange(0, mega).Draw(rt, "done")), mega)
			switch rapid.IntRange(0, 3).Draw(rt, "act") {
			case 0:
				said = append(said, "hey")
				v.write(d.Above("hey", l))
			case 1:
				v.write(d.Draw(l))
				want := slices.Clone(said)
				for _, line := range d.Frame(l) {
					want = append(want, strings.TrimRight(cli.PlainText(line), " "))
				}
				if diff := cmp.Diff(strings.Join(want, "\n"), v.text()); diff != "" {
					rt.Fatalf("the screen (-want +got):\n%s", diff)
				}
			}
		}
		v.write("\r" + d.Clear(l))
		if diff := cmp.Diff(strings.Join(said, "\n"), v.text()); diff != "" || !v.wrap || !v.cursor {
			rt.Fatalf("the screen at the end, wrap %v, cursor %v:\n%s", v.wrap, v.cursor, diff)
		}
	})
}

// A terminal that becomes narrower breaks the lines; nothing of them stays.
func TestScreenShrinks(t *testing.T) {
	d := cli.NewDisplay()
	downloads(d, 5, func(int) int64 { return mega / 2 })
	v := newVT(t, 80, 24)
	v.write("before\n")
	v.write(d.Draw(cli.Look(80, 24, true, true)))
	for _, width := range []int{50, 79, 33} {
		v.shrink(min(width, v.width))
		v.width = width
		l := cli.Look(width, 24, true, true)
		v.write(d.Draw(l))
		want := []string{"before"}
		for _, line := range d.Frame(l) {
			want = append(want, strings.TrimRight(cli.PlainText(line), " "))
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), v.text()); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", width, diff)
		}
	}
	v.write(d.Clear(cli.Look(33, 24, true, true)))
	if got := v.text(); got != "before" {
		t.Errorf("left: %q", got)
	}
}

func TestCut(t *testing.T) {
	for _, row := range []struct {
		text  string
		width int
		dots  string
		want  string
	}{
		{"short", 5, "…", "short"}, {"longer", 5, "…", "long…"}, {"longer", 5, "..", "lon.."}, {"longer", 1, "..", "l"},
		{"漢字漢字", 5, "…", "漢字…"}, {"漢字漢字", 4, "…", "漢…"}, {"x", 0, "…", ""}, {"e\u0301e\u0301e\u0301", 2, "", "e\u0301e\u0301"},
	} {
		if got := cli.Cut(row.text, row.width, row.dots); got != row.want {
			t.Errorf("cut(%q, %d, %q) = %q, want %q", row.text, row.width, row.dots, got, row.want)
		}
	}
}

func TestRemaining(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1s left", 1400 * time.Millisecond: "1s left", 59 * time.Second: "59s left", 62 * time.Second: "1m00s left",
		299 * time.Second: "5m00s left", 50*time.Minute + 14*time.Second: "50m00s left", 62*time.Minute + 40*time.Second: "1h05m left",
	} {
		if got := cli.Remaining(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
