package recipe

import (
	"net/url"
	"slices"
	"strings"
)

// knownArchives are the archives whose keys, pockets and layout kiln knows.
func knownArchives() []string { return []string{"debian"} }

func (c *checker) sources(r *Recipe) {
	u := c.unique("source")
	for i, s := range r.Sources {
		path := at("sources", i)
		if !c.exactlyOne(path, []string{"archive", "url", "deb"}) {
			continue
		}
		switch {
		case c.has(path + ".archive"):
			c.archive(path, s)
			u.add(path+".archive", s.Archive+" "+s.Suite)
		case c.has(path + ".url"):
			c.vendor(path, s)
			u.add(path+".name", s.Name+" "+s.Suite)
		default:
			c.local(path, s)
			u.add(path+".deb", s.Deb)
		}
		if c.written(path+".priority") && (s.Priority < 1 || s.Priority > 1000) {
			c.problem(path+".priority", "want a priority from 1 to 1000, got %d", s.Priority)
		}
	}
	if wants := r.Essential || slices.ContainsFunc(r.Layers, func(l Layer) bool { return len(l.Packages) > 0 }); wants && len(r.Sources) == 0 {
		c.noSources()
	}
}

func (c *checker) noSources() {
	const note = "name where they come from, such as sources: [{archive: debian, suite: trixie}]"
	if _, ok := c.places["sources"]; ok {
		c.note("sources", note, "the recipe wants packages and has no source")
		return
	}
	c.refuse(c.places[""].node, "sources", note, "the recipe wants packages and has no source")
}

// exactlyOne checks that a mapping has one key of several that exclude each other.
func (c *checker) exactlyOne(path string, choice []string) bool {
	if !c.written(path) {
		return false
	}
	var have []string
	for _, k := range choice {
		if c.has(path + "." + k) {
			have = append(have, k)
		}
	}
	all := strings.Join(choice[:len(choice)-1], ", ") + " or " + choice[len(choice)-1]
	switch len(have) {
	case 1:
		return true
	case 0:
		c.problem(path, "want one of %s", all)
	default:
		c.note(path+"."+have[1], "it already has "+have[0], "want only one of %s", all)
	}
	return false
}

// has tells whether the recipe has the key at path, with whatever value.
func (c *checker) has(path string) bool {
	_, ok := c.places[path]
	return ok
}

// lacks refuses keys that mean nothing here.
func (c *checker) lacks(path, what string, names ...string) {
	for _, k := range names {
		if c.written(path + "." + k) {
			c.problem(path+"."+k, "%q means nothing for %s", k, what)
		}
	}
}

func (c *checker) require(path, key, note string) {
	if c.written(path) && !c.has(path+"."+key) {
		c.refuse(c.places[path].node, path+"."+key, note, "missing key %q", key)
	}
}

func (c *checker) archive(path string, s Source) {
	c.oneOf(path+".archive", s.Archive, "archive", knownArchives())
	c.lacks(path, "a known archive", "keyring")
	if c.written(path+".name") && s.Name != s.Archive {
		c.problem(path+".name", "a known archive keeps its own name, %q", s.Archive)
	}
	c.suite(path, s)
	u := c.unique("pocket")
	for i, p := range s.Pockets {
		at := at(path+".pockets", i)
		if c.oneOf(at, p, "pocket", []string{"updates", "security"}) {
			u.add(at, p)
		}
	}
}

func (c *checker) vendor(path string, s Source) {
	if c.written(path + ".url") {
		if err := checkURL(s.URL); err != "" {
			c.problem(path+".url", "%s", err)
		}
	}
	c.lacks(path, "an archive given by its url", "pockets")
	c.require(path, "name", "what to call it, such as name: vendor")
	c.require(path, "keyring", "the file with the key that signs it, such as keyring: keys/vendor.asc")
	if c.matches(path+".name", s.Name, sourceName, "a name of small letters, digits and -") {
		if s.Name == localSource || slices.Contains(knownArchives(), s.Name) {
			c.problem(path+".name", "the name %q is taken by kiln", s.Name)
		}
	}
	c.hostPath(path+".keyring", s.Keyring)
	c.suite(path, s)
}

func (c *checker) local(path string, s Source) {
	c.lacks(path, "a single .deb", "name", "suite", "components", "pockets", "keyring", "priority")
	if c.hostPath(path+".deb", s.Deb) && !strings.HasSuffix(s.Deb, ".deb") {
		c.problem(path+".deb", "want the path of a .deb file, got %q", shorten(s.Deb))
	}
}

func (c *checker) suite(path string, s Source) {
	c.require(path, "suite", "such as suite: trixie")
	if s.flat() {
		c.flat(path, s)
		return
	}
	c.matches(path+".suite", s.Suite, suiteName, "a suite such as trixie")
	c.notEmpty(path+".components", len(s.Components), "leave the key out for [main]")
	u := c.unique("component")
	for i, name := range s.Components {
		at := at(path+".components", i)
		if c.matches(at, name, suiteName, "a component such as main") {
			u.add(at, name)
		}
	}
}

// flat checks the suite of an archive that has no dists folder: a folder below
// its root, "./" for the root itself.
func (c *checker) flat(path string, s Source) {
	c.lacks(path, `an archive whose suite ends in "/"`, "components")
	if folder := strings.TrimSuffix(s.Suite, "/"); folder != "." {
		c.matches(path+".suite", folder, suiteName, `a folder below the archive's root, such as "./"`)
	}
}

// checkURL says what is wrong with the address of an archive. A password in it
// would end up in every copy of the recipe.
func checkURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || strings.ContainsFunc(s, isControlInPath) || strings.Contains(s, " "):
		return "not a URL"
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "file":
		return "want an http, https or file URL"
	case u.Scheme == "file" && (u.Host != "" || !strings.HasPrefix(u.Path, "/")):
		return "want file:///absolute/path"
	case u.User != nil:
		return "a URL in a recipe holds no user and no password"
	case u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || strings.HasSuffix(s, "?"):
		return "want the root of an archive: no query, no fragment"
	case u.Scheme != "file" && u.Hostname() == "":
		return "the URL names no host"
	}
	return ""
}

// hostPath checks a path of the host, relative to the recipe.
func (c *checker) hostPath(path, s string) bool {
	if !c.written(path) {
		return false
	}
	if !inside(s) {
		c.note(path, "write it relative to the recipe, without ..", "the path %q is not inside the recipe's folder", shorten(s))
		return false
	}
	return true
}
