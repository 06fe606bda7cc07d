package compare

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/account"
)

// Look is what is read out of one side's tree.
type Look struct {
	Users  []User                // by number, then name; nil where Strange is not
	Groups []account.Group       // likewise
	Units  map[string]*UnitFacts // by name
	Lists  bool                  // dpkg's lists of files are there
	// Strange is what is wrong with the files of accounts, if anything.
	Strange error

	content *content
}

// User is a user with what is known of its password.
type User struct {
	account.User
	State string // "locked" where no password is accepted, "set", or "empty": anybody gets in
}

// Look reads accounts, units and dpkg's lists out of the tree.
func (s *Side) Look() (*Look, error) {
	c, err := newContent(s)
	if err != nil {
		return nil, err
	}
	l := &Look{Units: c.units, Strange: c.strange, content: c}
	for _, p := range s.Tree.Children("var/lib/dpkg/info") {
		l.Lists = l.Lists || path.Ext(p) == ".list"
	}
	if l.Strange != nil {
		return l, nil
	}
	for _, u := range c.users {
		l.Users = append(l.Users, User{u.User, u.password})
	}
	slices.SortFunc(l.Users, func(a, b User) int { return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.Name, b.Name)) })
	l.Groups = slices.SortedFunc(maps.Values(c.groups), func(a, b account.Group) int {
		return cmp.Or(cmp.Compare(a.GID, b.GID), cmp.Compare(a.Name, b.Name))
	})
	return l, nil
}

// PackageOf names the package that ships a path of the tree, or whose script made it,
// without its architecture; "" for none.
func (l *Look) PackageOf(p string) string {
	if e, ok := l.content.side.Tree.Lookup(p); ok && e.Origin.Package != "" && l.content.owner[p] == "" {
		name, _, _ := strings.Cut(e.Origin.Package, ":")
		return name
	}
	return l.content.packageOf(p)
}
