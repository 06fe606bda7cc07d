package rootfs

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// Rule is one of kiln's own decisions about what is in an image.
type Rule struct {
	Name  string
	Why   string
	Drop  []string // globs of paths of packages that are left out
	Keep  []string // exceptions to Drop
	Links bool     // symbolic links directly in /usr/share/doc stay
	Files bool     // only files go, the folders that hold them stay
	Fixed bool     // the rule cannot be turned off
}

// Rules lists every rule in the order in which they are asked.
func Rules() []Rule { return slices.Clone(everyRule) }

var everyRule = []Rule{
	{
		Name: "no-doc",
		Why:  "documentation is not read inside a container; the copyright files stay, as licences demand",
		Drop: []string{"/usr/share/doc/**", "/usr/share/doc-base/**", "/usr/share/gtk-doc/**"},
		Keep: []string{"/usr/share/doc/*/copyright", "/usr/share/doc/*/copyright.*"},
		// /usr/share/doc/libfoo may be a link to the folder with the copyright file.
		Links: true,
	},
	{Name: "no-man", Why: "manual pages are not read inside a container", Drop: []string{"/usr/share/man/**", "/usr/local/share/man/**"}},
	{Name: "no-info", Why: "info pages are not read inside a container", Drop: []string{"/usr/share/info/**"}},
	{
		Name: "no-locale",
		Why:  "translated messages are not read inside a container",
		Drop: []string{"/usr/share/locale/**"},
		Keep: []string{"/usr/share/locale/locale.alias"},
	},
	{
		Name: "no-lintian",
		Why:  "overrides of package checkers and helpers of bug reports serve Debian's developers only",
		Drop: []string{"/usr/share/lintian/**", "/usr/share/linda/**", "/usr/share/bug/**"},
	},
	{
		Name:  noTraces,
		Why:   "logs, locks, caches and backups that configuring packages leaves behind tell of the building, not of the image",
		Drop:  []string{"/etc/.pwd.lock", "/etc/{passwd,group,shadow,gshadow,subuid,subgid}-", "/var/log/**", "/var/cache/ldconfig/**", "/var/cache/debconf/*-old", "/run/**"},
		Files: true,
	},
	{Name: mergedUsr, Why: "Debian's packages expect /bin, /sbin and /lib to be links into /usr"},
	{Name: "parents", Why: "a directory above something that is in the image", Fixed: true},
	{Name: "accounts", Why: "the users and groups of the image, root and nobody among them", Fixed: true},
	{Name: "dpkg-database", Why: "scanners and dpkg find the image's packages there", Fixed: true},
}

const (
	mergedUsr = "merged-usr"
	noTraces  = "no-traces"
)

// rulesOf returns the rules that the recipe leaves on.
func rulesOf(r *recipe.Recipe) ([]Rule, error) {
	off := map[string]bool{}
	for i, o := range r.Rules.Off {
		if err := checkOff(i, o.Name); err != nil {
			return nil, err
		}
		off[o.Name] = true
	}
	var on []Rule
	for _, rule := range everyRule {
		if !off[rule.Name] {
			on = append(on, rule)
		}
	}
	return on, nil
}

func checkOff(i int, name string) error {
	var names []string
	for _, rule := range everyRule {
		if rule.Fixed {
			continue
		}
		if rule.Name == name {
			return nil
		}
		names = append(names, rule.Name)
	}
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("rules.off[%d]: there is no rule %q that can be turned off", i, name),
		Hints: []string{"the rules are: " + strings.Join(names, ", ")},
	}
}

// ruleOrigin returns the origin of what a rule makes.
func ruleOrigin(name string) tree.Origin {
	for _, rule := range everyRule {
		if rule.Name == name {
			return tree.Origin{Rule: name, Why: rule.Why}
		}
	}
	panic("bug: no rule " + name)
}

func (a *assembly) isOn(name string) bool {
	for i := range a.rules {
		if a.rules[i].Name == name {
			return true
		}
	}
	return false
}

// drops reports whether the rule leaves the entry out, whose path with a leading slash path is.
func (r *Rule) drops(e *tree.Entry, path string) bool {
	if !matchAny(r.Drop, path) || matchAny(r.Keep, path) {
		return false
	}
	if r.Files && e.Type == tree.Dir {
		return false
	}
	return !r.Links || e.Type != tree.Symlink || tree.Parent(e.Path) != "usr/share/doc"
}
