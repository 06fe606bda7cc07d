package recipe

import "strings"

// firstSupport and lastSupport bound the years of an end of support: what is outside
// is a slip of the pen.
const (
	firstSupport = 2020
	lastSupport  = 2100
)

func (c *checker) lifecycle(r *Recipe) {
	l := r.Lifecycle
	if c.written("lifecycle") && !c.written("lifecycle.support-until") && !c.written("lifecycle.replaces") {
		c.note("lifecycle", "such as lifecycle: {support-until: 2028-06-30}", "it says nothing")
	}
	if year := l.SupportUntil.Year(); c.written("lifecycle.support-until") && (year < firstSupport || year > lastSupport) {
		c.problem("lifecycle.support-until", "want a day from %d to %d, got %s", firstSupport, lastSupport, l.SupportUntil.Format("2006-01-02"))
	}
	if !c.written("lifecycle.replaces") {
		return
	}
	name, version, ok := strings.Cut(l.Replaces, "@")
	switch {
	case !ok || !imageName(name) || !imageVersion(version):
		c.note("lifecycle.replaces", "such as replaces: web-base@1.3", "want NAME@VERSION of an image, got %q", shorten(l.Replaces))
	case name == r.Name && version == r.Version:
		c.problem("lifecycle.replaces", "%s@%s is this image itself", name, version)
	}
}
