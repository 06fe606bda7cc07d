package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/lock"
)

// newArchive makes a Debian archive of just the .debs that a lock names, links to
// those of the kept store, and returns its folder. It is unsigned: for peers that
// are told to trust it.
func (b *bench) newArchive(name string, l *lock.Lock) (string, error) {
	dir := filepath.Join(b.work, "archive-"+name)
	var index strings.Builder
	for _, p := range packagesOf(l) {
		file := filepath.Join(dir, p.Path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.Link(blobPath(b.fetched, kiln.Digest("sha256:"+p.SHA256)), file); err != nil {
			return "", err
		}
		control, err := controlOf(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&index, "%sFilename: %s\nSize: %d\nSHA256: %s\n\n", control, p.Path, p.Size, p.SHA256)
	}
	suite := filepath.Join(dir, "dists", "trixie")
	if err := write(filepath.Join(suite, "main", "binary-amd64", "Packages"), index.String()); err != nil {
		return "", err
	}
	release := fmt.Sprintf("Origin: Debian\nSuite: stable\nCodename: trixie\nDate: Sat, 09 Aug 2025 00:00:00 UTC\nArchitectures: amd64 all\nComponents: main\nSHA256:\n %x %d main/binary-amd64/Packages\n",
		sha256.Sum256([]byte(index.String())), index.Len())
	return dir, write(filepath.Join(suite, "Release"), release)
}

// controlOf reads the control file of a .deb.
func controlOf(file string) (*deb.Paragraph, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a, err := deb.Open(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	c, err := a.Control()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c.Paragraph, nil
}
