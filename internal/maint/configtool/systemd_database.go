package configtool

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/systemdb"
	"kiln/internal/tree"
)

// Where the compiled databases of systemd stand.
const (
	hwdbOfPackages = "/usr/lib/udev/hwdb.bin"
	hwdbOfHost     = "/etc/udev/hwdb.bin"
	catalogFile    = "/var/lib/systemd/catalog/database"
)

// SystemdHwdb is systemd-hwdb(8) update: it compiles the hardware database.
func SystemdHwdb(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("usr strict,s root,r=")
	if err != nil {
		return 1, err
	}
	if strings.Trim(o.Value("root", ""), "/") != "" || o.Has("strict") || !slices.Equal(o.Rest, []string{"update"}) {
		return 1, c.Unhonoured("it updates the tree's own database")
	}
	to := hwdbOfHost
	if o.Has("usr") {
		to = hwdbOfPackages
	}
	sources, err := databaseSources(c, ".hwdb", "/etc/udev/hwdb.d", "/usr/lib/udev/hwdb.d")
	if err != nil {
		return 1, err
	}
	if len(sources) == 0 {
		if c.FS.Present(to) {
			return 0, c.FS.Remove(to)
		}
		return 0, nil
	}
	version, ok := systemdVersion(c)
	if !ok {
		return 1, c.Unhonoured("the package udev is not there, whose version stands in the database")
	}
	if err := c.FS.MkdirAll(path.Dir(to), 0o755); err != nil {
		return 1, err
	}
	return 0, writeDatabase(c, to, systemdb.WriteHwdb(sources, version), 0o444)
}

// Journalctl is journalctl(1) --update-catalog: it compiles the catalog of log
// messages. Anything else is about a running system, and is noted.
func Journalctl(_ context.Context, c *command.Call) (int, error) {
	if !slices.Contains(c.Args, "--update-catalog") {
		c.Note(c.Name, strings.Join(c.Args, " "))
		return 0, nil
	}
	o, err := c.ParseOptions("update-catalog root= quiet,q no-pager")
	if err != nil {
		return 1, err
	}
	if strings.Trim(o.Value("root", ""), "/") != "" || len(o.Rest) > 0 {
		return 1, c.Unhonoured("it updates the tree's own catalog")
	}
	sources, err := databaseSources(c, ".catalog", "/usr/local/lib/systemd/catalog", "/usr/lib/systemd/catalog")
	if err != nil {
		return 1, err
	}
	database, err := systemdb.WriteCatalog(sources)
	if err != nil {
		return c.Complain(1, "%v", err)
	}
	if database == nil {
		return 0, nil
	}
	if err := c.FS.MkdirAll(path.Dir(catalogFile), 0o755); err != nil {
		return 1, err
	}
	return 0, writeDatabase(c, catalogFile, database, 0o644)
}

func writeDatabase(c *command.Call, file string, data []byte, mode uint32) error {
	if err := c.FS.Rewrite(file, data, mode); err != nil {
		return err
	}
	return c.FS.Chmod(file, mode)
}

// databaseSources reads the files of some folders, sorted by name. A name in an
// earlier folder hides that in a later one, also when it is a link to /dev/null.
func databaseSources(c *command.Call, suffix string, folders ...string) ([]systemdb.Source, error) {
	byName := map[string]string{}
	var names []string
	for _, dir := range folders {
		for _, p := range c.FS.Glob(dir + "/*" + suffix) {
			if name := path.Base(p); byName[name] == "" {
				byName[name] = p
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	var sources []systemdb.Source
	for _, name := range names {
		p := byName[name]
		if at, err := c.FS.Stat(p); err != nil || at.Kind() != tree.File {
			continue
		}
		text, err := c.FS.ReadFile(p)
		if err != nil {
			return nil, err
		}
		sources = append(sources, systemdb.Source{Path: p, Text: text})
	}
	return sources, nil
}

// systemdVersion is the number of systemd's release: 257 of udev 257.13-1.
func systemdVersion(c *command.Call) (uint64, bool) {
	st, ok := c.Machine.Packages.Lookup("udev")
	if !ok {
		return 0, false
	}
	digits := strings.TrimLeft(st.Version, "0123456789")
	n, err := strconv.ParseUint(st.Version[:len(st.Version)-len(digits)], 10, 32)
	return n, err == nil
}
