package attest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Made is what a policy requires of SLSA provenance v1 (https://slsa.dev/provenance/v1).
// What is not written is not asked for.
type Made struct {
	Builders   []string `yaml:"builders"`    // runDetails.builder.id is one of these
	BuildTypes []string `yaml:"build-types"` // buildDefinition.buildType is one of these
	Sources    []string `yaml:"sources"`     // the URI of one of buildDefinition.resolvedDependencies is one of these; a * at the end stands for any rest
	Recipe     string   `yaml:"recipe"`      // name of the recipe, of kiln's own provenance: buildDefinition.externalParameters.name
	MaxAge     string   `yaml:"max-age"`     // days or hours since the build ended, as runDetails.metadata says: "30d", "12h"
}

// The reasons why provenance does not say what it is to.
const (
	OtherBuilder   Reason = "other-builder"
	OtherBuildType Reason = "other-build-type"
	OtherSource    Reason = "other-source"
	OtherRecipe    Reason = "other-recipe"
	BuiltLongAgo   Reason = "built-long-ago"
)

// contentReasons are these.
var contentReasons = []Reason{BuiltLongAgo, OtherRecipe, OtherSource, OtherBuildType, OtherBuilder}

// aheadOfTime is how far the clock of a builder may be before ours.
const aheadOfTime = 10 * time.Minute

// Told is what provenance says, as far as a policy asked.
type Told struct {
	Builder   string    `json:"builder,omitempty"`
	BuildType string    `json:"buildType,omitempty"`
	Source    string    `json:"source,omitempty"`
	Recipe    string    `json:"recipe,omitempty"`
	Finished  time.Time `json:"finishedOn,omitzero"`
}

// String lists it in one line.
func (t Told) String() string {
	var all []string
	for _, part := range [][2]string{{"builder", t.Builder}, {"build type", t.BuildType}, {"source", t.Source}, {"recipe", t.Recipe}} {
		if part[1] != "" {
			all = append(all, part[0]+" "+part[1])
		}
	}
	if !t.Finished.IsZero() {
		all = append(all, "built "+t.Finished.Format(time.RFC3339))
	}
	return strings.Join(all, ", ")
}

// slsa is the part of the predicate that is asked about.
type slsa struct {
	BuildDefinition struct {
		BuildType          string `json:"buildType"`
		ExternalParameters struct {
			Name any `json:"name"`
		} `json:"externalParameters"`
		ResolvedDependencies []struct {
			URI string `json:"uri"`
		} `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
		Metadata struct {
			StartedOn  string `json:"startedOn"`
			FinishedOn string `json:"finishedOn"`
		} `json:"metadata"`
	} `json:"runDetails"`
}

// asks tells whether anything is required.
func (m Made) asks() bool {
	return len(m.Builders)+len(m.BuildTypes)+len(m.Sources) > 0 || m.Recipe != "" || m.MaxAge != ""
}

// judge says what a signed predicate tells of what is required, or for which reason and
// how it is not that.
func (m Made) judge(predicate json.RawMessage, now time.Time) (t Told, why Reason, text string) {
	var p slsa
	if err := json.Unmarshal(predicate, &p); err != nil {
		return t, Damaged, "its predicate is no SLSA provenance v1"
	}
	if len(m.Builders) > 0 {
		if t.Builder = p.RunDetails.Builder.ID; !slices.Contains(m.Builders, t.Builder) {
			return t, OtherBuilder, fmt.Sprintf("it was built by %s, and the policy wants %s", said(t.Builder), either(m.Builders))
		}
	}
	if len(m.BuildTypes) > 0 {
		if t.BuildType = p.BuildDefinition.BuildType; !slices.Contains(m.BuildTypes, t.BuildType) {
			return t, OtherBuildType, fmt.Sprintf("its build type is %s, and the policy wants %s", said(t.BuildType), either(m.BuildTypes))
		}
	}
	if len(m.Sources) > 0 {
		if t.Source = p.from(m.Sources); t.Source == "" {
			return t, OtherSource, fmt.Sprintf("none of the %d dependencies that it names is %s", len(p.BuildDefinition.ResolvedDependencies), either(m.Sources))
		}
	}
	if m.Recipe != "" {
		if t.Recipe, _ = p.BuildDefinition.ExternalParameters.Name.(string); t.Recipe != m.Recipe {
			return t, OtherRecipe, fmt.Sprintf("it was built from the recipe %s, and the policy wants %q", said(t.Recipe), m.Recipe)
		}
	}
	if m.MaxAge == "" {
		return t, "", ""
	}
	return m.age(t, p.RunDetails.Metadata.FinishedOn, p.RunDetails.Metadata.StartedOn, now)
}

// age judges when the build ended, or where that is not said, began.
func (m Made) age(t Told, finished, started string, now time.Time) (Told, Reason, string) {
	if finished == "" {
		finished = started
	}
	at, err := time.Parse(time.RFC3339, finished)
	if err != nil {
		return t, BuiltLongAgo, fmt.Sprintf("it does not say when it was built, and the policy wants none older than %s (kiln sign --finished-on TIME says it)", m.MaxAge)
	}
	t.Finished = at.UTC()
	limit, _ := parseAge(m.MaxAge) // it was checked
	switch {
	case now.Sub(at) > limit:
		return t, BuiltLongAgo, fmt.Sprintf("it was built %s, and the policy wants none older than %s", t.Finished.Format(time.RFC3339), m.MaxAge)
	case at.Sub(now) > aheadOfTime:
		return t, BuiltLongAgo, fmt.Sprintf("it says that it was built %s, which is still to come", t.Finished.Format(time.RFC3339))
	}
	return t, "", ""
}

// from is the first dependency that is one of the sources.
func (p *slsa) from(sources []string) string {
	for _, d := range p.BuildDefinition.ResolvedDependencies {
		for _, s := range sources {
			if begin, any := strings.CutSuffix(s, "*"); d.URI != "" && (d.URI == s || any && strings.HasPrefix(d.URI, begin)) {
				return d.URI
			}
		}
	}
	return ""
}

func said(s string) string {
	if s == "" {
		return "somebody or something that it does not name"
	}
	return strconv.Quote(s)
}

func either(all []string) string {
	var quoted []string
	for _, s := range all {
		quoted = append(quoted, strconv.Quote(s))
	}
	return strings.Join(quoted, " or ")
}

// parseAge reads "30d" or "12h".
func parseAge(s string) (time.Duration, error) {
	if s == "" {
		return 0, fmt.Errorf("it is empty")
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour}[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 16)
	if unit == 0 || err != nil || n == 0 {
		return 0, fmt.Errorf("it is no number of days or hours")
	}
	return time.Duration(n) * unit, nil
}
