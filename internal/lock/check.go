package lock

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"kiln"
)

// The forms of names in a lock. None can leave a folder or forge a line.
var (
	isWord  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+~_-]*$`).MatchString
	isSuite = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+~_-]*(/[A-Za-z0-9][A-Za-z0-9.+~_-]*)*$`).MatchString
	// isFolder is for what stands in place of a suite in an archive without dists folder.
	isFolder      = regexp.MustCompile(`^(\./|[A-Za-z0-9][A-Za-z0-9.+~_-]*(/[A-Za-z0-9][A-Za-z0-9.+~_-]*)*/)$`).MatchString
	isVersion     = regexp.MustCompile(`^[A-Za-z0-9.+~:-]+$`).MatchString
	isFingerprint = regexp.MustCompile(`^([0-9A-F]{40}|[0-9A-F]{64})$`).MatchString
)

// check looks for what the types cannot say.
func (l *Lock) check() error {
	if _, err := kiln.ParseDigest(string(l.Wants)); err != nil {
		return fmt.Errorf("wants is %v", err)
	}
	if _, err := kiln.ParseDigest(string(l.Digest)); err != nil && l.Digest != "" {
		return fmt.Errorf("digest is %v", err)
	}
	archives := map[string]bool{"local": true}
	for _, a := range l.Archives {
		if err := a.check(archives); err != nil {
			return fmt.Errorf("archive %q: %v", a.Name+"/"+a.Suite, err)
		}
	}
	for _, k := range sortedPlatforms(l.Platforms) {
		if l.Platforms[k] == nil {
			return fmt.Errorf("platform %q is null", k)
		}
		if err := l.Platforms[k].check(archives); err != nil {
			return fmt.Errorf("platform %q: %v", k, err)
		}
	}
	return nil
}

// check also adds the archive's pockets to seen, as packages name them.
func (a Archive) check(seen map[string]bool) error {
	if !isWord(a.Name) || (!isSuite(a.Suite) && !isFolder(a.Suite)) || a.Name == "local" {
		return fmt.Errorf("not a name and suite of an archive")
	}
	for _, p := range a.Pockets {
		if err := p.check(); err != nil {
			return fmt.Errorf("pocket %q: %v", p.Suite, err)
		}
		name := a.Name + "/" + p.Suite
		if seen[name] {
			return fmt.Errorf("pocket %q twice", p.Suite)
		}
		seen[name] = true
	}
	return nil
}

func (p Pocket) check() error {
	if !isWord(p.Name) || (!isSuite(p.Suite) && !isFolder(p.Suite)) || !isPrintable(p.Codename) {
		return fmt.Errorf("not a name, suite and codename of a pocket")
	}
	if _, err := kiln.ParseDigest(string(p.Release)); err != nil {
		return fmt.Errorf("release is %v", err)
	}
	if p.Signature != "" {
		if _, err := kiln.ParseDigest(string(p.Signature)); err != nil {
			return fmt.Errorf("signature is %v", err)
		}
	}
	if len(p.Signers) == 0 {
		return fmt.Errorf("nobody signed it")
	}
	for _, s := range p.Signers {
		if !isFingerprint(s.Fingerprint) {
			return fmt.Errorf("%q is no fingerprint of a key", s.Fingerprint)
		}
	}
	seen := map[string]bool{}
	for _, x := range p.Indexes {
		switch {
		case seen[x.Path]:
			return fmt.Errorf("index %q twice", x.Path)
		case !isFolder(p.Suite) && (!isSuite(x.Component) || !isWord(x.Architecture)):
			return fmt.Errorf("index %q: not a component and architecture", x.Path)
		}
		if err := checkFile(x.Path, x.SHA256, x.Size); err != nil {
			return fmt.Errorf("index %q: %v", x.Path, err)
		}
		seen[x.Path] = true
	}
	return nil
}

func (p *Platform) check(archives map[string]bool) error {
	stages := map[string]bool{}
	for _, s := range p.Stages {
		if !isWord(s.Name) || stages[s.Name] {
			return fmt.Errorf("stage %q twice, or not a name", s.Name)
		}
		stages[s.Name] = true
		if err := checkPackages(s.Packages, archives); err != nil {
			return fmt.Errorf("stage %q: %v", s.Name, err)
		}
	}
	return checkPackages(p.Packages, archives)
}

func checkPackages(list []Package, archives map[string]bool) error {
	seen := map[string]bool{}
	for _, pkg := range list {
		key := pkg.Name + ":" + pkg.Architecture
		if seen[key] {
			return fmt.Errorf("package %q twice", key)
		}
		seen[key] = true
		if err := pkg.check(); err != nil {
			return fmt.Errorf("package %q: %v", key, err)
		}
		if !archives[pkg.Archive] {
			return fmt.Errorf("package %q: its archive %q is not in the lock", key, pkg.Archive)
		}
	}
	return nil
}

func (p Package) check() error {
	switch {
	case !isWord(p.Name) || !isWord(p.Source) || !isWord(p.Architecture):
		return fmt.Errorf("not a name, source and architecture of a package")
	case !isVersion(p.Version):
		return fmt.Errorf("%q is no version", p.Version)
	case p.Size == 0:
		return fmt.Errorf("it has no size")
	case len(p.RequiredBy) == 0:
		return fmt.Errorf("nothing requires it")
	}
	for i, name := range p.RequiredBy {
		if name == "" || i > 0 && p.RequiredBy[i-1] == name {
			return fmt.Errorf("%q twice in required_by, or empty", name)
		}
	}
	return checkFile(p.Path, p.SHA256, p.Size)
}

// isPrintable tells whether s is one short line of text.
func isPrintable(s string) bool {
	return len(s) <= 256 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// checkFile checks a path that is joined to a mirror's address or to a folder.
func checkFile(p, sha256 string, size int64) error {
	if !fs.ValidPath(p) || p == "." || path.Clean(p) != p || strings.ContainsAny(p, "\\\x00") {
		return fmt.Errorf("%q is no clean relative path", p)
	}
	if _, err := kiln.DigestFromHex(sha256); err != nil {
		return err
	}
	if size < 0 {
		return fmt.Errorf("its size is %d", size)
	}
	return nil
}
