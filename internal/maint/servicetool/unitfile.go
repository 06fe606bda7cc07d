package servicetool

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
)

// unitFile is what the [Install] section of a unit asks for.
type unitFile struct {
	name, path                            string // of the file: "getty@.service"
	wantedBy, requiredBy, upheldBy, alias []string
	also                                  []string
	defaultInstance                       string
}

// unitFolders are where the units of packages and of the administrator are.
func unitFolders(instance string) []string {
	return []string{"/etc/systemd/" + instance, "/run/systemd/" + instance, "/usr/local/lib/systemd/" + instance, "/usr/lib/systemd/" + instance}
}

// findUnit returns the file of a unit; for an instance of a template, that of the
// template. A link to another unit is followed: the name is then the other's.
func findUnit(f *vfs.FS, instance, unit string) (string, bool) {
	for _, name := range []string{unit, templateOf(unit)} {
		for _, dir := range unitFolders(instance) {
			p := dir + "/" + name
			if f.LinkTarget(p) == "/dev/null" || !f.IsFile(p) {
				continue
			}
			if f.IsLink(p) {
				if real, err := f.Resolve(p); err == nil {
					return "/" + strings.TrimPrefix(real, "/"), true
				}
			}
			return p, true
		}
	}
	return "", false
}

// templateOf turns "getty@tty1.service" into "getty@.service".
func templateOf(unit string) string {
	name, rest, ok := strings.Cut(unit, "@")
	if !ok {
		return unit
	}
	return name + "@" + path.Ext(rest)
}

