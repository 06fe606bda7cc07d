// Package pack keeps every input of a lock in one place: the recipe with the files
// that it takes from its folder, the lock, the archives' signed Releases, their
// indexes, the packages and the keys. A pack is an OCI artifact in an image layout,
// a folder or one tar, as the OCI image specification 1.1 says; its bytes are a
// function of recipe, lock and files alone.
//
// What is read from a pack is hashed before anything looks at it. Refused is a pack
// that is damaged in any bit, that lacks what its lock names, or that holds what
// nothing in it names.
package pack

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
)

// Type is the artifactType of a pack's manifest.
const Type = "application/vnd.kiln.pack.v1"

// lockType is the media type of the manifest's config: the lock.
const lockType = "application/vnd.kiln.lock.v1+json"

// annotationTitle says what a blob is: a path in the pack.
const annotationTitle = "org.opencontainers.image.title"

// Kind is what an input is.
type Kind string

// The kinds, in the order in which a pack lists them.
const (
	Recipe    Kind = "recipe"    // the recipe itself
	File      Kind = "file"      // a file that it takes from its folder
	Folder    Kind = "folder"    // a folder that it takes from there, as a tar
	Key       Kind = "key"       // keys that sign an archive
	Release   Kind = "release"   // InRelease, or Release
	Signature Kind = "signature" // Release.gpg
	Index     Kind = "index"     // a Packages file
	Package   Kind = "package"   // a package of an archive
)

// kinds lists the media types of the blobs, in order.
func kinds() []struct {
	kind      Kind
	mediaType string
} {
	return []struct {
		kind      Kind
		mediaType string
	}{
		{Recipe, "application/vnd.kiln.recipe.v1+yaml"},
		{File, "application/vnd.kiln.pack.file.v1"},
		{Folder, "application/vnd.kiln.pack.folder.v1.tar"},
		{Key, "application/pgp-keys"},
		{Release, "application/vnd.kiln.pack.release.v1"},
		{Signature, "application/pgp-signature"},
		{Index, "application/vnd.kiln.pack.index.v1"},
		{Package, "application/vnd.kiln.pack.package.v1"},
	}
}

func (k Kind) mediaType() string {
	for _, row := range kinds() {
		if row.kind == k {
			return row.mediaType
		}
	}
	panic("bug: unknown kind of input: " + string(k))
}

// Input is one thing that a lock needs.
type Input struct {
	Kind   Kind        `json:"kind"`
	Title  string      `json:"title"` // its path in the pack: "archives/debian/trixie/pool/main/..."
	Digest kiln.Digest `json:"digest"`
	Size   int64       `json:"size"` // in bytes
}

// Contents is what a pack holds, in the shape that --json prints.
type Contents struct {
	Digest  kiln.Digest     `json:"digest"` // of the manifest
	Lock    kiln.Digest     `json:"lock"`
	Subject *oci.Descriptor `json:"subject,omitempty"` // the image that it is of
	Size    int64           `json:"size"`              // of all blobs, each once, in bytes
	Inputs  []Input         `json:"inputs"`

	manifest oci.Descriptor
	artifact oci.Artifact
}

// The folders of titles. Whatever stands in recipeFolder is the recipe's.
const (
	recipeFolder  = "recipe"
	archiveFolder = "archives"
	keyFolder     = "keys"
)

// InArchive is the title of a file of the archive pocket id, "debian/trixie", whose
// path below the archive's root is given. The folder of a pocket is a mirror of it.
func InArchive(id, path string) string {
	return archiveFolder + "/" + pocketFolder(id) + "/" + path
}

// KeysOf is the title of the keys of the archive pocket id.
func KeysOf(id string) string { return keyFolder + "/" + pocketFolder(id) + ".asc" }

// pocketFolder is "debian/trixie", and "name/._" for the flat archive "name/./".
func pocketFolder(id string) string {
	name, suite, _ := strings.Cut(id, "/")
	return name + "/" + strings.ReplaceAll(suite, "/", "_")
}

// mostTitle bounds a title, in bytes, as Linux bounds a path.
const mostTitle = 4096

// checkTitle refuses a title that could lead anywhere, or forge a line of a message.
func (in Input) checkTitle() error {
	t := in.Title
	bad := func(r rune) bool { return unicode.IsControl(r) || r == '\\' }
	if len(t) > mostTitle || !fs.ValidPath(t) || !utf8.ValidString(t) || strings.ContainsFunc(t, bad) {
		return fmt.Errorf("it calls an input %q, which is not a clean relative path", shorten(t))
	}
	if first, _, below := strings.Cut(t, "/"); first != in.Kind.folder() || !below && in.Kind != Folder {
		return fmt.Errorf("it calls an input %q, which is no %s in the folder %q", shorten(t), in.Kind, in.Kind.folder())
	}
	return nil
}

// folder is the first part of the titles of a kind.
func (k Kind) folder() string {
	switch k {
	case Recipe, File, Folder:
		return recipeFolder
	case Key:
		return keyFolder
	}
	return archiveFolder
}

// arrange sorts inputs by kind and title, each once, and refuses two of one title.
func arrange(inputs []Input) ([]Input, error) {
	rank := map[Kind]int{}
	for i, row := range kinds() {
		rank[row.kind] = i
	}
	inputs = slices.Clone(inputs)
	slices.SortFunc(inputs, func(a, b Input) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Digest, b.Digest))
	})
	inputs = slices.Compact(inputs)
	titles := map[string]bool{}
	for _, in := range inputs {
		if err := in.checkTitle(); err != nil {
			return nil, err
		}
		if titles[in.Title] {
			return nil, fmt.Errorf("two different inputs are called %q", in.Title)
		}
		titles[in.Title] = true
	}
	return inputs, nil
}

// locked is what a lock names of archives, by digest, with its size; -1 where the
// lock tells none. Local packages are the recipe's.
func locked(l *lock.Lock) (map[kiln.Digest]int64, error) {
	all := map[kiln.Digest]int64{}
	file := func(hex string, size int64) error {
		d, err := kiln.DigestFromHex(hex)
		all[d] = size
		return err
	}
	for _, a := range l.Archives {
		for _, p := range a.Pockets {
			all[p.Release] = -1
			if p.Signature != "" {
				all[p.Signature] = -1
			}
			for _, ix := range p.Indexes {
				if err := file(ix.SHA256, ix.Size); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, p := range l.Platforms {
		for _, pkg := range p.All() {
			if pkg.Archive == localArchive {
				continue
			}
			if err := file(pkg.SHA256, pkg.Size); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// localArchive is the archive that a lock names for packages of the recipe's folder.
const localArchive = "local"
