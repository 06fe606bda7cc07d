// Package lock reads and writes kiln.lock: the exact inputs that a recipe
// resolved to, with hashes and the signed chain. It is JSON, stable under
// re-run, holds no mirror address and no fact of the machine that wrote it.
//
// It has one form: what Parse takes, Marshal gives back, but for white space. So
// nothing that kiln would not write is ever read: no unknown or doubled key, no
// other order, no digest in capitals. And it bears its own digest, so that what a
// slip, a merge or a bad disk made of it is not taken for what was resolved.
package lock

import (
	"slices"
	"time"

	"kiln"
)

// Format is the version of the document and of every rule that turns a lock into bytes.
const Format = 1

// Lock is the whole document.
type Lock struct {
	Format    int                         `json:"format"`
	Wants     kiln.Digest                 `json:"wants"`            // digest of what the recipe asked for, canonical: line endings, comments and key order do not matter
	Digest    kiln.Digest                 `json:"digest,omitempty"` // of the document's one form without this line; of a lock of an older kiln there is none
	Archives  []Archive                   `json:"archives"`
	Platforms map[kiln.Platform]*Platform `json:"platforms"` // keyed by its text form
}

// Archive is one source of packages with the state that it was locked in.
type Archive struct {
	Name    string   `json:"name"` // "debian", or the recipe's own name for it
	Suite   string   `json:"suite" layout:"join"`
	Pockets []Pocket `json:"pockets"`
}

// Pocket is one signed Release: of the suite itself, or of its updates or security pocket.
type Pocket struct {
	Name       string      `json:"name"`                // "release", "updates", "security"
	Suite      string      `json:"suite" layout:"join"` // folder below dists/: "trixie-updates"
	Codename   string      `json:"codename" layout:"join"`
	Release    kiln.Digest `json:"release"`             // of the signed text: InRelease as served, or Release
	Signature  kiln.Digest `json:"signature,omitempty"` // of Release.gpg, where the signature is detached
	Date       time.Time   `json:"date"`
	ValidUntil *time.Time  `json:"valid_until,omitempty" layout:"join"`
	JudgedAt   *time.Time  `json:"judged_at,omitempty" layout:"join"` // only where --at was given
	Signers    []Signer    `json:"signers"`
	Indexes    []Index     `json:"indexes"`
}

// Signer is one key whose signature over the Release was good.
type Signer struct {
	Fingerprint string `json:"fingerprint" layout:"join"` // 40 upper-case hexadecimal digits of the primary key
	Name        string `json:"name" layout:"join"`        // user id
}

// Index is one Packages file that a Release vouches for.
type Index struct {
	Component    string `json:"component"`
	Architecture string `json:"architecture" layout:"join"`
	Path         string `json:"path" layout:"join"` // below the folder of the suite: "main/binary-amd64/Packages.xz"
	SHA256       string `json:"sha256"`             // 64 hexadecimal digits
	Size         int64  `json:"size" layout:"join"`
}

// Platform is what one platform of the recipe resolved to.
type Platform struct {
	Packages []Package `json:"packages"`         // of the image, sorted by name, then architecture
	Stages   []Stage   `json:"stages,omitempty"` // of the recipe, sorted by name
}

// Stage is what a stage of the recipe resolved to. None of it is in the image.
type Stage struct {
	Name     string    `json:"name"`
	Packages []Package `json:"packages"` // sorted by name, then architecture
}

// All are the packages of the image, then those of the stages; one that several have,
// several times.
func (p *Platform) All() []Package {
	all := slices.Clone(p.Packages)
	for _, s := range p.Stages {
		all = append(all, s.Packages...)
	}
	return all
}

// Stage is what a stage of that name resolved to; nil where there is none.
func (p *Platform) Stage(name string) *Platform {
	if p == nil {
		return nil
	}
	if i := slices.IndexFunc(p.Stages, func(s Stage) bool { return s.Name == name }); i >= 0 {
		return &Platform{Packages: p.Stages[i].Packages}
	}
	return nil
}

// OfStage is the lock of a stage's tree: its packages in the place of the image's, for
// the platforms that have it.
func (l *Lock) OfStage(name string) *Lock {
	of := &Lock{Format: l.Format, Wants: l.Wants, Archives: l.Archives, Platforms: map[kiln.Platform]*Platform{}}
	for p, locked := range l.Platforms {
		if s := locked.Stage(name); s != nil {
			of.Platforms[p] = s
		}
	}
	return of
}

// Package is one exact package.
type Package struct {
	Name         string   `json:"name"`
	Version      string   `json:"version" layout:"join"`
	Architecture string   `json:"architecture" layout:"join"`
	Source       string   `json:"source"`
	Archive      string   `json:"archive" layout:"join"` // "debian/trixie", "debian/trixie-security", "vendor/stable", or "local" for a .deb of the recipe
	Path         string   `json:"path"`                  // below the archive's root: "pool/main/..."; of a local .deb: relative to the recipe
	SHA256       string   `json:"sha256"`                // 64 hexadecimal digits, as archives write it
	Size         int64    `json:"size" layout:"join"`
	RequiredBy   []string `json:"required_by"` // sorted: names of packages, "recipe" where the recipe asks for it, "essential"
}
