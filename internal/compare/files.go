package compare

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/filecap"
	"kiln/internal/tree"
)

// FileChange is what became of one path.
type FileChange struct {
	Path    string   `json:"path"`
	Change  string   `json:"change"`            // "added", "removed", "changed" or "moved"
	From    string   `json:"from,omitempty"`    // of one that moved
	Fields  []string `json:"fields,omitempty"`  // what differs: "mode", "uid", "content"...
	Package string   `json:"package,omitempty"` // that ships it, or whose script made it
	Before  *Facts   `json:"before,omitempty"`
	After   *Facts   `json:"after,omitempty"`
}

// Facts is what stands at a path.
type Facts struct {
	Type         tree.Type   `json:"type"`
	Mode         string      `json:"mode"` // octal
	UID          int         `json:"uid"`
	GID          int         `json:"gid"`
	Size         int64       `json:"size,omitempty"`
	Content      kiln.Digest `json:"content,omitempty"`
	Link         string      `json:"link,omitempty"`
	Capabilities string      `json:"capabilities,omitempty"` // "cap_net_raw=ep"
}

// TimesOnly tells that nothing but the time of the entry differs.
func (c *FileChange) TimesOnly() bool {
	return c.Change == "changed" && len(c.Fields) == 1 && c.Fields[0] == "mtime"
}

// String tells it in one line.
func (c FileChange) String() string {
	switch c.Change {
	case "added":
		return "+ " + c.Path + c.After.suffix()
	case "removed":
		return "- " + c.Path + c.Before.suffix()
	case "moved":
		return "> " + c.From + " -> " + c.Path
	}
	var parts []string
	for _, f := range c.Fields {
		parts = append(parts, c.field(f))
	}
	return "~ " + c.Path + ": " + strings.Join(parts, ", ")
}

// field tells how one field changed, where that is short.
func (c *FileChange) field(name string) string {
	a, b := c.Before, c.After
	switch name {
	case "mode":
		return "mode " + a.Mode + " -> " + b.Mode
	case "uid":
		return fmt.Sprintf("uid %d -> %d", a.UID, b.UID)
	case "gid":
		return fmt.Sprintf("gid %d -> %d", a.GID, b.GID)
	case "size":
		return fmt.Sprintf("size %d -> %d", a.Size, b.Size)
	case "link":
		return "link " + a.Link + " -> " + b.Link
	case "type":
		return "it was " + a.Type.Name() + " and is " + b.Type.Name()
	case "xattr":
		if a.Capabilities != b.Capabilities {
			return fmt.Sprintf("capabilities %q -> %q", a.Capabilities, b.Capabilities)
		}
	}
	return name
}

func (f *Facts) suffix() string {
	s := ""
	switch {
	case f.Type == tree.Dir:
		s = "/"
	case f.Type == tree.Symlink:
		s = " -> " + f.Link
	}
	if f.UID != 0 || f.GID != 0 {
		s += fmt.Sprintf(" %d:%d", f.UID, f.GID)
	}
	if f.Mode[0] != '0' && f.Type != tree.Symlink {
		s += " " + f.Mode
	}
	if f.Capabilities != "" {
		s += " " + f.Capabilities
	}
	return s
}

func factsOf(e *tree.Entry) *Facts {
	f := &Facts{Type: e.Type, Mode: fmt.Sprintf("%04o", e.Mode), UID: e.UID, GID: e.GID, Size: e.Size, Content: e.Content}
	if e.Type == tree.Symlink {
		f.Link = e.Link
	}
	if v, ok := e.Xattrs[filecap.Attribute]; ok {
		f.Capabilities = Capabilities(v)
	}
	return f
}

// ownership are the fields that say who may do what.
func ownership(field string) bool {
	return slices.Contains([]string{"mode", "uid", "gid", "xattr"}, field)
}

func (r *Report) compareFiles(a, b *Side, before, after *content) {
	var files []FileChange
	for _, c := range tree.Diff(a.Tree, b.Tree) {
		fc := FileChange{Path: tree.Absolute(c.Path), Change: "changed", Fields: c.Fields}
		switch {
		case c.Before == nil:
			fc.Change = "added"
		case c.After == nil:
			fc.Change = "removed"
		}
		if c.Before != nil {
			fc.Before, fc.Package = factsOf(c.Before), before.packageOf(c.Path)
		}
		if c.After != nil {
			fc.After = factsOf(c.After)
			if name := after.packageOf(c.Path); name != "" {
				fc.Package = name
			}
		}
		if a.Unowned != b.Unowned {
			fc.Fields = slices.DeleteFunc(fc.Fields, func(f string) bool { return f == "uid" || f == "gid" })
			if fc.Change == "changed" && len(fc.Fields) == 0 {
				continue
			}
		}
		if slices.ContainsFunc(fc.Fields, ownership) {
			r.Modes = append(r.Modes, fc)
		} else {
			files = append(files, fc)
		}
	}
	r.Files = append(r.Files, moved(files)...)
}

// moved joins a file that went and one that came with the same content: those of
// one name first, then in order of their paths.
func moved(files []FileChange) []FileChange {
	gone := map[kiln.Digest][]int{}
	for i := range files {
		if f := &files[i]; f.Change == "removed" && f.Before.Size > 0 {
			gone[f.Before.Content] = append(gone[f.Before.Content], i)
		}
	}
	used := map[int]bool{}
	for _, sameName := range []bool{true, false} {
		for i := range files {
			f := &files[i]
			if f.Change != "added" || f.After.Size == 0 {
				continue
			}
			for _, j := range gone[f.After.Content] {
				if used[j] || sameName && path.Base(files[j].Path) != path.Base(f.Path) {
					continue
				}
				used[j] = true
				f.Change, f.From, f.Before = "moved", files[j].Path, files[j].Before
				break
			}
		}
	}
	var left []FileChange
	for i := range files {
		if !used[i] {
			left = append(left, files[i])
		}
	}
	return left
}
