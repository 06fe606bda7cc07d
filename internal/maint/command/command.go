// Package command is the contract of what a maintainer script can call: each command
// is a Func, a small Go function over a vfs.FS, named as in Debian. It holds what
// all of them need: the call, its options, paths and accounts. Nothing here reaches
// the host. A flag or use that a function does not know is an error that stops the
// build: it is never passed over.
package command

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kiln"
	"kiln/internal/linkage"
	"kiln/internal/maint/debconf"
	"kiln/internal/maint/vfs"
)

// Func carries out one call. status is what the script sees in $?; err is for
// what kiln cannot honour, and stops the build.
type Func func(ctx context.Context, c *Call) (status int, err error)

// Call is one call of a command by a script.
type Call struct {
	Name           string   // as called, without its folder: "chown"
	Args           []string // without the name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Dir            string            // working directory, absolute in the tree
	Env            map[string]string // exported variables
	Umask          uint32
	FS             *vfs.FS
	Machine        *Machine
	// Exec runs another command of the table or a script of the tree with this
	// call's surroundings: what env, xargs and find -exec need.
	Exec func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (status int, err error)
}

// Machine is what commands know of the system that the tree will be, and what
// they leave behind besides files. One Machine serves all scripts of a tree.
type Machine struct {
	Arch     string // Debian's name: "amd64"
	Epoch    kiln.Epoch
	Packages Packages
	Notes    []Note            // what was asked for and is not done in an image: starting a service, enabling a unit
	Answers  map[string]string // debconf answers of the recipe: "package/question" -> value
	Triggers []string          // activated by dpkg-trigger, in order, each once
	// Enable says whether a unit that a package wants enabled is to be. nil means
	// none: services are not enabled because a package came along.
	Enable func(unit string) bool

	// Linkage tells what a content says as an ELF file, where that is known without
	// a look into it: f is nil for no ELF file. It may be nil.
	Linkage func(content kiln.Digest) (f *linkage.File, known bool)

	Debconf *Debconf // nil until a script talks to debconf
	// Findings is what commands found out about contents, for when they meet them again.
	Findings map[Finding]any

	// Memo keeps what Compile makes, for other trees. It may be nil.
	Memo Memo

	// Script that runs now.
	Package string // "libc6", with ":arch" where dpkg would write it so
	Script  string // "postinst"
	Line    int    // of the script, as far as known
}

// Origin names the package whose script runs as origins do.
func (m *Machine) Origin() string { return OriginOf(m.Package, m.Arch) }

// OriginOf is the name by which origins tell of the package that dpkg calls label where
// arch is the native architecture: with its own only where that is a foreign
// one. So two architectures of one package are told apart.
func OriginOf(label, arch string) string {
	return strings.TrimSuffix(strings.TrimSuffix(label, ":"+arch), ":all")
}

// Finding names what a command wants to know of a content.
type Finding struct {
	What    string
	Content kiln.Digest
}

// Find returns what find gives, which is called once for each content. A file
// that has just been written has no digest yet, and is looked at each time.
func Find[T any](m *Machine, what string, content kiln.Digest, find func() (T, error)) (T, error) {
	key := Finding{what, content}
	if v, ok := m.Findings[key].(T); ok {
		return v, nil
	}
	v, err := find()
	if err == nil && content != "" {
		if m.Findings == nil {
			m.Findings = map[Finding]any{}
		}
		m.Findings[key] = v
	}
	return v, err
}

// Packages answers dpkg-query and its like.
type Packages interface {
	// Lookup returns the status of a package: name, or name:arch.
	Lookup(name string) (Status, bool)
	// Names lists all packages, sorted.
	Names() []string
}

// Status is a package as dpkg's database has it at this moment.
type Status struct {
	Name, Version, Architecture, MultiArch string
	State                                  string   // "installed", "unpacked", "half-configured", "triggers-pending"...
	Files                                  []string // absolute paths
	Fields                                 map[string]string
}

// Note is something that a script wanted of a running system.
type Note struct {
	Package, Script string // the package as origins have it
	Line            int
	Kind            string // "enable", "start", "daemon-reload", "udev"...
	Subject         string // the unit, most often
}

// Enable is the Kind of the Note that a package wants a unit enabled.
const Enable = "enable"

// Kinds of Notes of what a script asked that differs from machine to machine and from
// day to day, and is answered the same in every build.
const (
	AskedTime   = "time"      // the clock; the answer is the layer's epoch
	AskedHost   = "host-name" // the answer is "localhost"
	AskedKernel = "kernel"    // the release or version of the one that runs
)

// Place returns where the script asked: "openssh-server.postinst:12".
func (n Note) Place() string {
	if n.Line == 0 {
		return n.Package + "." + n.Script
	}
	return fmt.Sprintf("%s.%s:%d", n.Package, n.Script, n.Line)
}

// Debconf is the database while scripts run, and the talk of the current one.
type Debconf struct {
	DB      *debconf.DB
	Session *debconf.Session // nil before the first talk
	Owner   string           // of new questions: the package whose script talks
}
