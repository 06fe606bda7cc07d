// Package apt is a client of signed Debian archives: it finds their mirrors,
// fetches a Release and judges its signatures and validity, and brings the
// package indexes and packages that the Release vouches for into the store.
//
// It follows apt(8), sources.list(5), apt-secure(8), the Debian repository
// format (https://wiki.debian.org/DebianRepository/Format) and RFC 9580, and is
// stricter than apt where apt can be told to look away. It refuses an archive
// that is not signed by a key of the pocket's own keyring, is expired, is dated
// in the future, is older than what was accepted before, or has changed its
// name; a signature over MD5 or SHA-1; an index that is not named by SHA-256;
// and any path that would leave the archive's root. No byte reaches a parser
// before its signature or its hash was found right.
package apt

import (
	"fmt"
	"path"
	"strings"

	"kiln"
)

// Archive is what a source of a recipe becomes.
type Archive struct {
	Name    string // "debian", or the recipe's own name for it
	Suite   string // as the recipe names it: "trixie"; of a flat archive a folder ending in "/"
	Pockets []Pocket
}

// Pocket is one signed Release of an archive and what it vouches for.
type Pocket struct {
	Archive    string   // name of the archive
	Name       string   // "release", "updates", "security"
	Suite      string   // folder below dists/: "trixie-updates"; of a flat archive a folder ending in "/"
	Codename   string   // what the Release must call itself; empty: Suite must be its Suite or its Codename
	Components []string // empty for a flat archive
	Mirror     string   // known mirror, "debian" or "debian-security"; empty where URL is set
	URL        string   // of an archive that the recipe gives an address
	Keys       Keyring
}

// ID names the pocket as the lock's packages do: "debian/trixie-updates".
func (p Pocket) ID() string { return p.Archive + "/" + p.Suite }

// Flat reports whether the archive has no dists folder and no components.
func (p Pocket) Flat() bool { return strings.HasSuffix(p.Suite, "/") }

// folder is where the Release stands, below the archive's root.
func (p Pocket) folder() string {
	if p.Flat() {
		return path.Clean("./" + p.Suite)
	}
	return "dists/" + p.Suite
}

// Path is where a file of the suite's folder, such as "InRelease", stands below the
// archive's root.
func (p Pocket) Path(name string) string { return path.Join(p.folder(), name) }

// Index is one Packages file that a Release vouches for.
type Index struct {
	Component    string // empty in a flat archive
	Architecture string // empty in a flat archive
	Path         string // below the folder of the suite: "main/binary-amd64/Packages.xz"
	Digest       kiln.Digest
	Size         int64 // in bytes

	plain *entry // the same file not compressed, where the Release lists it
}

// Item is one file to fetch: a package of a pocket.
type Item struct {
	Pocket  Pocket
	Path    string // below the archive's root: "pool/main/..."
	Digest  kiln.Digest
	Size    int64  // in bytes
	Subject string // for events; empty: the file's name
}

func (i Item) subject() string {
	if i.Subject != "" {
		return i.Subject
	}
	return path.Base(i.Path)
}

// cleanPath returns p as a clean path below an archive's root. It refuses one
// that could leave the root or that would mean something else in a URL or on a
// host: "..", a leading slash, a backslash, a control character.
func cleanPath(p string) (string, error) {
	bad := strings.HasPrefix(p, "/") || strings.ContainsFunc(p, func(r rune) bool {
		return r < 0x20 || r == 0x7f || r == '\\'
	})
	for e := range strings.SplitSeq(p, "/") {
		bad = bad || e == ".."
	}
	c := path.Clean(p)
	if bad || p == "" || c == "." || strings.HasSuffix(p, "/") {
		return "", fmt.Errorf("the path %q is not one of a file below the archive's root", p)
	}
	return c, nil
}
