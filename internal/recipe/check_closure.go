package recipe

import "github.com/bmatcuk/doublestar/v4"

// StrictKinds lists the findings that closure.strict may name. The others stop the
// build in any case.
func StrictKinds() []string { return []string{"library", "script", "unit", "pam", "link"} }

func (c *checker) closure(r *Recipe) {
	for i, a := range r.Closure.Accept {
		path := at("closure.accept", i)
		c.glob(path+".path", a.Path)
		if c.filled(path+".missing", a.Missing) && !doublestar.ValidatePattern(a.Missing) {
			c.problem(path+".missing", "%q is no pattern", shorten(a.Missing))
		}
		c.platforms(path+".platforms", a.Platforms, r.Platforms)
		c.why(path, a.Why)
	}
	kinds := c.unique("kind")
	for i, k := range r.Closure.Strict {
		if at := at("closure.strict", i); c.oneOf(at, k, "kind of finding", StrictKinds()) {
			kinds.add(at, k)
		}
	}
}
