package attest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kiln"
	"kiln/internal/recipe"
)

// Policy is a trust policy, format v1: whose keys are known, who has which role, and
// what an image must have. Slices keep the order of the file.
type Policy struct {
	Trust   string        `yaml:"trust" jsonschema:"required"`   // format of the document: "v1"
	Image   string        `yaml:"image"`                         // name that the signed statements must bear, "web-base", or with its tag, "web-base:1.4.0"
	Keys    []Key         `yaml:"keys" jsonschema:"required"`    // public keys, each of one person
	Roles   []Role        `yaml:"roles" jsonschema:"required"`   // who may sign what, and how many must
	Require []Requirement `yaml:"require" jsonschema:"required"` // what an image must have; all of it
	Fresh   Fresh         `yaml:"fresh"`                         // how old an image may be

	keys []PublicKey // of Keys
}

// Key is the public key of a person, or of a machine that signs.
type Key struct {
	Name   string `yaml:"name" jsonschema:"required"`   // of the key: "alice-2026"
	Person string `yaml:"person" jsonschema:"required"` // whose it is; all keys of a person count once
	Key    string `yaml:"key"`                          // the key as PEM
	File   string `yaml:"file"`                         // or the file it is in, relative to the policy
	From   string `yaml:"from"`                         // signatures count from then on: a date, or a time with its zone
	Until  string `yaml:"until"`                        // and no longer from then on
}

// Role names persons and how many of them must have signed the same.
type Role struct {
	Name      string   `yaml:"name" jsonschema:"required"`    // "release"
	Persons   []string `yaml:"persons" jsonschema:"required"` // any of these
	Threshold int      `yaml:"threshold"`                     // so many different ones; default 1
}

// Requirement is one kind of statement that an image must have.
type Requirement struct {
	Predicate   string            `yaml:"predicate" jsonschema:"required"` // "signature", "slsaprovenance1", "spdxjson", "cyclonedx", ..., or the URI of a predicate type
	Role        string            `yaml:"role" jsonschema:"required"`      // who must have signed it
	Of          string            `yaml:"of"`                              // "image", or "platforms": each of them by itself; default image, and platforms for an SBOM
	Annotations map[string]string `yaml:"annotations"`                     // that the signed subject must have
	Provenance  Made              `yaml:"provenance"`                      // what it must say, of slsaprovenance1
}

// Fresh says how old an image may be.
type Fresh struct {
	Created  string `yaml:"created"`  // refuse an image that was created before: a date, or a time with its zone
	Serial   int    `yaml:"serial"`   // refuse a signature with a smaller serial number (kiln sign --serial)
	Remember bool   `yaml:"remember"` // refuse an image that is older than the last that was accepted (kiln verify --state)
}

// What a Requirement is of.
const (
	OfImage     = "image"
	OfPlatforms = "platforms"
)

const policyFormat = "v1"

// ParsePolicy reads a trust policy; name is what messages call the file, and open
// reads a file that it names.
func ParsePolicy(name string, src []byte, open func(file string) ([]byte, error)) (*Policy, error) {
	p := &Policy{}
	doc := recipe.Decode(name, "trust policy", src, p)
	c := &policyCheck{doc, p}
	c.head()
	c.allKeys(open)
	c.roles()
	c.requirements()
	problems := doc.Problems()
	if len(problems) == 0 {
		return p, nil
	}
	return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the trust policy %q:\n%v", name, problems), Err: problems}
}

// policyCheck looks at what the types of a Policy cannot say.
type policyCheck struct {
	*recipe.Strict
	p *Policy
}

// Problem reports something about the value at path; the note helps to mend it, and
// may be empty.
func (c *policyCheck) Problem(path, note, format string, args ...any) {
	c.Refuse(path, fmt.Sprintf(format, args...), note, "")
}

// Suggest is Problem for a word that is none of the known ones.
func (c *policyCheck) Suggest(path, word string, known []string, format string, args ...any) {
	c.Refuse(path, fmt.Sprintf(format, args...), "known: "+strings.Join(known, ", "), recipe.Nearest(word, known))
}

