// Package facts is what a policy can ask of an image: packages, files, accounts,
// units, how it runs, what it was made of. It is data alone, of one image for one
// platform, in the shape that "kiln policy facts" prints and that policies name.
//
// A fact that is not known is nil, which is something else than empty: of a plain
// tar nobody knows how it runs, and no scan means no finding that is absent. What
// is not known, and what would make it known, stands in Facts.Unknown.
package facts

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"kiln"
)

// Facts are the facts of one image. The tag each names what a rule calls one of a
// list, where it goes through the list.
type Facts struct {
	Image           Image           `json:"image" yaml:"image"`                                             // the image as a whole
	Config          *Config         `json:"config,omitempty" yaml:"config"`                                 // how it runs as a container
	Recipe          *Recipe         `json:"recipe,omitempty" yaml:"recipe"`                                 // what its recipe says of it
	Packages        []Package       `json:"packages,omitzero" yaml:"packages" each:"pkg"`                   // packages of the image, by name
	Files           []File          `json:"files,omitzero" yaml:"files" each:"file"`                        // every path of the image, sorted
	Users           []User          `json:"users,omitzero" yaml:"users" each:"user"`                        // users of /etc/passwd
	Groups          []Group         `json:"groups,omitzero" yaml:"groups" each:"group"`                     // groups of /etc/group
	Units           []Unit          `json:"units,omitzero" yaml:"units" each:"unit"`                        // units of systemd
	Ports           []Port          `json:"ports,omitzero" yaml:"ports" each:"port"`                        // ports that the configuration exposes
	Env             []Setting       `json:"env,omitzero" yaml:"env" each:"variable"`                        // variables of the configuration, one by one
	Labels          []Setting       `json:"labels,omitzero" yaml:"labels" each:"label"`                     // labels of the configuration, one by one
	Layers          []Layer         `json:"layers,omitzero" yaml:"layers" each:"layer"`                     // layers, the lowest first
	Releases        []Release       `json:"releases,omitzero" yaml:"releases" each:"release"`               // signed Release files of the archives that the packages come from
	Secrets         []Secret        `json:"secrets,omitzero" yaml:"secrets" each:"secret"`                  // what a scan for secrets found
	Vulnerabilities []Vulnerability `json:"vulnerabilities,omitzero" yaml:"vulnerabilities" each:"finding"` // what a scan for vulnerabilities found
	Signatures      []Signature     `json:"signatures,omitzero" yaml:"signatures" each:"signature"`         // signatures that were verified

	// Unknown says of facts that are not there why, and what would make them known. The
	// keys are "secrets" of a whole fact, "pkg.licences" of one of its fields.
	Unknown map[string]string `json:"unknown,omitempty" yaml:"unknown" fact:"-"`
}

// Image is the image as a whole.
type Image struct {
	Name       string   `json:"name" yaml:"name"`                          // of the recipe, or what the image was read from
	Kind       string   `json:"kind" yaml:"kind"`                          // "build", or the form that it was read in: "oci", "oci-archive", "docker-archive", "tar", "folder"
	Platform   string   `json:"platform,omitempty" yaml:"platform"`        // such as "linux/amd64"; empty where nothing says it
	Digest     *string  `json:"digest,omitempty" yaml:"digest"`            // of the manifest
	Tree       string   `json:"tree" yaml:"tree"`                          // digest of the tree
	Created    *Time    `json:"created,omitempty" yaml:"created"`          // the image's epoch: the newest time that its packages bring; of others' images what they say
	Size       int64    `json:"size" yaml:"size"`                          // of all files, unpacked, in bytes
	Compressed *int64   `json:"compressed,omitempty" yaml:"compressed"`    // of all layers as they are stored, in bytes
	Entries    int64    `json:"entries" yaml:"entries"`                    // paths
	Platforms  []string `json:"platforms,omitzero" yaml:"platforms"`       // all that the recipe is for
	Setuid     []string `json:"setuid,omitzero" yaml:"setuid"`             // paths of files with the setuid or setgid bit
	Capable    []string `json:"capabilities,omitzero" yaml:"capabilities"` // paths of files with capabilities
}

