package survey

import (
	"kiln/internal/compare"
	"kiln/internal/facts"
	"kiln/internal/filecap"
	"kiln/internal/tree"
)

// typeNames are what facts call the types of entries.
func typeName(t tree.Type) string {
	switch t {
	case tree.Dir:
		return "directory"
	case tree.Symlink:
		return "symlink"
	case tree.CharDev:
		return "character-device"
	case tree.BlockDev:
		return "block-device"
	case tree.Fifo:
		return "pipe"
	}
	return "file"
}

func (w *work) files() {
	if w.Unowned {
		for _, f := range []string{"uid", "gid", "owner", "group"} {
			w.unknown("file."+f, "an ordinary user unpacked the folder, and all in it is that user's: judge the image itself (oci:, docker-archive:, tar:)")
		}
	}
	if !w.Origins {
		w.unknown("file.origin", noRecipe)
		w.unknown("file.why", noRecipe)
		if !w.look.Lists {
			w.unknown("file.package", "the image has no list of the files of its packages (/var/lib/dpkg/info)")
		}
	}
	owners, groups := names(w)
	shared := map[string]*string{}
	share := func(s string) *string { // thousands of files have the same few values
		if shared[s] == nil {
			shared[s] = &s
		}
		return shared[s]
	}
	w.out.Files = make([]facts.File, 0, w.Tree.Len())
	for e := range w.Tree.All() {
		f := facts.File{Path: tree.Absolute(e.Path), Type: typeName(e.Type), Mode: facts.Mode(e.Mode), Size: e.Size}
		if e.Type == tree.Symlink {
			f.Link = e.Link
		}
		if value, ok := e.Xattrs[filecap.Attribute]; ok {
			f.Capabilities = compare.Capabilities(value)
		}
		if !w.Unowned {
			uid, gid := int64(e.UID), int64(e.GID)
			f.UID, f.GID = &uid, &gid
			if w.look.Strange == nil {
				f.Owner, f.Group = share(owners[e.UID]), share(groups[e.GID])
			}
		}
		if w.Origins || w.look.Lists {
			f.Package = share(w.look.PackageOf(e.Path))
		}
		if w.Origins {
			f.Origin, f.Why = share(origin(e.Origin)), share(e.Origin.Why)
		}
		w.out.Files = append(w.out.Files, f)
	}
}

// names are the names of users and groups by number, the first of each.
func names(w *work) (users, groups map[int]string) {
	users, groups = map[int]string{}, map[int]string{}
	for _, u := range w.look.Users {
		if _, twice := users[u.UID]; !twice {
			users[u.UID] = u.Name
		}
	}
	for _, g := range w.look.Groups {
		if _, twice := groups[g.GID]; !twice {
			groups[g.GID] = g.Name
		}
	}
	if w.look.Strange != nil {
		w.unknown("file.owner", "%v", w.look.Strange)
		w.unknown("file.group", "%v", w.look.Strange)
	}
	return users, groups
}

// origin is who made an entry or changed it last.
func origin(o tree.Origin) string {
	switch {
	case o.Recipe != "":
		return "recipe"
	case o.Script != "":
		return "script"
	case o.Rule != "":
		return "kiln"
	case o.Package != "":
		return "package"
	}
	return "kiln"
}
