// Package debtest makes .deb files for tests: honest ones from a few fields and
// files, and hostile ones that no dpkg-deb would write. What it makes depends on
// the Spec alone, byte for byte. It is for tests only; it panics on a Spec that
// cannot be written.
package debtest

import (
	"bytes"
	"fmt"
	"strings"
)

// DefaultTime is the time stamp, in seconds since 1970-01-01 UTC, of whatever a
// Spec gives no time: 2025-01-01.
const DefaultTime = 1735689600

// Spec describes a .deb. The zero Spec is package "pkg", version "1.0",
// architecture "all", with no files.
type Spec struct {
	Name         string
	Version      string
	Architecture string
	Fields       []string // further control fields, each "Name: value", in order
	Control      string   // the whole control file verbatim, in place of all above

	Scripts     []Script // further members of the control archive, in order
	Conffiles   []string // lines of the conffiles member: "/etc/x" or "remove-on-upgrade /etc/x"
	Entries     []Entry  // data archive, in order
	Bare        bool     // do not add "./" and the missing parent directories to the data archive
	Compression string   // of both archives: "none", "gz", "xz" or "zst"; "" is "gz", the fastest to make
	Time        int64    // of the ar members and of entries without one, seconds since 1970-01-01; 0 is DefaultTime

	Hostile Hostile
}

// Script is a member of the control archive.
type Script struct {
	Name    string // "postinst", "triggers", ...; written as "./" and Name unless it has a slash
	Mode    int64  // 0 is 0755 for maintainer scripts and 0644 otherwise
	Type    byte   // as in Entry; 0 is a file
	Content string
	Link    string
}

// Entry is one header of the data archive.
type Entry struct {
	Path     string // "usr/bin/x", written as "./usr/bin/x"; a trailing slash makes a directory
	Verbatim bool   // write Path and Link exactly as they stand: "../x", "/abs"
	Type     byte   // 'f' file, 'd' directory, 'l' symlink, 'h' hard link, 'c', 'b' devices, 'p' fifo; 0 is 'd' with a trailing slash, 'l' with a Link, else 'f'
	Mode     int64  // 0 is 0755 for directories, 0777 for symlinks and 0644 otherwise
	UID, GID int
	Uname    string // "" is "root" for id 0
	Gname    string
	Time     int64 // 0 is the Spec's
	Content  string
	Link     string // target; of a hard link, a path as Path is
	Major    int64
	Minor    int64
	Xattrs   map[string]string
}

// Hostile holds what no honest .deb has.
type Hostile struct {
	FormatVersion string     // content of debian-binary; "" is "2.0\n"
	ControlName   string     // member name in place of "control.tar.*"
	DataName      string     // member name in place of "data.tar.*"
	Data          []byte     // content of the data member verbatim, in place of an archive
	Before        []ArMember // members ahead of debian-binary
	Extra         []ArMember // members between debian-binary and control
	Between       []ArMember // members between control and data
	After         []ArMember // members behind data
	NoControl     bool
	NoData        bool
	Bomb          int64 // the data archive ends in a file "./bomb" of so many zero bytes
	ControlBomb   int64 // likewise the control archive
	Truncate      int   // so many bytes are cut off the end of the .deb
	TruncateData  int   // so many bytes are cut off the end of the data member, whose size in the header says so
}

// ArMember is a raw member of the outer ar archive.
type ArMember struct {
	Name    string // at most 16 bytes
	Content []byte
}

// Build returns the .deb that s describes.
func Build(s Spec) []byte {
	s = s.withDefaults()
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, m := range s.members() {
		writeAr(&b, m, s.Time)
	}
	out := b.Bytes()
	return out[:len(out)-s.Hostile.Truncate]
}

func (s Spec) withDefaults() Spec {
	s.Name = or(s.Name, "pkg")
	s.Version = or(s.Version, "1.0")
	s.Architecture = or(s.Architecture, "all")
	s.Compression = or(s.Compression, "gz")
	s.Hostile.FormatVersion = or(s.Hostile.FormatVersion, "2.0\n")
	if s.Time == 0 {
		s.Time = DefaultTime
	}
	return s
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// members returns the outer members in the order to write them.
func (s Spec) members() []ArMember {
	h := s.Hostile
	var all []ArMember
	all = append(all, h.Before...)
	all = append(all, ArMember{"debian-binary", []byte(h.FormatVersion)})
	all = append(all, h.Extra...)
	if !h.NoControl {
		name := or(h.ControlName, "control.tar"+s.suffix())
		all = append(all, ArMember{name, s.controlTar()})
	}
	all = append(all, h.Between...)
	if !h.NoData {
		all = append(all, ArMember{or(h.DataName, "data.tar"+s.suffix()), s.data()})
	}
	return append(all, h.After...)
}

func (s Spec) data() []byte {
	data := s.Hostile.Data
	if data == nil {
		data = s.dataTar()
	}
	return data[:len(data)-s.Hostile.TruncateData]
}

func (s Spec) suffix() string {
	if s.Compression == "none" {
		return ""
	}
	return "." + s.Compression
}

// writeAr writes one member as dpkg-deb does: owner 0, mode 100644, padded to an
// even offset.
func writeAr(b *bytes.Buffer, m ArMember, time int64) {
	fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.Name, time, 0, 0, "100644", len(m.Content))
	b.Write(m.Content)
	if len(m.Content)%2 == 1 {
		b.WriteByte('\n')
	}
}

// ControlText returns the control file of the .deb that s describes.
func ControlText(s Spec) string {
	s = s.withDefaults()
	if s.Control != "" {
		return s.Control
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Package: %s\nVersion: %s\nArchitecture: %s\n", s.Name, s.Version, s.Architecture)
	for _, f := range s.Fields {
		b.WriteString(f + "\n")
	}
	for _, need := range []string{"Maintainer: Test <test@example.org>", "Description: test package"} {
		name, _, _ := strings.Cut(need, ":")
		if !strings.Contains("\n"+b.String(), "\n"+name+":") {
			b.WriteString(need + "\n")
		}
	}
	return b.String()
}