// Config is how the image runs as a container.
type Config struct {
	User        string            `json:"user" yaml:"user"`                         // as it stands there; empty is root
	UID         *int64            `json:"uid,omitempty" yaml:"uid"`                 // its number
	Entrypoint  []string          `json:"entrypoint" yaml:"entrypoint"`             // program and arguments
	Command     []string          `json:"command" yaml:"command"`                   // default arguments, or the program
	Env         map[string]string `json:"env" yaml:"env"`                           // variables
	Labels      map[string]string `json:"labels" yaml:"labels"`                     // labels
	WorkDir     string            `json:"workdir,omitempty" yaml:"workdir"`         // working folder
	Volumes     []string          `json:"volumes" yaml:"volumes"`                   // paths
	StopSignal  string            `json:"stop_signal,omitempty" yaml:"stop_signal"` // such as "SIGTERM"
	Healthcheck []string          `json:"healthcheck" yaml:"healthcheck"`           // its command; empty where there is none
}

// Recipe is what the image's recipe says of it.
type Recipe struct {
	Name         string   `json:"name" yaml:"name"`                             // of the image
	Version      string   `json:"version" yaml:"version"`                       // of the image
	Summary      string   `json:"summary" yaml:"summary"`                       // what it is for
	Owners       []string `json:"owners" yaml:"owners"`                         // who answers for it
	SupportUntil *Time    `json:"support_until,omitempty" yaml:"support_until"` // end of its support: the midnight after the last day
	Replaces     *string  `json:"replaces,omitempty" yaml:"replaces"`           // the image that it takes the place of
}

// Package is a package of the image.
type Package struct {
	Name          string   `json:"name" yaml:"name"`                                       // without the architecture
	Version       string   `json:"version" yaml:"version"`                                 // as the package family writes it
	Architecture  string   `json:"architecture" yaml:"architecture"`                       // "amd64", "all"
	Source        string   `json:"source" yaml:"source"`                                   // source package
	SourceVersion string   `json:"source_version,omitempty" yaml:"source_version"`         // version of the source package
	InstalledSize int64    `json:"installed_size" yaml:"installed_size"`                   // as the package says, in bytes
	Section       string   `json:"section,omitempty" yaml:"section"`                       // such as "utils"
	Priority      string   `json:"priority,omitempty" yaml:"priority"`                     // such as "required"
	Essential     bool     `json:"essential,omitempty" yaml:"essential"`                   // marked so
	Archive       *string  `json:"archive,omitempty" yaml:"archive"`                       // that it comes from: "debian/trixie-security"; "local" for a file of the recipe's folder
	Why           *string  `json:"why,omitempty" yaml:"why"`                               // the recipe's reason; empty for a mere dependency
	RequiredBy    []string `json:"required_by,omitzero" yaml:"required_by"`                // packages that need it, "recipe", "essential"
	Licences      []string `json:"licences,omitzero" yaml:"licences"`                      // SPDX identifiers of all licences in what it declares, or where it declares none, in what was concluded; empty where none can be read
	Newest        *Time    `json:"newest,omitempty" yaml:"newest"`                         // time of the newest file that it ships: when it was built, or a little before
	Concluded     bool     `json:"licences_concluded,omitempty" yaml:"licences_concluded"` // they were concluded from words, not declared
}

// File is one path of the image.
type File struct {
	Path          string  `json:"path" yaml:"path"`                               // absolute
	Name          string  `json:"name" yaml:"name"`                               // last part of the path
	Dir           string  `json:"dir" yaml:"dir"`                                 // the path of its folder
	Type          string  `json:"type" yaml:"type"`                               // "file", "directory", "symlink", "character-device", "block-device" or "pipe"
	Mode          string  `json:"mode" yaml:"mode"`                               // four octal digits: "0644"
	UID           *int64  `json:"uid,omitempty" yaml:"uid"`                       // number of the owner
	GID           *int64  `json:"gid,omitempty" yaml:"gid"`                       // number of the group
	Owner         *string `json:"owner,omitempty" yaml:"owner"`                   // name of the owner; empty where no user has the number
	Group         *string `json:"group,omitempty" yaml:"group"`                   // name of the group; empty where no group has the number
	Size          int64   `json:"size" yaml:"size"`                               // of a file, in bytes
	Link          string  `json:"link,omitempty" yaml:"link"`                     // target of a symbolic link, as it stands there
	Setuid        bool    `json:"setuid,omitempty" yaml:"setuid"`                 // the setuid bit of a file
	Setgid        bool    `json:"setgid,omitempty" yaml:"setgid"`                 // the setgid bit of a file
	Sticky        bool    `json:"sticky,omitempty" yaml:"sticky"`                 // the sticky bit
	WorldWritable bool    `json:"world_writable,omitempty" yaml:"world_writable"` // anybody may write; never of a symbolic link
	GroupWritable bool    `json:"group_writable,omitempty" yaml:"group_writable"` // the group may write; never of a symbolic link
	Executable    bool    `json:"executable,omitempty" yaml:"executable"`         // a file that somebody may execute
	Capabilities  string  `json:"capabilities,omitempty" yaml:"capabilities"`     // as getcap prints them: "cap_net_raw=ep"
	Package       *string `json:"package,omitempty" yaml:"package"`               // that ships it, or whose script made it; empty for none
	Origin        *string `json:"origin,omitempty" yaml:"origin"`                 // what made or changed it last: "package", "script", "recipe", "kiln"
	Why           *string `json:"why,omitempty" yaml:"why"`                       // the recipe's reason, where there is one
}

