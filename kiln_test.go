package kiln_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kiln"
)

func TestParseDigest(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := kiln.DigestOf(nil); got != "sha256:"+empty {
		t.Errorf("the digest of nothing is %s", got)
	}
	if d, err := kiln.DigestFromHex(empty); err != nil || d.Hex() != empty || d.Short() != empty[:12] {
		t.Errorf("DigestFromHex: %s, %v", d, err)
	}
	for _, s := range []string{"", empty, "sha256:", "sha256:" + empty[1:], "sha256:" + strings.ToUpper(empty), "sha512:" + empty, "sha256:" + empty[1:] + "g"} {
		if d, err := kiln.ParseDigest(s); err == nil {
			t.Errorf("ParseDigest(%q) = %s, want an error", s, d)
		}
	}
}

func TestPlatformsReadWhatTheyPrint(t *testing.T) {
	for _, p := range kiln.Platforms() {
		if q, err := kiln.ParsePlatform(p.String()); err != nil || q != p {
			t.Errorf("ParsePlatform(%q) = %v, %v", p, q, err)
		}
		var q kiln.Platform
		text, _ := p.MarshalText()
		if err := q.UnmarshalText(text); err != nil || q != p {
			t.Errorf("%s does not survive as text: %v, %v", p, q, err)
		}
	}
	if p, err := kiln.ParsePlatform("linux/arm"); err != nil || p.Variant != "v7" {
		t.Errorf("the only variant of linux/arm is not taken: %v, %v", p, err)
	}
	if _, err := kiln.ParsePlatform("linux/amd46"); err == nil || !strings.Contains(err.Error(), "linux/amd64") {
		t.Errorf("an unknown platform gives %v", err)
	}
}

func TestErrorsKeepCodeAndHints(t *testing.T) {
	inner := &kiln.Error{Code: kiln.Refused, Text: "inner", Hints: []string{"b"}, Err: errors.ErrUnsupported}
	outer := &kiln.Error{Code: kiln.Network, Text: "outer", Hints: []string{"a"}, Err: fmt.Errorf("between: %w", inner)}
	if kiln.CodeOf(outer) != kiln.Network || kiln.CodeOf(fmt.Errorf("x: %w", inner)) != kiln.Refused || kiln.CodeOf(errors.ErrUnsupported) != kiln.User {
		t.Error("CodeOf does not give the outermost code")
	}
	if got := kiln.HintsOf(outer); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("hints %q", got)
	}
	if !errors.Is(outer, errors.ErrUnsupported) {
		t.Error("the cause is lost")
	}
}

func TestANilSinkDropsEvents(t *testing.T) {
	kiln.Sink(nil).Send(kiln.Event{})
	var got []kiln.Event
	kiln.Sink(func(e kiln.Event) { got = append(got, e) }).Send(kiln.Event{Text: "x"})
	if len(got) != 1 || got[0].Text != "x" {
		t.Errorf("sent one event, got %v", got)
	}
}

// A job tells of its beginning, of some of its bytes, and of its end.
func TestJob(t *testing.T) {
	const mega = 1 << 20
	var got []string
	sink := kiln.Sink(func(e kiln.Event) {
		got = append(got, fmt.Sprintf("%s %d %s %d/%d", e.Step, e.State, e.Subject, e.Done, e.Total))
	})
	told := func(want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		got = nil
	}
	j := sink.Start(kiln.StepHash, "a", 4*mega)
	j.Add(100)
	j.Add(mega)
	j.Reach(50) // back is nothing
	j.Reach(3 * mega)
	j.Finish()
	told("hash 0 a 0/4194304", "hash 1 a 1048676/4194304", "hash 1 a 3145728/4194304", "hash 2 a 4194304/4194304")

	if err := sink.Start(kiln.StepWrite, "b", 0).End(nil); err != nil {
		t.Error(err)
	}
	told("write 0 b 0/0", "write 2 b 0/0")
	j = sink.Start(kiln.StepWrite, "c", 9)
	j.Add(7)
	if err := j.End(errors.ErrUnsupported); err != errors.ErrUnsupported {
		t.Errorf("error %v", err)
	}
	told("write 0 c 0/9", fmt.Sprintf("write %d c 7/9", kiln.Failed))

	var nobody *kiln.Job
	nobody.Add(mega)
	nobody.Reach(mega)
	nobody.Finish()
	kiln.Sink(nil).Start(kiln.StepHash, "d", 0).Add(mega)
	told()
}

func TestSteps(t *testing.T) {
	seen := map[kiln.Step]bool{}
	for _, s := range kiln.Steps() {
		if s == "" || seen[s] {
			t.Errorf("the step %q is empty or there twice", s)
		}
		seen[s] = true
	}
}
