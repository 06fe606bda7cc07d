package configtool

import (
	"context"
	"fmt"
	"maps"
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

	hwdbMode    = 0o444
	catalogMode = 0o644
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
	sources := databaseSources(c, ".hwdb", "/etc/udev/hwdb.d", "/usr/lib/udev/hwdb.d")
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
	if err := c.Compile(command.Compilation{
		To: to, Mode: hwdbMode, What: fmt.Sprintf("hwdb %d", version), From: sources,
		Make: func() ([]byte, error) {
			texts, err := databaseTexts(c, sources)
			return systemdb.WriteHwdb(texts, version), err
		},
	}); err != nil {
		return 1, err
	}
	return 0, c.FS.Chmod(to, hwdbMode)
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
	texts, err := databaseTexts(c, databaseSources(c, ".catalog", "/usr/local/lib/systemd/catalog", "/usr/lib/systemd/catalog"))
	if err != nil {
		return 1, err
	}
	database, err := systemdb.WriteCatalog(texts)
	if err != nil {
		return c.Complain(1, "%v", err)
	}
	if database == nil {
		return 0, nil
	}
	if err := c.FS.MkdirAll(path.Dir(catalogFile), 0o755); err != nil {
		return 1, err
	}
	if err := c.FS.Rewrite(catalogFile, database, catalogMode); err != nil {
		return 1, err
	}
	return 0, c.FS.Chmod(catalogFile, catalogMode)
}

// databaseSources lists the files of some folders, sorted by name. A name in an
// earlier folder hides that in a later one, also when it is a link to /dev/null.
func databaseSources(c *command.Call, suffix string, folders ...string) []string {
	byName := map[string]string{}
	for _, dir := range folders {
		for _, p := range c.FS.Glob(dir + "/*" + suffix) {
			if name := path.Base(p); byName[name] == "" {
				byName[name] = p
			}
		}
	}
	var sources []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if at, err := c.FS.Stat(byName[name]); err == nil && at.Kind() == tree.File {
			sources = append(sources, byName[name])
		}
	}
	return sources
}

func databaseTexts(c *command.Call, sources []string) ([]systemdb.Source, error) {
	var texts []systemdb.Source
	for _, p := range sources {
		text, err := c.FS.ReadFile(p)
		if err != nil {
			return nil, err
		}
		texts = append(texts, systemdb.Source{Path: p, Text: text})
	}
	return texts, nil
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
