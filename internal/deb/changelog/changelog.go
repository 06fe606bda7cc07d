// Package changelog reads Debian changelogs (deb-changelog(5)). It is lenient, as
// dpkg-parsechangelog is, since changelogs are decades old: what has no place in the
// format is passed over, entries of older forms among it. It does no I/O.
package changelog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/deb"
)

// Entry is what a changelog says of one version.
type Entry struct {
	Source        string   `json:"source"`
	Version       string   `json:"version"`
	Distributions []string `json:"distributions"`         // "unstable", "trixie-security"
	Urgency       string   `json:"urgency,omitempty"`     // in small letters; empty where none is given
	BinaryOnly    bool     `json:"binary_only,omitempty"` // a rebuild without a change of the source
	Changes       []string `json:"changes"`               // lines as they stand, without empty ones at both ends
	Maintainer    string   `json:"maintainer,omitempty"`  // "Name <address>"
	Date          string   `json:"date,omitempty"`        // as it stands: "Sat, 01 Mar 2025 12:00:00 +0100"
	Closes        []int    `json:"closes,omitempty"`      // bug numbers, ascending
	CVEs          []string `json:"cves,omitempty"`        // identifiers named, sorted: "CVE-2024-1234"
}

// maxSize bounds what is read, in bytes: the longest changelogs of Debian have a few
// megabytes.
const maxSize = 64 << 20

var (
	header  = regexp.MustCompile(`^(?i)(\w[-+0-9a-z.]*) \(([^() \t]+)\)((?:\s+[-+0-9a-z.]+)+);(.*?)\s*$`)
	trailer = regexp.MustCompile(`^ -- (.*) <(.*)>(?:  ?(.*\S))?$`)
	option  = regexp.MustCompile(`^(?i)([-0-9a-z]+)=\s*(.*\S)$`)
	change  = regexp.MustCompile(`^\s\s+\S`)
	passed  = regexp.MustCompile(`^(\$\w+:.*\$|# .*|/\*.*\*/)`)
	ends    = regexp.MustCompile(`^(?i)((;;\s*)?local variables|vim:)`)
	closes  = regexp.MustCompile(`(?i)closes:\s*(?:bug)?#?\s?\d+(?:,\s*(?:bug)?#?\s?\d+)*`)
	number  = regexp.MustCompile(`#?\s?(\d+)`)
	cve     = regexp.MustCompile(`\b(?i:cve)-(\d{4}-\d{4,})\b`)
)

// Parse reads the entries of a changelog in its order, the newest first. A text
// without any is an error.
func Parse(r io.Reader) ([]Entry, error) {
	var all []Entry
	var open *Entry
	s := bufio.NewScanner(io.LimitReader(r, maxSize))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := strings.TrimRight(s.Text(), " \t\r\f\v")
		e := entryOf(line)
		switch {
		case e != nil:
			all = closed(all, open)
			open = e
		case ends.MatchString(line):
			return finish(all, open, s.Err())
		case open == nil || passed.MatchString(line):
		case trailer.MatchString(line):
			m := trailer.FindStringSubmatch(line)
			open.Maintainer, open.Date = m[1]+" <"+m[2]+">", m[3]
			all = closed(all, open)
			open = nil
		case line == "" || change.MatchString(line):
			open.Changes = append(open.Changes, line)
		}
	}
	return finish(all, open, s.Err())
}

// entryOf reads a heading; nil where the line is none.
func entryOf(line string) *Entry {
	m := header.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	e := &Entry{Source: m[1], Version: m[2], Distributions: strings.Fields(m[3]), Changes: []string{}}
	for part := range strings.SplitSeq(m[4], ",") {
		o := option.FindStringSubmatch(strings.TrimSpace(part))
		switch {
		case o == nil:
		case strings.EqualFold(o[1], "urgency"):
			e.Urgency, _, _ = strings.Cut(strings.ToLower(o[2]), " ")
		case strings.EqualFold(o[1], "binary-only"):
			e.BinaryOnly = strings.EqualFold(o[2], "yes")
		}
	}
	return e
}

// closed adds an entry that has ended.
func closed(all []Entry, e *Entry) []Entry {
	if e == nil {
		return all
	}
	for len(e.Changes) > 0 && e.Changes[0] == "" {
		e.Changes = e.Changes[1:]
	}
	for n := len(e.Changes); n > 0 && e.Changes[n-1] == ""; n-- {
		e.Changes = e.Changes[:n-1]
	}
	text := strings.Join(e.Changes, "\n")
	e.Closes, e.CVEs = bugs(text), identifiers(text)
	return append(all, *e)
}

func finish(all []Entry, open *Entry, err error) ([]Entry, error) {
	all = closed(all, open)
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, errors.New("cannot read the changelog: a line is too long")
	case err != nil:
		return nil, fmt.Errorf("cannot read the changelog: %w", err)
	case len(all) == 0:
		return nil, errors.New("cannot read the changelog: it has no entry")
	}
	return all, nil
}

// bugs are the numbers after "Closes:" (deb-changelog(5)).
func bugs(text string) []int {
	found := map[int]bool{}
	for _, list := range closes.FindAllString(text, -1) {
		for _, m := range number.FindAllStringSubmatch(list, -1) {
			if n, err := strconv.Atoi(m[1]); err == nil {
				found[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// identifiers are the CVE identifiers that a text names, wherever.
func identifiers(text string) []string {
	found := map[string]bool{}
	for _, m := range cve.FindAllStringSubmatch(text, -1) {
		found["CVE-"+m[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// Between returns the entries of versions after old, up to and with new, in their
// order, and whether there is none older: a changelog that was trimmed may lack some.
func Between(all []Entry, old, new string) (list []Entry, cut bool) {
	cut = true
	for _, e := range all {
		switch {
		case deb.Compare(e.Version, old) <= 0:
			cut = false
		case deb.Compare(e.Version, new) <= 0:
			list = append(list, e)
		}
	}
	return list, cut
}
