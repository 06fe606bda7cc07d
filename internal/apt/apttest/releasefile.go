package apttest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// release returns the text of the Release.
func (s Suite) release(indexes map[string][]byte) string {
	var b bytes.Buffer
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	archs, components := s.Archs, s.Components
	if s.SplitAll {
		archs = append([]string{"all"}, archs...)
	}
	field("Origin", s.Origin)
	field("Label", s.Label)
	field("Suite", s.SuiteField)
	field("Version", s.Version)
	field("Codename", s.Codename)
	field("Date", s.Date.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC"))
	if !s.ValidUntil.IsZero() {
		field("Valid-Until", s.ValidUntil.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC"))
	}
	if !s.NoByHash {
		field("Acquire-By-Hash", "yes")
	}
	if !s.flat() {
		field("Architectures", join(archs))
		field("Components", join(components))
	}
	for _, f := range s.Fields {
		b.WriteString(f + "\n")
	}
	for _, h := range s.Hashes {
		fmt.Fprintf(&b, "%s:\n", h)
		for _, name := range slices.Sorted(maps.Keys(indexes)) {
			fmt.Fprintf(&b, " %s %d %s\n", hashOf(h, indexes[name]), len(indexes[name]), name)
		}
	}
	return b.String()
}

func join(words []string) string {
	var b bytes.Buffer
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}