func (c *policyCheck) head() {
	if c.Written("trust") && c.p.Trust != policyFormat {
		c.Problem("trust", "write trust: "+policyFormat, "unknown format %q of a trust policy", c.p.Trust)
	}
	c.time("fresh.created", c.p.Fresh.Created)
	if c.p.Fresh.Serial < 0 {
		c.Problem("fresh.serial", "", "a serial number is not negative")
	}
	if c.p.Fresh.Remember && c.p.Image == "" {
		c.Problem("fresh.remember", "write image: NAME", "what was accepted is remembered by the image's name, and the policy names none")
	}
	if c.Written("image") && (c.p.Image == "" || strings.HasPrefix(c.p.Image, ":") || strings.HasSuffix(c.p.Image, ":")) {
		c.Problem("image", "write NAME or NAME:TAG", "want the name of an image, got %q", c.p.Image)
	}
}

// time checks a date or time, and returns it; zero where it is not written.
func (c *policyCheck) time(path, s string) time.Time {
	if !c.Written(path) {
		return time.Time{}
	}
	t, err := ParseTime(s)
	if err != nil {
		c.Problem(path, "write 2026-11-20 or 2026-11-20T12:00:00Z", "want a date, or a time with its zone, got %q", s)
	}
	return t
}

// ParseTime reads a date (its beginning, UTC) or a time of RFC 3339.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	return t.UTC(), err
}

func (c *policyCheck) allKeys(open func(string) ([]byte, error)) {
	if c.Written("keys") && len(c.p.Keys) == 0 {
		c.Problem("keys", "", "want at least one key")
	}
	names, ids := map[string]bool{}, map[string]string{}
	for i, k := range c.p.Keys {
		at := fmt.Sprintf("keys[%d]", i)
		if names[k.Name] {
			c.Problem(at+".name", "", "key %q twice", k.Name)
		}
		names[k.Name] = true
		for field, text := range map[string]string{"name": k.Name, "person": k.Person} { // each has a place of its own
			if c.Written(at+"."+field) && strings.TrimSpace(text) == "" {
				c.Problem(at+"."+field, "", "this text is empty")
			}
		}
		from, until := c.time(at+".from", k.From), c.time(at+".until", k.Until)
		if !until.IsZero() && !from.Before(until) {
			c.Problem(at+".until", "", "the key is valid until %s, and only from %s on", k.Until, k.From)
		}
		public, ok := c.key(at, k, open)
		if other := ids[public.ID()]; ok && other != "" {
			c.Problem(at, "rotate a key with a new one", "the keys %q and %q are the same", other, k.Name)
		} else if ok {
			ids[public.ID()] = k.Name
		}
		c.p.keys = append(c.p.keys, public)
	}
}

func (c *policyCheck) key(at string, k Key, open func(string) ([]byte, error)) (PublicKey, bool) {
	text, where := []byte(k.Key), at+".key"
	switch {
	case (k.Key == "") == (k.File == ""):
		c.Problem(at, "write the key itself, or its file", "want one of key and file")
		return PublicKey{}, false
	case k.File != "":
		where = at + ".file"
		var err error
		if text, err = open(k.File); err != nil {
			c.Problem(where, "", "cannot read the public key: %v", err)
			return PublicKey{}, false
		}
	}
	public, err := ParsePublicKey(text)
	if err != nil {
		c.Problem(where, "kiln key public FILE prints a public key", "cannot use the public key: %v", err)
	}
	return public, err == nil
}

