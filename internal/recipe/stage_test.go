package recipe_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/recipe"
)

const staged = `kiln: v1
name: x
platforms: [linux/amd64, linux/arm64]
sources: [{archive: debian, suite: trixie}]
stages:
  - name: one
    packages: [gcc: compiles, make: orders]
    files: [{path: /src, from: src/one, why: x}]
    run: ["make all\n", [cc, -o, /out/one, 1.c]]
    outputs: [/out]
    why: the first
  - name: two
    files:
      - {path: /in, from-stage: one, source: /out/one, why: x}
    run: [make]
    outputs: [/out/two]
    timeout: 90s
    why: the second
  - name: arm
    files: [{path: /src, from: src/arm, why: x}]
    run: [make]
    outputs: [/out/arm]
    why: for one platform
layers:
  - name: base
    files:
      - {path: /two, from-stage: two, source: /out/two, why: x}
      - {path: /arm, from-stage: arm, source: /out/arm, platforms: [linux/arm64], why: x}
`

func parsed(t *testing.T, text string) *recipe.Recipe {
	t.Helper()
	r, problems := recipe.Parse("kiln.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return r
}

func TestStageCommands(t *testing.T) {
	r := parsed(t, staged)
	got, err := json.Marshal([]any{r.Stages[0].Run, r.Stages[0].Run[0].Argv(), r.Stages[0].Run[1].Argv(), r.Stages[0].Run[0].String(), r.Stages[0].Limit(), r.Stages[1].Limit()})
	want := `[["make all\n",["cc","-o","/out/one","1.c"]],["/bin/sh","-e","-c","make all\n"],["cc","-o","/out/one","1.c"],"make all",3600000000000,90000000000]`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestUsedStages(t *testing.T) {
	r := parsed(t, staged)
	amd64, arm64 := r.Platforms[0], r.Platforms[1]
	for _, row := range []struct {
		platforms []kiln.Platform
		stages    []int
		taken     string
	}{
		{[]kiln.Platform{amd64}, []int{0, 1}, "stages[0].files[0].from=src/one"},
		{[]kiln.Platform{arm64, amd64}, []int{0, 1, 2}, "stages[0].files[0].from=src/one stages[2].files[0].from=src/arm"},
	} {
		var taken []string
		for _, f := range r.TakenFiles(row.platforms) {
			taken = append(taken, f.Part+"="+f.Path)
		}
		got, _ := json.Marshal(r.UsedStages(row.platforms))
		want, _ := json.Marshal(row.stages)
		if string(got) != string(want) || strings.Join(taken, " ") != row.taken {
			t.Errorf("%v: stages %s, want %s; files %q, want %q", row.platforms, got, want, taken, row.taken)
		}
	}
}

// Problems of a stage's own recipe are placed where the stage stands.
func TestStageRecipe(t *testing.T) {
	r := parsed(t, staged).StageRecipe(1)
	for part, line := range map[string]int{"layers[two].files[0].source": 14, "layers[0].files[0]": 14, "layers[0].name": 12, "layers[0]": 12} {
		if got := r.Line(part); got != line {
			t.Errorf("%s: line %d, want %d", part, got, line)
		}
	}
}

// What is resolved for a stage makes a lock stale; what is done with it does not.
func TestWantsOfStages(t *testing.T) {
	wants := func(text string) kiln.Digest {
		t.Helper()
		d, err := parsed(t, text).Wants()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := wants(staged)
	for old, new := range map[string]string{"make all": "make some", "the first": "why", "outputs: [/out]": "outputs: [/out, /x]", "gcc: compiles, make: orders": "make: orders, gcc: compiles", "timeout: 90s": "user: a"} {
		if wants(strings.Replace(staged, old, new, 1)) != first {
			t.Errorf("%q makes the lock stale", new)
		}
	}
	for old, new := range map[string]string{"gcc: compiles": "tcc: compiles", "    run: [make]": "    essential: true\n    run: [make]", "make: orders": "make: {why: x, version: '>= 4'}"} {
		if wants(strings.Replace(staged, old, new, 1)) == first {
			t.Errorf("%q needs no new lock", new)
		}
	}
}
