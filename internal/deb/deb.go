// Package deb reads the formats of Debian's binary packages: deb822 control
// paragraphs (deb822(5)), versions (deb-version(7)), relationship fields
// (Debian Policy 7), ar, and .deb (deb(5)). It only reads, only through
// io.Reader and io.ReaderAt, and refuses what dpkg refuses.
package deb

// Package is one binary package as an archive's index or its own control file describes it.
type Package struct {
	Name          string
	Version       string // as written; compare with Compare
	Architecture  string
	Source        string // source package name; Name where the field is absent
	SourceVersion string // Version where the field gives none
	MultiArch     string // "", "no", "same", "foreign", "allowed"
	Section       string
	Priority      string
	Essential     bool
	PreDepends    Relations
	Depends       Relations
	Recommends    Relations
	Conflicts     Relations
	Breaks        Relations
	Replaces      Relations
	Provides      Relations
	InstalledSize int64  // in KiB, as the field gives it; 0 where it gives no number
	Filename      string // of an index: path below the archive's root, clean and relative
	SHA256        string // of an index: 64 lower-case hexadecimal digits
	Size          int64  // of an index, in bytes
}

// Relations is a relationship field: every Dependency of it must hold.
type Relations []Dependency

// Dependency holds when one of its alternatives does, the first one preferred.
type Dependency []Relation

// Relation names a package, perhaps with a version bound.
type Relation struct {
	Name          string
	Qualifier     string // after the colon: "any", "native" or an architecture; empty where absent
	Op            string // "", "<<", "<=", "=", ">=", ">>"
	Version       string
	Architectures []string   // restriction list in square brackets, each perhaps with a leading "!"
	Profiles      [][]string // build profile restriction formulas in angle brackets
}
