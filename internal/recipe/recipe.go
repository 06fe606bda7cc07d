// Package recipe reads kiln.yaml: what an image is for and what it holds, each
// part with its reason. It refuses every unknown key, wrong type, duplicate key,
// tab indent and alias bomb, and reports all problems of a file at once, sorted,
// each with its place and, where there is one, the nearest valid spelling.
package recipe

import (
	"path"
	"strings"

	"kiln"
)

// Recipe is format v1 of the document. Slices keep the order of the file.
type Recipe struct {
	Kiln      string          `yaml:"kiln" jsonschema:"required"`      // format of the document: "v1"
	Name      string          `yaml:"name" jsonschema:"required"`      // of the image: small letters and digits, joined by . _ or -
	Version   string          `yaml:"version"`                         // of the image; written as it stands here, so 1.10 is not 1.1
	Summary   string          `yaml:"summary"`                         // what the image is for, in one sentence
	Owners    []string        `yaml:"owners"`                          // teams or people who answer for the image
	Platforms []kiln.Platform `yaml:"platforms" jsonschema:"required"` // what to build for, such as linux/amd64
	Essential bool            `yaml:"essential"`                       // also install every package marked Essential
	Sources   []Source        `yaml:"sources"`                         // where packages come from
	Layers    []Layer         `yaml:"layers" jsonschema:"required"`    // in order, the lowest first
	Users     []User          `yaml:"users"`                           // accounts besides root
	Groups    []Group         `yaml:"groups"`                          // groups besides those that come with a user
	Skip      []Skip          `yaml:"skip"`                            // maintainer scripts that are not honoured
	Debconf   []Answer        `yaml:"debconf"`                         // answers to what packages ask while they are configured
	Rules     Rules           `yaml:"rules"`                           // default rules
	Container Container       `yaml:"container"`                       // how the image runs as a container
	System    System          `yaml:"system"`                          // for an image that runs systemd
	Harden    []Harden        `yaml:"harden"`                          // rules that make the image harder to break into
	Closure   Closure         `yaml:"closure"`                         // what its files need and is not there
	Secrets   Secrets         `yaml:"secrets"`                         // what looks like a secret in it

	Policy []Policy `yaml:"policy"` // rules that the image must keep

	document *document // where it was read from; nil for a Recipe made by hand
}

// Source is one archive, or one local package file. Exactly one of Archive, URL
// and Deb is set.
type Source struct {
	Archive    string   `yaml:"archive"`    // a known archive: "debian"
	URL        string   `yaml:"url"`        // any other Debian archive: http, https or file
	Deb        string   `yaml:"deb"`        // a single local .deb, relative to the recipe
	Name       string   `yaml:"name"`       // of an archive given by url; letters, digits, dash. For a known archive: its name
	Suite      string   `yaml:"suite"`      // codename, "trixie"; of an archive given by url also its suite, or for a flat one the folder, ending in "/": "./"
	Components []string `yaml:"components"` // default [main]
	Pockets    []string `yaml:"pockets"`    // of a known archive: default [updates, security], none for sid; [] for the bare suite
	Keyring    string   `yaml:"keyring"`    // of an archive given by url: key file, relative to the recipe
	Priority   int      `yaml:"priority"`   // as apt's Pin-Priority; default 500. The higher archive wins before the newer version
}

// Layer is one named part of the image.
type Layer struct {
	Name     string    `yaml:"name" jsonschema:"required"` // as it is called in the output and the history; "dpkg" is taken by kiln
	Packages []Package `yaml:"packages"`                   // what the layer is for; what these depend on comes along
	Files    []File    `yaml:"files"`                      // what the recipe itself makes
	Drop     []Glob    `yaml:"drop"`                       // paths to leave out of this layer, whichever of its packages ships them
	Keep     []Glob    `yaml:"keep"`                       // exceptions to drop and to the default rules
}

