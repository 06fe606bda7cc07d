package maint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// unpack runs the package's preinst and puts its files in place.
func (n *installation) unpack(ctx context.Context, m *member) error {
	if err := n.putControlFiles(m); err != nil {
		return err
	}
	if err := n.script(ctx, m, "preinst", "install"); err != nil {
		return err
	}
	diversions, err := n.diversions()
	if err != nil {
		return err
	}
	overrides, err := n.overrides()
	if err != nil {
		return err
	}
	m.files = make([]string, 0, len(m.Entries))
	if err := n.put(m, diversions, overrides); err != nil {
		return err
	}
	m.Entries = nil // they are in the tree, which is large enough
	m.state = unpacked
	n.unpacked = append(n.unpacked, m)
	n.activateFiles(m.files)
	return nil
}

// put puts the package's entries.
func (n *installation) put(m *member, diversions map[string]diversion, overrides map[string]override) error {
	before := n.fs.Author(tree.Origin{Package: n.db.origin(m)})
	defer n.fs.Author(before)
	for _, e := range m.Entries {
		path := tree.Absolute(e.Path)
		if d, ok := diversions[path]; ok && d.by != m.ID.Name {
			e.Path = strings.TrimPrefix(d.to, "/")
		}
		if o, ok := overrides[path]; ok && e.Type != tree.Symlink {
			e.UID, e.GID, e.Mode = o.uid, o.gid, o.mode
		}
		if e.Origin.Package == "" {
			e.Origin.Package = n.db.origin(m)
		}
		if err := n.putEntry(e); err != nil {
			return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot unpack the package %q: %v", m.ID, err), Err: err}
		}
		m.files = append(m.files, path)
	}
	return nil
}

// putEntry puts one entry. A directory, or a link to one, that is there stays as
// it is, as dpkg leaves it.
func (n *installation) putEntry(e tree.Entry) error {
	if e.Type == tree.Dir {
		info, err := n.fs.Stat(tree.Absolute(e.Path))
		if err == nil && info.IsDir() && e.Path != "." {
			return nil
		}
	}
	err := n.fs.Put(e)
	if up := tree.Parent(e.Path); errors.Is(err, fs.ErrNotExist) && up != "." { // what ships it may be left out
		author := n.fs.Author(tree.Origin{}) // nobody asked for it
		made := n.fs.MkdirAll(tree.Absolute(up), 0o755)
		n.fs.Author(author)
		if made != nil {
			return made
		}
		err = n.fs.Put(e)
	}
	return err
}

// controlNames are the control files that dpkg keeps below info/.
func kept(name string) bool { return name != "control" && name != "conffiles.new" }

// putControlFiles writes the package's control files where scripts look for them.
func (n *installation) putControlFiles(m *member) error {
	if err := n.fs.MkdirAll(infoDir, 0o755); err != nil {
		return err
	}
	for _, f := range m.Files {
		if !kept(f.Name) {
			continue
		}
		path := n.db.infoBase(m) + "." + f.Name
		if err := n.fs.WriteFile(path, f.Content, f.Mode); err != nil {
			return err
		}
		if err := n.fs.Chmod(path, f.Mode); err != nil {
			return err
		}
	}
	return nil
}

// diversion is one entry of dpkg's diversions file.
type diversion struct{ to, by string }

// diversions reads /var/lib/dpkg/diversions: three lines for each.
func (n *installation) diversions() (map[string]diversion, error) {
	lines, err := n.databaseLines("diversions")
	if err != nil {
		return nil, err
	}
	all := map[string]diversion{}
	for i := 0; i+2 < len(lines); i += 3 {
		all[lines[i]] = diversion{to: lines[i+1], by: lines[i+2]}
	}
	return all, nil
}

// override is one line of dpkg's statoverride file.
type override struct {
	uid, gid int
	mode     uint32
}

// overrides reads /var/lib/dpkg/statoverride: user, group, mode and path.
func (n *installation) overrides() (map[string]override, error) {
	lines, err := n.databaseLines("statoverride")
	if err != nil {
		return nil, err
	}
	all := map[string]override{}
	for _, line := range lines {
		f := strings.SplitN(line, " ", 4)
		if len(f) < 4 {
			continue
		}
		mode, err := strconv.ParseUint(f[2], 8, 32)
		if err != nil {
			return nil, userError("cannot read the stat override %q: %v", line, err)
		}
		uid, err := n.id("/etc/passwd", f[0])
		if err != nil {
			return nil, err
		}
		gid, err := n.id("/etc/group", f[1])
		if err != nil {
			return nil, err
		}
		all[f[3]] = override{uid: uid, gid: gid, mode: uint32(mode)}
	}
	return all, nil
}

// id returns the number of a user or group: "#N", or by its name in file.
func (n *installation) id(file, name string) (int, error) {
	if number, ok := strings.CutPrefix(name, "#"); ok {
		return strconv.Atoi(number)
	}
	text, err := n.fs.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) > 2 && f[0] == name {
			return strconv.Atoi(f[2])
		}
	}
	return 0, userError("cannot apply a stat override: %s has no %q", file, name)
}

func (n *installation) databaseLines(name string) ([]string, error) {
	text, err := n.fs.ReadFile("/var/lib/dpkg/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}
