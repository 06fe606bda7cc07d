package cli

import (
	"slices"
	"strings"
)

// accountAnswer tells of a user or group.
type accountAnswer struct {
	Kind    string   `json:"kind"` // "user" or "group"
	Name    string   `json:"name"`
	ID      int      `json:"id"`
	Group   string   `json:"group,omitempty"` // a user's primary one
	GID     *int     `json:"gid,omitempty"`   // its number
	Gecos   string   `json:"gecos,omitempty"`
	Home    string   `json:"home,omitempty"`
	Shell   string   `json:"shell,omitempty"`
	Groups  []string `json:"groups,omitempty"`  // further ones, of a user
	Members []string `json:"members,omitempty"` // of a group, those included whose primary one it is
	Made    *origin  `json:"made"`
}

// account answers for a user or group; nil where there is none.
func (q *inquiry) account(group bool, name string) *accountAnswer {
	for _, acc := range q.e.Accounts {
		if acc.Group != group || acc.Name != name {
			continue
		}
		a := &accountAnswer{Kind: "user", Name: name, ID: acc.ID, Made: q.origin(acc.Origin)}
		if group {
			a.Kind, a.Members = "group", acc.Members
			for _, u := range q.e.Accounts {
				if !u.Group && u.GID == acc.ID && !slices.Contains(a.Members, u.Name) {
					a.Members = append(slices.Clip(a.Members), u.Name)
				}
			}
			return a
		}
		a.Group, a.GID = q.accountName(true, acc.GID), &acc.GID
		a.Gecos, a.Home, a.Shell = acc.Gecos, acc.Home, acc.Shell
		for _, g := range q.e.Accounts {
			if g.Group && slices.Contains(g.Members, name) {
				a.Groups = append(a.Groups, g.Name)
			}
		}
		return a
	}
	return nil
}

func (q *inquiry) accountNames(group bool) []string {
	var names []string
	for _, a := range q.e.Accounts {
		if a.Group == group {
			names = append(names, a.Name)
		}
	}
	return names
}

func (a *accountAnswer) print(f facts) {
	if a.Kind == "group" {
		f.say("is the group %d", a.ID)
		if len(a.Members) > 0 {
			f.add("members", "%s", strings.Join(a.Members, ", "))
		}
		a.Made.print(f)
		return
	}
	f.say("is the user %d, of the group %s (%d), home %s, shell %s", a.ID, a.Group, *a.GID, a.Home, a.Shell)
	if a.Gecos != "" {
		f.add("called", "%s", a.Gecos)
	}
	if len(a.Groups) > 0 {
		f.add("also in", "%s", strings.Join(a.Groups, ", "))
	}
	a.Made.print(f)
}
