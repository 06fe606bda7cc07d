package corpus_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/maint"
)

// scripted tells whether a package has maintainer scripts that an installation
// runs.
func scripted(list []maint.Package, name string) bool {
	return slices.ContainsFunc(list, func(p maint.Package) bool {
		return p.ID.Name == name && slices.ContainsFunc(p.Files, func(f deb.ControlFile) bool { return f.Name == "preinst" || f.Name == "postinst" })
	})
}

// reason is an error in one line: package, script, line, command.
func reason(err error) string {
	text := err.Error()
	var e *kiln.Error
	if errors.As(err, &e) {
		text = e.Text
	}
	return strings.Join(strings.Fields(text), " ")
}

// report prints the shares and the rest, and compares the rest with the list.
func report(t *testing.T, found []outcome) {
	t.Helper()
	all, own := share{}, share{}
	rest := map[string][]string{} // reason to packages
	for _, o := range found {
		all.add(o.err == nil)
		if o.scripted {
			own.add(o.err == nil)
		}
		if o.err != nil {
			rest[reason(o.err)] = append(rest[reason(o.err)], o.name)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(rest)) {
		slices.Sort(rest[why])
		t.Logf("not interpreted: %s\n    %s", strings.Join(rest[why], " "), why)
	}
	t.Logf("RESULT of %d packages, %d are fully interpreted (%.1f%%); of the %d with scripts of their own, %d (%.1f%%)",
		all.of, all.good, 100*all.part(), own.of, own.good, 100*own.part())
	if all.part() < leastShare {
		t.Errorf("of all packages, less than %.1f%%", 100*leastShare)
	}
	if own.part() < leastScripted {
		t.Errorf("of those with scripts, less than %.1f%%", 100*leastScripted)
	}
	compareFailures(t, found, acceptedFailures(t))
}

type share struct{ good, of int }

func (s *share) add(good bool) {
	s.of++
	if good {
		s.good++
	}
}

func (s share) part() float64 { return float64(s.good) / float64(max(1, s.of)) }

// compareFailures reports failures that are not accepted, and accepted ones that
// are none. A package that is not chosen any more is no matter.
func compareFailures(t *testing.T, found []outcome, accepted map[string]string) {
	t.Helper()
	for _, o := range found {
		why, listed := accepted[o.name]
		switch {
		case o.err != nil && !listed:
			t.Errorf("%s: %s: not in testdata/failures.txt", o.name, reason(o.err))
		case o.err == nil && listed:
			t.Errorf("%s is interpreted now: take it out of testdata/failures.txt", o.name)
		case o.err != nil && !strings.Contains(reason(o.err), why):
			t.Errorf("%s: %s: testdata/failures.txt says %q", o.name, reason(o.err), why)
		}
	}
}

// acceptedFailures reads testdata/failures.txt: sections that begin with a part of
// the reason in brackets, a comment on it, and the packages that it holds for.
func acceptedFailures(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/failures.txt")
	if err != nil {
		t.Fatal(err)
	}
	accepted, why, explained := map[string]string{}, "", false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "["):
			why, explained = strings.Trim(line, "[]"), false
		case strings.HasPrefix(line, "#"):
			explained = true
		case line != "" && (why == "" || !explained):
			t.Errorf("testdata/failures.txt: %q has no reason", line)
		default:
			for name := range strings.FieldsSeq(line) {
				accepted[name] = why
			}
		}
	}
	return accepted
}