// readUnit reads the [Install] section.
func readUnit(f *vfs.FS, file string) (unitFile, error) {
	text, err := f.ReadFile(file)
	if err != nil {
		return unitFile{}, err
	}
	u := unitFile{name: path.Base(file), path: file}
	section := ""
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, ok := strings.Cut(line, "=")
		if ok && section == "[Install]" {
			u.set(strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
	return u, nil
}

func (u *unitFile) set(key, value string) {
	lists := map[string]*[]string{
		"WantedBy": &u.wantedBy, "RequiredBy": &u.requiredBy, "UpheldBy": &u.upheldBy, "Alias": &u.alias, "Also": &u.also,
	}
	if key == "DefaultInstance" {
		u.defaultInstance = value
	}
	l, ok := lists[key]
	if !ok {
		return
	}
	if value == "" {
		*l = nil
	}
	for v := range strings.FieldsSeq(value) {
		*l = append(*l, strings.Trim(v, `"'`))
	}
}

// instanceOf returns the name under which the unit is wanted: the default
// instance, of a template.
func (u *unitFile) instanceOf(asked string) string {
	if templateOf(asked) == u.name && asked != u.name {
		return asked
	}
	if u.defaultInstance != "" && strings.Contains(u.name, "@.") {
		return strings.Replace(u.name, "@.", "@"+u.defaultInstance+".", 1)
	}
	return u.name
}

// links returns the links that enabling makes in /etc/systemd/INSTANCE, by their
// paths below it, for the unit that was asked for.
func (u *unitFile) links(asked string) []string {
	var all []string
	name := u.instanceOf(asked)
	for _, a := range u.alias {
		if a != name {
			all = append(all, a)
		}
	}
	for _, by := range []struct {
		units  []string
		folder string
	}{{u.wantedBy, ".wants"}, {u.requiredBy, ".requires"}, {u.upheldBy, ".upholds"}} {
		for _, target := range by.units {
			all = append(all, target+by.folder+"/"+name)
		}
	}
	return all
}

// ErrNoUnit is what Enable gives where the tree has no such unit.
var ErrNoUnit = errors.New("there is no such unit in the image")

// ErrNoInstall is what Enable gives for a unit that no target or alias asks for.
var ErrNoInstall = errors.New("the unit has no [Install] section that says what starts it")

// Enable makes the links of a system unit, and of those that it names in Also=,
// as "systemctl enable" does.
func Enable(f *vfs.FS, unit string) error {
	file, ok := findUnit(f, "system", unit)
	if !ok {
		return ErrNoUnit
	}
	u, err := readUnit(f, file)
	if err != nil {
		return err
	}
	if len(u.links(unit))+len(u.also) == 0 {
		return ErrNoInstall
	}
	_, err = enableUnit(f, "system", unit, map[string]bool{})
	return err
}

// static tells whether a unit is there, and has nothing that enabling would do.
func static(f *vfs.FS, unit string) bool {
	file, ok := findUnit(f, "system", unit)
	if !ok {
		return false
	}
	u, err := readUnit(f, file)
	return err == nil && len(u.links(unit))+len(u.also) == 0
}

// Units lists the names of the system units in the tree, sorted.
func Units(f *vfs.FS) []string {
	seen := map[string]bool{}
	for _, dir := range unitFolders("system") {
		for _, p := range f.Glob(dir + "/*.*") {
			if isUnit(p) {
				seen[path.Base(p)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func isUnit(p string) bool {
	switch path.Ext(p) {
	case ".service", ".socket", ".timer", ".path", ".target", ".mount", ".automount", ".swap", ".slice":
		return true
	}
	return false
}

// enableUnit makes the links of a unit and of those it names in Also=.
func enableUnit(f *vfs.FS, instance, unit string, seen map[string]bool) (found bool, err error) {
	file, ok := findUnit(f, instance, unit)
	if !ok {
		return false, nil
	}
	if seen[unit] {
		return true, nil
	}
	seen[unit] = true
	u, err := readUnit(f, file)
	if err != nil {
		return false, err
	}
	for _, l := range u.links(unit) {
		p := "/etc/systemd/" + instance + "/" + l
		if err := f.MkdirAll(path.Dir(p), 0o755); err != nil {
			return true, err
		}
		if err := f.ReplaceLink(file, p); err != nil {
			return true, err
		}
	}
	for _, also := range u.also {
		if _, err := enableUnit(f, instance, also, seen); err != nil {
			return true, err
		}
	}
	return true, nil
}

// disableUnit removes the links in /etc that lead to a unit.
func disableUnit(f *vfs.FS, instance, unit string) error {
	dir := "/etc/systemd/" + instance
	for _, pattern := range []string{dir + "/*", dir + "/*.wants/*", dir + "/*.requires/*", dir + "/*.upholds/*"} {
		for _, p := range f.Glob(pattern) {
			if t := f.LinkTarget(p); t == "" || t == "/dev/null" || path.Base(t) != unit && path.Base(p) != unit {
				continue
			}
			if err := f.Remove(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// presetEnables reports what the preset files say of a unit: the first line that
// matches counts, and without one the unit is enabled, as systemd.preset(5) says.
func presetEnables(f *vfs.FS, instance, unit string) (bool, error) {
	for _, p := range presetFiles(f, instance) {
		text, err := f.ReadFile(p)
		if err != nil {
			return false, err
		}
		for _, line := range command.NonEmptyLines(text) {
			w := strings.Fields(line)
			if len(w) < 2 || !command.Fnmatch(w[1], unit) && !command.Fnmatch(w[1], templateOf(unit)) {
				continue
			}
			switch w[0] {
			case "enable":
				return true, nil
			case "disable", "ignore":
				return false, nil
			}
		}
	}
	return true, nil
}

func presetFiles(f *vfs.FS, instance string) []string {
	byName := map[string]string{}
	for _, dir := range []string{"/usr/lib/systemd/", "/usr/local/lib/systemd/", "/run/systemd/", "/etc/systemd/"} {
		for _, p := range f.Glob(dir + instance + "-preset/*.preset") {
			byName[path.Base(p)] = p
		}
	}
	var files []string
	for _, n := range slices.Sorted(maps.Keys(byName)) {
		files = append(files, byName[n])
	}
	return files
}

// wanted asks the recipe whether a unit is to be enabled, and records that a
// package wants it. A unit without an [Install] section, as dbus.service, is as it is whatever
// its package says of it, and nothing is recorded; its script of System V may be wanted.
func wanted(c *command.Call, unit string) bool {
	if !static(c.FS, unit) {
		c.Note(command.Enable, unit)
	}
	return c.Machine.Enable != nil && c.Machine.Enable(unit)
}
