package recipe

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"kiln"
)

// checker looks at a decoded recipe for what its types cannot say. A value that
// could not be decoded is not looked at again.
type checker struct{ *decoder }

// Vocabulary of the document.
const (
	format        = "v1"
	reservedLayer = "dpkg"  // the layer that kiln makes for the package database
	localSource   = "local" // what packages of the recipe's own .deb files come from
)

// RuleNames lists the default rules that rules.off may name.
func RuleNames() []string {
	return []string{"no-doc", "no-man", "no-info", "no-locale", "no-lintian", "no-traces", "merged-usr"}
}

func (c *checker) recipe(r *Recipe) {
	if c.written("kiln") && r.Kiln != format {
		c.suggest("kiln", format, "unknown recipe format %q", r.Kiln)
	}
	c.matches("name", r.Name, imageName, "small letters and digits, joined by single . _ or -")
	if r.Version != "" {
		c.matches("version", r.Version, imageVersion, "letters, digits and . _ + -, at most 128")
	}
	c.filled("summary", r.Summary)
	for i, o := range r.Owners {
		c.filled(at("owners", i), o)
	}
	c.platforms("platforms", r.Platforms, nil)
	c.sources(r)
	c.layers(r)
	c.accounts(r)
	c.skips(r)
	c.debconf(r)
	c.rules(r)
	c.container(r)
	c.units(r)
	c.system(r)
	c.harden(r)
	c.closure(r)
	c.secrets(r)
	c.policies(r)
}

// platforms checks a list of platforms; known, where it is not nil, is what the
// recipe is for.
func (c *checker) platforms(path string, list, known []kiln.Platform) {
	if c.written(path) && len(list) == 0 {
		c.problem(path, "want at least one platform")
	}
	u := c.unique("platform")
	for i, p := range list {
		at := at(path, i)
		if c.written(at) && u.add(at, p.String()) && known != nil && !slices.Contains(known, p) {
			c.problem(at, "platform %q is none of the recipe's", p)
		}
	}
}

func (c *checker) skips(r *Recipe) {
	u := c.unique("skip of the package")
	for i, s := range r.Skip {
		path := at("skip", i)
		if c.matches(path+".package", s.Package, packageName, packageSyntax) {
			u.add(path+".package", s.Package)
		}
		c.why(path, s.Why)
		c.notEmpty(path+".scripts", len(s.Scripts), "name a script, or leave the key out to skip both")
		scripts := c.unique("script")
		for j, name := range s.Scripts {
			at := at(path+".scripts", j)
			if c.oneOf(at, name, "script", []string{"preinst", "postinst"}) {
				scripts.add(at, name)
			}
		}
	}
}

func (c *checker) rules(r *Recipe) {
	u := c.unique("rule")
	for i, off := range r.Rules.Off {
		path := at("rules.off", i)
		if c.oneOf(path, off.Name, "rule", RuleNames()) {
			u.add(path, off.Name)
		}
		c.why(path, off.Why)
	}
}

// written tells whether the recipe has a usable value at path.
func (c *checker) written(path string) bool {
	p, ok := c.places[path]
	return ok && !p.bad
}

// problem reports something about the value at path, unless it has none or it is
// already known to be bad.
func (c *checker) problem(path, format string, args ...any) { c.note(path, "", format, args...) }

func (c *checker) note(path, note, format string, args ...any) {
	if p, ok := c.places[path]; ok {
		c.refuse(p.node, path, note, format, args...)
	}
}

func (c *checker) suggest(path, suggestion, format string, args ...any) {
	if !c.written(path) {
		return
	}
	c.problem(path, format, args...)
	c.problems[len(c.problems)-1].Suggestion = suggestion
}

// filled refuses a text that is there and says nothing.
func (c *checker) filled(path, s string) bool {
	if !c.written(path) {
		return false
	}
	if strings.TrimSpace(s) == "" {
		c.problem(path, "this text is empty")
		return false
	}
	return true
}

func (c *checker) why(path, s string) {
	if c.written(path+".why") && strings.TrimSpace(s) == "" {
		c.note(path+".why", needs["why"], "the reason is empty")
	}
}

func (c *checker) matches(path, s string, valid func(string) bool, want string) bool {
	if !c.written(path) {
		return false
	}
	if !valid(s) {
		c.problem(path, "want %s, got %q", want, shorten(s))
		return false
	}
	return true
}

func (c *checker) oneOf(path, s, noun string, known []string) bool {
	if !c.written(path) {
		return false
	}
	if slices.Contains(known, s) {
		return true
	}
	if n := nearest(s, known); n != "" {
		c.suggest(path, n, "unknown %s %q", noun, shorten(s))
	} else {
		c.note(path, "known: "+strings.Join(known, ", "), "unknown %s %q", noun, shorten(s))
	}
	return false
}

// notEmpty refuses a list that is there and has nothing in it.
func (c *checker) notEmpty(path string, length int, note string) {
	if c.written(path) && length == 0 {
		c.note(path, note, "this list is empty")
	}
}

// names finds what is there twice.
type names struct {
	c     *checker
	noun  string
	lines map[string]int
}

func (c *checker) unique(noun string) names { return names{c, noun, map[string]int{}} }

// add reports whether name is new; a second one is a problem at path.
func (u names) add(path, name string) bool {
	p, ok := u.c.places[path]
	if !ok || p.bad {
		return false
	}
	if line, ok := u.lines[name]; ok {
		u.c.note(path, fmt.Sprintf("it is already in line %d", line), "%s %q twice", u.noun, shorten(name))
		return false
	}
	u.lines[name] = p.node.Line
	return true
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func atKey(path, key string) string { return fmt.Sprintf("%s[%s]", path, key) }

// isShort bounds the names that end up in file names and tables.
func isShort(s string, most int) bool { return utf8.RuneCountInString(s) <= most }