func (c *policyCheck) roles() {
	if c.Written("roles") && len(c.p.Roles) == 0 {
		c.Problem("roles", "", "want at least one role")
	}
	var persons []string
	for _, k := range c.p.Keys {
		persons = append(persons, k.Person)
	}
	names := map[string]bool{}
	for i := range c.p.Roles {
		r := &c.p.Roles[i]
		at := fmt.Sprintf("roles[%d]", i)
		if names[r.Name] {
			c.Problem(at+".name", "", "role %q twice", r.Name)
		}
		names[r.Name] = true
		seen := map[string]bool{}
		for j, name := range r.Persons {
			where := fmt.Sprintf("%s.persons[%d]", at, j)
			if !slices.Contains(persons, name) {
				c.Suggest(where, name, persons, "nobody called %q has a key", name)
			}
			if seen[name] {
				c.Problem(where, "", "%q twice", name)
			}
			seen[name] = true
		}
		if !c.Written(at + ".threshold") {
			r.Threshold = max(r.Threshold, 1)
		}
		if r.Threshold < 1 || r.Threshold > len(r.Persons) {
			c.Problem(at+".threshold", "", "a threshold of %d cannot be reached, or asks for nothing: the role has %d persons", r.Threshold, len(r.Persons))
		}
	}
}

func (c *policyCheck) requirements() {
	if c.Written("require") && len(c.p.Require) == 0 {
		c.Problem("require", "write - {predicate: signature, role: ...}", "a policy that requires nothing lets everything pass")
	}
	var roles []string
	for _, r := range c.p.Roles {
		roles = append(roles, r.Name)
	}
	for i := range c.p.Require {
		r := &c.p.Require[i]
		at := fmt.Sprintf("require[%d]", i)
		if c.Written(at+".role") && !slices.Contains(roles, r.Role) {
			c.Suggest(at+".role", r.Role, roles, "unknown role %q", r.Role)
		}
		pred, err := ParsePredicate(r.Predicate)
		if c.Written(at+".predicate") && err != nil {
			c.Suggest(at+".predicate", r.Predicate, PredicateNames(), "unknown predicate type %q", r.Predicate)
		}
		switch {
		case !c.Written(at + ".of"):
			r.Of = OfImage
			if pred.Type == PredicateSPDX || pred.Type == PredicateCycloneDX {
				r.Of = OfPlatforms
			}
		case r.Of != OfImage && r.Of != OfPlatforms:
			c.Suggest(at+".of", r.Of, []string{OfImage, OfPlatforms}, "want %s or %s, got %q", OfImage, OfPlatforms, r.Of)
		}
		c.provenance(at+".provenance", r.Provenance, pred)
	}
}

// provenance looks at what a statement is to say.
func (c *policyCheck) provenance(at string, m Made, pred Predicate) {
	if !c.Written(at) {
		return
	}
	if pred.Type != "" && pred.Type != PredicateProvenance {
		c.Problem(at, "write it under predicate: "+NameOf(PredicateProvenance), "only provenance says how an image was made, not %s", pred.Name)
		return
	}
	if !m.asks() {
		c.Problem(at, "write builders, build-types, sources, recipe or max-age", "it asks for nothing")
	}
	for field, list := range map[string][]string{"builders": m.Builders, "build-types": m.BuildTypes, "sources": m.Sources} { // each has a place of its own
		if c.Written(at+"."+field) && len(list) == 0 {
			c.Problem(at+"."+field, "", "want at least one")
		}
		for i, s := range list {
			if strings.TrimSpace(s) == "" || s == "*" {
				c.Problem(fmt.Sprintf("%s.%s[%d]", at, field, i), "write a URI", "this lets everything pass")
			}
		}
	}
	if c.Written(at+".recipe") && m.Recipe == "" {
		c.Problem(at+".recipe", "write the name of a recipe", "this text is empty")
	}
	if _, err := parseAge(m.MaxAge); c.Written(at+".max-age") && err != nil {
		c.Problem(at+".max-age", "write 30d or 12h", "want a number of days or hours, got %q", m.MaxAge)
	}
}

// role is the role of a name, which is there.
func (p *Policy) role(name string) Role {
	for _, r := range p.Roles {
		if r.Name == name {
			return r
		}
	}
	panic("bug: a checked policy has no role " + strconv.Quote(name))
}

// Name is the name of the image without its tag, and the tag.
func (p *Policy) Name() (name, tag string) {
	name, tag, _ = strings.Cut(p.Image, ":")
	return name, tag
}
