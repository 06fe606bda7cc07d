package cli

import (
	"cmp"
	"fmt"

	"kiln"
	"kiln/internal/tree"
)

// entryFacts is what stands at a path.
type entryFacts struct {
	Type    tree.Type   `json:"type"`
	Mode    string      `json:"mode"` // octal
	UID     int         `json:"uid"`
	GID     int         `json:"gid"`
	Owner   string      `json:"owner"` // user and group, by name where they have one
	Size    int64       `json:"size,omitempty"`
	Content kiln.Digest `json:"content,omitempty"`
	Link    string      `json:"link,omitempty"`  // target of a symbolic link
	Leads   string      `json:"leads,omitempty"` // where that ends; empty where nothing is there
	Names   []string    `json:"names,omitempty"` // other hard links
	Entries int         `json:"entries,omitempty"`
}

func (q *inquiry) entryFacts(e *tree.Entry) *entryFacts {
	f := &entryFacts{
		Type: e.Type, Mode: fmt.Sprintf("%04o", e.Mode), UID: e.UID, GID: e.GID, Size: e.Size, Content: e.Content,
		Owner: q.accountName(false, e.UID) + ":" + q.accountName(true, e.GID),
	}
	switch e.Type {
	case tree.Symlink:
		f.Link = e.Link
		if to, err := q.e.Tree.Resolve(e.Path); err == nil {
			f.Leads = tree.Absolute(to)
		}
	case tree.File:
		for _, other := range q.e.Tree.Names(e.Path) {
			if other != e.Path {
				f.Names = append(f.Names, tree.Absolute(other))
			}
		}
	case tree.Dir:
		f.Entries = len(q.e.Tree.Children(e.Path))
	}
	return f
}

// accountName is a user's or group's name, or the number of one that has none.
func (q *inquiry) accountName(group bool, id int) string {
	for _, a := range q.e.Accounts {
		if a.Group == group && a.ID == id {
			return a.Name
		}
	}
	return fmt.Sprint(id)
}

func (e *entryFacts) print(f facts) {
	text := fmt.Sprintf("%s, %s, %s (%d:%d)", e.Type.Name(), e.Mode, e.Owner, e.UID, e.GID)
	switch e.Type {
	case tree.File:
		text += fmt.Sprintf(", %s, %s", size(e.Size), e.Content)
	case tree.Symlink:
		text = fmt.Sprintf("%s to %s, %s", e.Type.Name(), e.Link, cmp.Or(leadsText(e), e.Owner))
	case tree.Dir:
		text += fmt.Sprintf(", %d entries", e.Entries)
	}
	f.say("is %s", text)
	if len(e.Names) > 0 {
		f.list("also named", e.Names)
	}
}

func leadsText(e *entryFacts) string {
	if e.Leads == "" {
		return "which leads nowhere"
	}
	return "which leads to " + e.Leads
}
