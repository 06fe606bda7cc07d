package recipe

import (
	"slices"
	"strings"
)

func (c *checker) debconf(r *Recipe) {
	u := c.unique("question")
	for i, a := range r.Debconf {
		path := at("debconf", i)
		if c.matches(path+".question", a.Question, question, "a question as debconf has it, such as tzdata/Areas, without spaces") {
			u.add(path+".question", a.Question)
		}
		c.why(path, a.Why)
	}
}

func (c *checker) units(r *Recipe) {
	u := c.unique("unit")
	for i, s := range r.System.Services.Enable {
		path := at("system.services.enable", i)
		if c.unit(path+".unit", s.Unit) {
			u.add(path+".unit", s.Unit)
		}
		c.why(path, s.Why)
	}
}

// unitTypes are the suffixes of units that can be enabled.
func unitTypes() []string {
	return []string{"service", "socket", "timer", "path", "target", "mount", "automount", "swap", "slice"}
}

// transientTypes are those of units that systemd makes as it runs, without a file.
func transientTypes() []string { return []string{"device", "scope"} }

// unit checks the name of a unit file, or a pattern of such names.
func (c *checker) unit(path, s string) bool {
	if !c.written(path) {
		return false
	}
	if unitName(s) {
		return true
	}
	suffix := s[strings.LastIndexByte(s, '.')+1:]
	near := nearUnit(s)
	switch {
	case slices.Contains(transientTypes(), suffix):
		c.note(path, "types that can be: "+strings.Join(unitTypes(), ", "), "a unit of type %q cannot be enabled: %q", suffix, shorten(s))
	case near != "":
		c.suggest(path, near, "want the name of a unit file with its type, got %q", shorten(s))
	default:
		c.note(path, "such as ssh.service, getty@tty1.service or systemd-*.timer; types: "+strings.Join(unitTypes(), ", "),
			"want the name of a unit file with its type, got %q", shorten(s))
	}
	return false
}

// nearUnit returns the unit that s was most likely meant to be, or "": without its
// folder, with its type spelled right, or of type service where it names none.
func nearUnit(s string) string {
	name := s[strings.LastIndexByte(s, '/')+1:]
	tries := []string{name}
	if prefix, suffix, ok := cutLast(name, "."); ok {
		tries = append(tries, prefix+"."+nearest(suffix, unitTypes()))
	}
	for _, try := range append(tries, name+".service") {
		if unitName(try) {
			return try
		}
	}
	return ""
}

// cutLast is strings.Cut at the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
