package maint

import (
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// The states of dpkg(1) that a package goes through here.
const (
	notInstalled    = "not-installed"
	unpacked        = "unpacked"
	installed       = "installed"
	triggersPending = "triggers-pending"
)

// database is dpkg's, while packages are installed.
type database struct {
	arch     string
	packages []*member
	byName   map[string][]*member
}

// member is a package and where it stands.
type member struct {
	*Package
	state      string
	files      []string // absolute paths that it owns, diversions applied
	interests  []interest
	pending    []string // triggers that were activated since it was configured
	configured bool     // its postinst has run
	begun      bool     // it is to be unpacked next, when what it needs is there
	choosing   bool     // what it needs is being chosen for configuration
	chosen     bool     // see installation.chosen
}

func newDatabase(packages []Package, arch string) *database {
	db := &database{arch: arch, byName: map[string][]*member{}}
	for i := range packages {
		m := &member{Package: &packages[i], state: notInstalled}
		m.interests = m.readInterests()
		if m.Installed {
			m.state, m.configured = installed, true
			for j := range m.Entries {
				m.files = append(m.files, tree.Absolute(m.Entries[j].Path))
			}
		}
		db.packages = append(db.packages, m)
		db.byName[m.ID.Name] = append(db.byName[m.ID.Name], m)
	}
	return db
}

// label is the package's name as dpkg writes it: with its architecture where the
// name alone could mean another.
func (db *database) label(m *member) string {
	if m.Info.MultiArch == "same" || m.ID.Architecture != db.arch && m.ID.Architecture != "all" {
		return m.ID.Name + ":" + m.ID.Architecture
	}
	return m.ID.Name
}

// origin is the package's name in origins: with its architecture where that is
// foreign.
func (db *database) origin(m *member) string { return command.OriginOf(db.label(m), db.arch) }

// infoDir is where dpkg keeps what packages bring for it.
const infoDir = "/var/lib/dpkg/info"

// infoBase is where the package's control files stand.
func (db *database) infoBase(m *member) string {
	name := m.ID.Name
	if m.Info.MultiArch == "same" {
		name += ":" + m.ID.Architecture
	}
	return infoDir + "/" + name
}

// find returns the package called name or name:arch; nil where there is none.
func (db *database) find(name string) *member {
	name, arch, qualified := strings.Cut(name, ":")
	var found *member
	for _, m := range db.byName[name] {
		native := m.ID.Architecture == db.arch || m.ID.Architecture == "all"
		if qualified && arch != "any" && m.ID.Architecture != arch && !(m.ID.Architecture == "all" && arch == db.arch) {
			continue
		}
		if found == nil || native {
			found = m
		}
	}
	return found
}

// Lookup implements command.Packages.
func (db *database) Lookup(name string) (command.Status, bool) {
	m := db.find(name)
	if m == nil || m.state == notInstalled {
		return command.Status{}, false
	}
	s := command.Status{
		Name: m.ID.Name, Version: m.ID.Version, Architecture: m.ID.Architecture, MultiArch: m.Info.MultiArch,
		State: m.state, Files: m.files, Fields: map[string]string{},
	}
	for _, f := range m.Paragraph.Fields {
		s.Fields[f.Name] = f.Value
	}
	s.Fields["Status"] = "install ok " + m.state
	return s, true
}

// Names implements command.Packages.
func (db *database) Names() []string {
	var names []string
	for _, m := range db.packages {
		if m.state != notInstalled {
			names = append(names, db.label(m))
		}
	}
	slices.Sort(names)
	return names
}