// User is a user of the image.
type User struct {
	Name     string   `json:"name" yaml:"name"`         // login name
	UID      int64    `json:"uid" yaml:"uid"`           // number
	GID      int64    `json:"gid" yaml:"gid"`           // primary group
	Groups   []string `json:"groups" yaml:"groups"`     // names of all its groups
	Gecos    string   `json:"gecos" yaml:"gecos"`       // full name or the like
	Home     string   `json:"home" yaml:"home"`         // home folder
	Shell    string   `json:"shell" yaml:"shell"`       // login shell
	Password string   `json:"password" yaml:"password"` // "locked" where none is accepted, "set", or "empty": anybody gets in
}

// Group is a group of the image.
type Group struct {
	Name    string   `json:"name" yaml:"name"`       // group name
	GID     int64    `json:"gid" yaml:"gid"`         // number
	Members []string `json:"members" yaml:"members"` // users besides those whose primary group it is
}

// Unit is a unit of systemd.
type Unit struct {
	Name      string   `json:"name" yaml:"name"`               // with its type: "ssh.service"
	Path      string   `json:"path,omitempty" yaml:"path"`     // of its file; empty where there is none
	Enabled   bool     `json:"enabled" yaml:"enabled"`         // something pulls it in
	EnabledBy []string `json:"enabled_by" yaml:"enabled_by"`   // what does: "multi-user.target"
	Vendor    bool     `json:"vendor,omitempty" yaml:"vendor"` // nothing but links that packages ship does
	Masked    bool     `json:"masked,omitempty" yaml:"masked"` // it cannot be started
	Listens   []string `json:"listens" yaml:"listens"`         // addresses of a socket: "ListenStream=22"
}

// Port is a port that the configuration exposes.
type Port struct {
	Number   int64  `json:"number" yaml:"number"`     // of the port
	Protocol string `json:"protocol" yaml:"protocol"` // "tcp", "udp" or "sctp"
}

// Setting is a variable or a label.
type Setting struct {
	Name  string `json:"name" yaml:"name"`   // of it
	Value string `json:"value" yaml:"value"` // of it
}

// Layer is a layer of the image.
type Layer struct {
	Name       string `json:"name" yaml:"name"`                       // of the recipe; of others' images the number, from 1
	Digest     string `json:"digest,omitempty" yaml:"digest"`         // of the blob
	DiffID     string `json:"diff_id,omitempty" yaml:"diff_id"`       // of the tar in it
	Compressed *int64 `json:"compressed,omitempty" yaml:"compressed"` // as it is stored, in bytes
	CreatedBy  string `json:"created_by,omitempty" yaml:"created_by"` // what the image's history says of it
}

// Release is a signed Release file of an archive.
type Release struct {
	Archive    string `json:"archive" yaml:"archive"`                   // name of the source: "debian"
	Suite      string `json:"suite" yaml:"suite"`                       // "trixie-security"
	Pocket     string `json:"pocket" yaml:"pocket"`                     // "release", "updates", "security"
	Date       Time   `json:"date" yaml:"date"`                         // when it was signed
	ValidUntil *Time  `json:"valid_until,omitempty" yaml:"valid_until"` // end of its validity, where it has one
}

// Secret is something that looks like a secret.
type Secret struct {
	Kind     string `json:"kind" yaml:"kind"`                   // rule that found it: "private-key", "github-token"...
	Place    string `json:"place" yaml:"place"`                 // path of a file with line and column, or the part of recipe or configuration that holds it
	Accepted string `json:"accepted,omitempty" yaml:"accepted"` // the reason of the recipe that accepts it; empty where none does
}

// Vulnerability is a known vulnerability of a package.
type Vulnerability struct {
	ID       string `json:"id" yaml:"id"`             // "CVE-2026-1234"
	Package  string `json:"package" yaml:"package"`   // that has it
	Severity string `json:"severity" yaml:"severity"` // "low", "medium", "high" or "critical"
	FixedIn  string `json:"fixed_in" yaml:"fixed_in"` // version without it; empty where there is none
	Status   string `json:"status" yaml:"status"`     // "affected", "not_affected", "fixed" or "under_investigation", as VEX says
}

