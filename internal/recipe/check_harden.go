package recipe

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// HardenNames lists the rules that harden may name.
func HardenNames() []string {
	return []string{"no-setuid", "no-shells", "no-package-manager", "no-docs", "read-only-root", "noninteractive", "root-locked", "login-defs", "sysctl", "modules", "sshd"}
}

// Rules whose settings are checked against other parts of the recipe.
const (
	readOnlyRoot   = "read-only-root"
	noninteractive = "noninteractive"
	noDocs         = "no-docs"
)

func (c *checker) harden(r *Recipe) {
	u := c.unique("rule")
	for i, h := range r.Harden {
		path := at("harden", i)
		if c.oneOf(path, h.Name, "rule", HardenNames()) {
			u.add(path, h.Name)
		}
		c.why(path, h.Why)
		c.notEmpty(path+".except", len(h.Except), "leave the key out where there is no exception")
		for k, e := range h.Except {
			if c.filled(at(path+".except", k), e) && strings.HasPrefix(h.Name, "no-") {
				c.glob(at(path+".except", k), e)
			}
		}
		if len(h.Except) > 0 && strings.TrimSpace(h.Why) == "" && !c.written(path+".why") {
			c.note(path+".except", needs["why"], "exceptions have no reason")
		}
		c.hardened(r, h, path)
	}
}

// hardened checks a rule against the rest of the recipe.
func (c *checker) hardened(r *Recipe, h Harden, at string) {
	for k, dir := range h.Writable {
		p := fmt.Sprintf("%s.writable[%d]", at, k)
		if h.Name != readOnlyRoot {
			c.problem(p, "the rule %q has no folders", h.Name)
			break
		}
		c.imagePath(p, dir)
	}
	switch h.Name {
	case noninteractive:
		for i, u := range r.Users {
			if u.UID != 0 && u.Shell != "" && !slices.Contains([]string{"nologin", "false", "true", "sync"}, path.Base(u.Shell)) && !slices.Contains(h.Except, u.Name) {
				c.note(fmt.Sprintf("users[%d].shell", i), fmt.Sprintf("take the shell out, or write harden: [{noninteractive: {except: [%s], why: ...}}]", u.Name),
					"the user %q has a shell, and %s (%s) gives nobody one", u.Name, at, h.Name)
			}
		}
	case noDocs:
		for i, off := range r.Rules.Off {
			if slices.Contains([]string{"no-doc", "no-man", "no-info", "no-lintian"}, off.Name) {
				c.note(fmt.Sprintf("rules.off[%d]", i), "take one of the two out", "the rule %q is off, and %s (%s) does the same", off.Name, at, h.Name)
			}
		}
	}
}

// Writable lists the folders that stay writable where the root is read-only.
func (r *Recipe) Writable() []string {
	var list []string
	for _, h := range r.Harden {
		if h.Name == readOnlyRoot {
			list = append(list, h.Writable...)
		}
	}
	return list
}