// Package is one wanted package. Short form in YAML: "- tzdata: why".
type Package struct {
	Name    string            // with an optional ":arch" qualifier
	Why     string            `yaml:"why" jsonschema:"required"` // what it is for
	Version string            `yaml:"version"`                   // constraint: ">= 2.41", "= 1.2-3", or a bare version, meaning "="
	Archive string            `yaml:"archive"`                   // only from the source of this name
	Drop    []string          `yaml:"drop"`                      // globs over the paths of this package: left out
	Keep    []string          `yaml:"keep"`                      // globs: where given, only what matches is kept (and what another rule drops is kept too if it matches)
	Without map[string]string `yaml:"without"`                   // dependency of this package that is not followed: reason
	Place   string            // what of the recipe asks for it, where that is no line of the layer: "system.kernel"
}

// Glob is a path pattern with its reason. Short form in YAML: "- /usr/lib/x/**: why".
type Glob struct {
	Path string
	Why  string
}

// File is one path that the recipe itself makes. Exactly one of From, Content,
// Concat, Link and Directory is set.
type File struct {
	Path      string          `yaml:"path" jsonschema:"required"` // absolute
	From      string          `yaml:"from"`                       // host file or folder, relative to the recipe, inside the recipe's folder
	Content   *string         `yaml:"content"`                    // literal text
	Concat    []string        `yaml:"concat"`                     // globs over the layer's packages before drop: the files joined in path order, each ended by a newline
	Link      string          `yaml:"link"`                       // target of a symbolic link
	Directory bool            `yaml:"directory"`                  // an empty directory
	Mode      string          `yaml:"mode"`                       // octal, default "0644"; directories "0755"
	Owner     string          `yaml:"owner"`                      // user[:group] by name or number; default root
	Platforms []kiln.Platform `yaml:"platforms"`                  // default all
	Why       string          `yaml:"why" jsonschema:"required"`  // what it is for
	Place     string          // what of the recipe asks for it, where that is no line of the layer: "system.modules.deny[0]"
}

// User is one account. Its group of the same name and number is made with it
// unless Group names another.
type User struct {
	Name  string `yaml:"name" jsonschema:"required"` // small letters, digits, _ and -
	UID   int    `yaml:"uid" jsonschema:"required"`  // 0 to 4294967294
	Group string `yaml:"group"`                      // primary group by name; default one of the user's own name, with gid = uid
	Gecos string `yaml:"gecos"`                      // full name or the like
	Home  string `yaml:"home"`                       // default /nonexistent
	Shell string `yaml:"shell"`                      // default /usr/sbin/nologin
	Why   string `yaml:"why" jsonschema:"required"`  // what it is for
}

// Group is one group.
type Group struct {
	Name    string   `yaml:"name" jsonschema:"required"` // small letters, digits, _ and -
	GID     int      `yaml:"gid" jsonschema:"required"`  // 0 to 4294967294
	Members []string `yaml:"members"`                    // users in this group besides those whose primary group it is
	Why     string   `yaml:"why" jsonschema:"required"`  // what it is for
}

// Skip accepts that maintainer scripts of a package are not honoured.
type Skip struct {
	Package string   `yaml:"package" jsonschema:"required"` // name of the package
	Scripts []string `yaml:"scripts"`                       // of preinst, postinst; default all
	Why     string   `yaml:"why" jsonschema:"required"`     // what makes up for them, or why nothing needs to
}

// Answer is the answer to one debconf question, in place of the default that its
// package brings.
type Answer struct {
	Question string `yaml:"question" jsonschema:"required"` // as debconf has it: "tzdata/Areas"
	Value    string `yaml:"value" jsonschema:"required"`    // as debconf keeps it, as it stands here: "true", "Europe", ""
	Why      string `yaml:"why" jsonschema:"required"`      // why it is so
}

// Rules turns named default rules off. A nil entry means on.
type Rules struct {
	Off []RuleOff `yaml:"off"` // rules that do not apply to this image
}

// RuleOff turns one rule off. Short form in YAML: "- no-doc: why".
type RuleOff struct {
	Name string
	Why  string
}