// Signature is a signature of the image that was verified.
type Signature struct {
	Identity  string `json:"identity" yaml:"identity"`   // whose it is
	Predicate string `json:"predicate" yaml:"predicate"` // type of the statement that it signs
}

// Time is a point in time. As text it is a day or as RFC 3339 writes it.
type Time struct{ time.Time }

// UnmarshalText reads "2026-11-20" or "2026-11-20T12:00:00Z".
func (t *Time) UnmarshalText(b []byte) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, string(b)); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	return errors.New("want a time, such as 2026-11-20 or 2026-11-20T12:00:00Z")
}

// At is e as a fact.
func At(e kiln.Epoch) *Time { return &Time{e.Time()} }

// The bits of a mode (stat(2)).
const (
	setuid, setgid, sticky    = 0o4000, 0o2000, 0o1000
	groupWrite, otherWrite    = 0o020, 0o002
	anyExecute                = 0o111
	typeFile, typeDir, typeLn = "file", "directory", "symlink"
)

// Mode writes permission bits as a fact: "0644".
func Mode(bits uint32) string { return fmt.Sprintf("%04o", bits) }

// Complete fills what follows from other fields: of files that say just path, type
// and mode, of images that do not list what their files say.
//
// Where a file is not what it can be, it tells which.
func (f *Facts) Complete() (file int, err error) {
	for i := range f.Files {
		if err := f.Files[i].complete(); err != nil {
			return i, err
		}
	}
	if f.Files != nil {
		f.sum()
	}
	if c := f.Config; c != nil && f.Env == nil {
		f.Env = settings(c.Env)
	}
	if c := f.Config; c != nil && f.Labels == nil {
		f.Labels = settings(c.Labels)
	}
	for i := range f.Units {
		f.Units[i].Enabled = f.Units[i].Enabled || len(f.Units[i].EnabledBy) > 0
	}
	return 0, nil
}

// Length is how many there are in a list of facts; -1 where it is not known.
func (f *Facts) Length(list string) int {
	field, _ := Top().Field(list)
	if v := reflect.ValueOf(f).Elem().Field(field.Index); !v.IsNil() {
		return v.Len()
	}
	return -1
}

// sum lists and adds up what files say, where nothing says it yet.
func (f *Facts) sum() {
	suid, capable, size := []string{}, []string{}, int64(0)
	for i := range f.Files {
		file := &f.Files[i]
		size += file.Size
		if file.Setuid || file.Setgid {
			suid = append(suid, file.Path)
		}
		if file.Capabilities != "" {
			capable = append(capable, file.Path)
		}
	}
	if f.Image.Setuid == nil {
		f.Image.Setuid = suid
	}
	if f.Image.Capable == nil {
		f.Image.Capable = capable
	}
	if f.Image.Size == 0 {
		f.Image.Size = size
	}
	if f.Image.Entries == 0 {
		f.Image.Entries = int64(len(f.Files))
	}
}

func (f *File) complete() error {
	if !strings.HasPrefix(f.Path, "/") {
		return fmt.Errorf("want an absolute path, got %q", f.Path)
	}
	f.Dir, f.Name = path.Dir(f.Path), path.Base(f.Path)
	if f.Type == "" {
		f.Type = typeFile
	}
	if f.Mode == "" {
		f.Mode = map[string]string{typeDir: "0755", typeLn: "0777"}[f.Type]
	}
	if f.Mode == "" {
		f.Mode = "0644"
	}
	bits, err := strconv.ParseUint(f.Mode, 8, 12)
	if err != nil {
		return fmt.Errorf("want a mode of octal digits, such as 0644, got %q", f.Mode)
	}
	f.Mode = Mode(uint32(bits))
	regular, link := f.Type == typeFile, f.Type == typeLn
	f.Setuid, f.Setgid, f.Sticky = regular && bits&setuid != 0, regular && bits&setgid != 0, bits&sticky != 0
	f.WorldWritable, f.GroupWritable = !link && bits&otherWrite != 0, !link && bits&groupWrite != 0
	f.Executable = regular && bits&anyExecute != 0
	return nil
}

// Only returns the facts of these names and no others, with what is unknown.
func (f *Facts) Only(names []string) *Facts {
	some := &Facts{Unknown: f.Unknown}
	from, to := reflect.ValueOf(f).Elem(), reflect.ValueOf(some).Elem()
	for _, field := range Top().Fields {
		if slices.Contains(names, field.Name) {
			to.Field(field.Index).Set(from.Field(field.Index))
		}
	}
	return some
}
