package oci

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kiln"
)

// report tells what of the tree the folder could not keep.
func (u *unpacker) report(sink kiln.Sink, dir string) {
	note := func(text string) {
		sink.Send(kiln.Event{Step: kiln.StepWrite, State: kiln.Note, Subject: dir, Text: text})
	}
	if u.unowned > 0 {
		note(fmt.Sprintf("the owners of %d entries are not kept: only root can set them", u.unowned))
	}
	if len(u.unmarked) > 0 {
		note("extended attributes are not kept: " + few(u.unmarked))
	}
	if len(u.unmade) > 0 {
		note("devices are not made, only root can: " + few(u.unmade))
	}
}

// manyNames is how many names a sentence bears.
const manyNames = 5

// few joins names, and counts the rest.
func few(names []string) string {
	if len(names) <= manyNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:manyNames], ", "), len(names)-manyNames)
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
