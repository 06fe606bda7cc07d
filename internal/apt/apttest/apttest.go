// Package apttest makes signed Debian archives for tests, honest and hostile, and
// serves them over real HTTP with faults. An archive depends on what it was made
// from alone, byte for byte, its keys included. It is for tests only; it panics
// on what cannot be made.
package apttest

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"kiln/internal/deb/debtest"
)

// Date is the Date of a Suite that gives none. Tests judge as of Now.
var (
	Date = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	Now  = Date.Add(24 * time.Hour)
)

// Site is one mirror: content by path below the archive's root.
type Site map[string][]byte

// Suite describes one Release and what it vouches for. The zero Suite with a
// Name is an honest one in the manner of Debian: InRelease and Release with
// Release.gpg, signed by DefaultKey, by-hash, xz and gz, hashes SHA256.
type Suite struct {
	Name          string // folder below dists; ends in "/" for a flat archive
	Codename      string // "" is Name; "-" is none
	SuiteField    string // Suite; "" is Codename; "-" is none
	Origin, Label string // "" is "Test"
	Version       string
	Date          time.Time // zero is Date
	ValidUntil    time.Time // zero is none
	Archs         []string  // default amd64, arm64
	Components    []string  // components that exist though no package is in them; default main
	SplitAll      bool      // packages for "all" stand in binary-all alone
	Packages      []Package
	Keys          []*Key   // default DefaultKey
	Compress      []string // of "", "gz", "xz", "zst"; default xz and gz. The plain form is listed, and served only where named
	Hashes        []string // of "MD5Sum", "SHA1", "SHA256", "SHA512"; default SHA256
	NoByHash      bool
	NoInRelease   bool
	NoDetached    bool
	Unsigned      bool // an InRelease that is the bare Release, and no Release.gpg

	Fields []string // further lines of the Release: "Name: value"
	// EditIndex changes the text of a Packages file before it is hashed.
	EditIndex func(path, text string) string
	// EditRelease changes the Release before it is signed.
	EditRelease func(string) string
	// EditInRelease changes the InRelease after it was signed.
	EditInRelease func(string) string
}

// Package is a package of a suite.
type Package struct {
	Component string // default main
	debtest.Spec
}

// Path is where the package's .deb stands below the archive's root.
func (p Package) Path() string {
	name := p.Name
	if name == "" {
		name = "pkg"
	}
	return path.Join("pool", or(p.Component, "main"), name[:1], name, debtest.FileName(p.Spec))
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func orNone(s, fallback string) string {
	if s == "-" {
		return ""
	}
	return or(s, fallback)
}

func (s Suite) withDefaults() Suite {
	s.Codename = orNone(s.Codename, s.Name)
	s.SuiteField = orNone(s.SuiteField, s.Codename)
	s.Origin, s.Label = or(s.Origin, "Test"), or(s.Label, "Test")
	if s.Date.IsZero() {
		s.Date = Date
	}
	if s.Archs == nil {
		s.Archs = []string{"amd64", "arm64"}
	}
	if s.Components == nil {
		s.Components = []string{"main"}
	}
	if s.Keys == nil {
		s.Keys = []*Key{DefaultKey()}
	}
	if s.Compress == nil {
		s.Compress = []string{"xz", "gz"}
	}
	if s.Hashes == nil {
		s.Hashes = []string{"SHA256"}
	}
	return s
}

// New returns a site with the given suites.
func New(suites ...Suite) Site {
	site := Site{}
	for _, s := range suites {
		site.Add(s)
	}
	return site
}

// Add puts a suite and its packages in place; one of the same name is replaced,
// while what its by-hash folders hold stays, as on a mirror.
func (site Site) Add(s Suite) {
	s = s.withDefaults()
	indexes := site.addIndexes(s)
	release := s.release(indexes)
	if s.EditRelease != nil {
		release = s.EditRelease(release)
	}
	in := func(name string) string { return path.Join(s.folder(), name) }
	for _, name := range []string{"InRelease", "Release", "Release.gpg"} {
		delete(site, in(name))
	}
	if s.Unsigned {
		site[in("InRelease")] = []byte(release)
		site[in("Release")] = []byte(release)
		return
	}
	if !s.NoInRelease {
		text := string(ClearSign(release, s.Date, s.Keys...))
		if s.EditInRelease != nil {
			text = s.EditInRelease(text)
		}
		site[in("InRelease")] = []byte(text)
	}
	if !s.NoDetached {
		site[in("Release")] = []byte(release)
		site[in("Release.gpg")] = DetachSign(release, s.Date, s.Keys...)
	}
}

func (s Suite) flat() bool { return s.Name[len(s.Name)-1] == '/' }

func (s Suite) folder() string {
	if s.flat() {
		return path.Clean("./" + s.Name)
	}
	return "dists/" + s.Name
}

// Write puts the site's files below a folder, for a file: address.
func (site Site) Write(dir string) error {
	for _, name := range slices.Sorted(maps.Keys(site)) {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, site[name], fs.FileMode(0o644)); err != nil {
			return err
		}
	}
	return nil
}
