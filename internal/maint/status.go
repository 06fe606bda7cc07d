package maint

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// writeDatabase writes the files of dpkg's database that tell of more than one
// package. Where none was installed, they tell all that they are to.
func (n *installation) writeDatabase() error {
	if !slices.ContainsFunc(n.db.packages, func(m *member) bool { return !m.Installed }) {
		return nil
	}
	if err := n.fs.MkdirAll(infoDir, 0o755); err != nil {
		return err
	}
	for _, m := range n.db.packages {
		if m.Installed {
			continue
		}
		var list strings.Builder
		for _, f := range m.files {
			if f == "/" {
				f = "/."
			}
			list.WriteString(f + "\n")
		}
		if err := n.fs.WriteFile(n.db.infoBase(m)+".list", []byte(list.String()), 0o644); err != nil {
			return err
		}
	}
	if err := n.fs.WriteFile(infoDir+"/format", []byte("1\n"), 0o644); err != nil {
		return err
	}
	return n.writeTriggers()
}

// inUnpackOrder lists all packages, those of layers below first.
func (n *installation) inUnpackOrder() []*member {
	below := slices.DeleteFunc(slices.Clone(n.db.packages), func(m *member) bool { return !m.Installed })
	return append(below, n.unpacked...)
}

// writeTriggers writes /var/lib/dpkg/triggers: File for file triggers, one file
// for each other trigger, with the packages that are interested.
func (n *installation) writeTriggers() error {
	explicit, files := map[string][]string{}, []string{}
	for _, m := range n.inUnpackOrder() {
		for _, f := range m.triggerLines() {
			if !strings.HasPrefix(f[0], "interest") {
				continue
			}
			who := n.db.label(m)
			if f[0] == "interest-noawait" {
				who += "/noawait"
			}
			if strings.HasPrefix(f[1], "/") {
				files = append(files, f[1]+" "+who)
			} else {
				explicit[f[1]] = append(explicit[f[1]], who)
			}
		}
	}
	if len(explicit)+len(files) == 0 {
		return nil
	}
	if err := n.fs.MkdirAll("/var/lib/dpkg/triggers", 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(explicit)) {
		if err := n.fs.WriteFile("/var/lib/dpkg/triggers/"+name, []byte(strings.Join(explicit[name], "\n")+"\n"), 0o644); err != nil {
			return err
		}
	}
	if err := n.fs.WriteFile("/var/lib/dpkg/triggers/Lock", nil, 0o600); err != nil {
		return err
	}
	if err := n.fs.WriteFile("/var/lib/dpkg/triggers/Unincorp", nil, 0o644); err != nil {
		return err
	}
	text := strings.Join(files, "\n")
	if text != "" {
		text += "\n"
	}
	return n.fs.WriteFile("/var/lib/dpkg/triggers/File", []byte(text), 0o644)
}
