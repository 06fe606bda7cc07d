package lock_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/lock"
)

// staged is valid with two stages for amd64, in no order.
func staged() *lock.Lock {
	l := valid()
	p := l.Platforms[kiln.Platform{OS: "linux", Architecture: "amd64"}]
	p.Stages = []lock.Stage{{Name: "test", Packages: []lock.Package{}}, {Name: "build", Packages: slices.Clone(p.Packages[:2])}}
	return l
}

func TestStages(t *testing.T) {
	amd64, arm64 := kiln.Platform{OS: "linux", Architecture: "amd64"}, kiln.Platform{OS: "linux", Architecture: "arm64"}
	text := staged().Marshal()
	l, err := lock.Parse("kiln.lock", text)
	if err != nil {
		t.Fatal(err)
	}
	if again := l.Marshal(); !bytes.Equal(again, text) {
		t.Errorf("written again:\n%s\nwant:\n%s", again, text)
	}
	p := l.Platforms[amd64]
	if len(p.Stages) != 2 || p.Stages[0].Name != "build" || len(p.All()) != len(p.Packages)+2 {
		t.Errorf("the stages are %+v", p.Stages)
	}
	of := l.OfStage("build")
	if len(of.Platforms) != 1 || len(of.Platforms[amd64].Packages) != 2 || of.Platforms[amd64].Packages[0].Name != "libc6" {
		t.Errorf("of the stage: %+v", of.Platforms)
	}
	if l.OfStage("none").Platforms[amd64] != nil || l.Platforms[arm64].Stage("build") != nil {
		t.Error("a stage that is not there has packages")
	}
	if bytes.Contains(valid().Marshal(), []byte("stages")) {
		t.Error("a lock without stages tells of them")
	}
}

func TestStagesAreRefused(t *testing.T) {
	amd64 := kiln.Platform{OS: "linux", Architecture: "amd64"}
	for want, change := range map[string]func(*lock.Platform){
		`stage "build" twice, or not a name`:                                             func(p *lock.Platform) { p.Stages[0].Name = "build" },
		`stage "../x" twice, or not a name`:                                              func(p *lock.Platform) { p.Stages[0].Name = "../x" },
		`stage "build": package "libc6:amd64" twice`:                                     func(p *lock.Platform) { p.Stages[1].Packages[0] = p.Stages[1].Packages[1] },
		`stage "build": package "libc6:amd64": its archive "other/x" is not in the lock`: func(p *lock.Platform) { p.Stages[1].Packages[1].Archive = "other/x" },
	} {
		l := staged()
		change(l.Platforms[amd64])
		if _, err := lock.Parse("kiln.lock", l.Marshal()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestDiffOfStages(t *testing.T) {
	l := staged()
	p := l.Platforms[kiln.Platform{OS: "linux", Architecture: "amd64"}]
	p.Stages[1].Packages[1].Version = "2.41-13"
	p.Stages = p.Stages[1:]
	var got []string
	for _, c := range lock.Diff(staged(), l) {
		got = append(got, c.String())
	}
	if want := []string{"upgraded libc6:amd64 2.41-12 -> 2.41-13 (linux/amd64, stage build)"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