// Harden names a rule that leaves out or changes what packages bring. Short forms
// in YAML: "- no-shells" and "- no-shells: why".
type Harden struct {
	Name     string
	Except   []string `yaml:"except"`   // what the rule leaves as it is: patterns of paths, users, settings, as the rule has it
	Writable []string `yaml:"writable"` // of read-only-root: folders that are written to
	Why      string   `yaml:"why"`      // why the rule is wanted, or the exceptions are; required with except
}

// Container is the configuration of the image as a container.
type Container struct {
	User        string            `yaml:"user"`        // name or number, [:group]
	Entrypoint  []string          `yaml:"entrypoint"`  // program and arguments
	Command     []string          `yaml:"command"`     // default arguments of the entrypoint, or the program where there is none
	Env         map[string]string `yaml:"env"`         // variables; values are texts as they stand here
	WorkDir     string            `yaml:"workdir"`     // absolute path
	Ports       []string          `yaml:"ports"`       // "8080/tcp"
	Volumes     []string          `yaml:"volumes"`     // absolute paths
	StopSignal  string            `yaml:"stop-signal"` // such as SIGTERM
	Labels      map[string]string `yaml:"labels"`      // further labels and annotations
	Healthcheck *Healthcheck      `yaml:"healthcheck"`
}

// Healthcheck is docker's; durations as Go writes them ("10s").
type Healthcheck struct {
	Command     []string `yaml:"command" jsonschema:"required"` // program and arguments; exit 0 means healthy
	Interval    string   `yaml:"interval"`                      // between two checks, such as 10s
	Timeout     string   `yaml:"timeout"`                       // of one check
	StartPeriod string   `yaml:"start-period"`                  // in which failures do not count
	Retries     int      `yaml:"retries"`                       // failures in a row that make it unhealthy
}

// Services says which units are enabled: those named here, and no others.
type Services struct {
	Enable []Unit `yaml:"enable"` // units that are enabled, whether or not their package asks for it
}

// Pattern reports whether u stands for more than one unit.
func (u Unit) Pattern() bool { return strings.ContainsAny(u.Unit, "*?[") }

// Match reports whether u means the unit called name: systemd.preset(5), in which
// a backslash is a letter.
func (u Unit) Match(name string) bool {
	pattern := strings.ReplaceAll(strings.ReplaceAll(u.Unit, `\`, `\\`), "[!", "[^")
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// Unit is one unit of systemd, or a pattern of several.
type Unit struct {
	Unit string `yaml:"unit" jsonschema:"required"` // name of the unit file with its type, ssh.service; with * ? [..] as in systemd.preset(5)
	Why  string `yaml:"why" jsonschema:"required"`  // what it is for
}

// Closure says what becomes of findings: files of the image that need what is not
// in it.
type Closure struct {
	Accept []Accept `yaml:"accept"` // findings that are as they should be
	Strict []string `yaml:"strict"` // kinds of findings that stop the build wherever they are: library, script, unit, pam, link
}

// Accept accepts findings. One that no finding answers to is an error.
type Accept struct {
	Path      string          `yaml:"path" jsonschema:"required"` // pattern of the file that needs something
	Missing   string          `yaml:"missing"`                    // pattern of what is missing; default whatever it needs
	Platforms []kiln.Platform `yaml:"platforms"`                  // default all
	Why       string          `yaml:"why" jsonschema:"required"`  // why the image does without
}

// Secrets says what becomes of secrets that are found in the image.
type Secrets struct {
	Accept []AcceptSecret `yaml:"accept"` // what is no secret, or is meant to be there
}

// AcceptSecret accepts secrets. One that no finding answers to is an error.
type AcceptSecret struct {
	Path      string          `yaml:"path" jsonschema:"required"` // pattern of the file; or a part of the recipe as the finding names it: container.env[NAME], kiln.yaml
	Rule      string          `yaml:"rule"`                       // name of the rule that found it; default any
	Platforms []kiln.Platform `yaml:"platforms"`                  // default all
	Why       string          `yaml:"why" jsonschema:"required"`  // why it may be there
}
