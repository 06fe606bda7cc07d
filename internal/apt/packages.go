package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"kiln"
	"kiln/internal/deb"
)

// Packages reads an index: one that Indexes returned, or one that a lock names,
// which is loaded from the store or from a mirror that still keeps it. Every
// package has a name, a version, an architecture, a size, a SHA-256 and a clean
// Filename below the archive's root.
func (c *Client) Packages(ctx context.Context, p Pocket, ix Index) ([]*deb.Package, error) {
	if err := c.load(ctx, p, ix); err != nil {
		return nil, err
	}
	blob, err := c.Store.Verified(ix.Digest)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	refuse := func(err error) error {
		return p.refuse([]string{"tell the archive's owner"}, "its index %q is not usable: %v", ix.Path, err)
	}
	plain, err := decompress(io.NewSectionReader(blob, 0, blob.Size()), path.Ext(ix.Path))
	if err != nil {
		return nil, refuse(err)
	}
	defer plain.Close()
	checked := newPlainReader(plain, ix)
	all, err := deb.ReadPackages(checked)
	if err == nil {
		err = checked.finish()
	}
	if err != nil {
		return nil, refuse(err)
	}
	for _, pkg := range all {
		if pkg.Filename, err = checkPackage(pkg); err != nil {
			return nil, refuse(fmt.Errorf("package %q: %w", printable(pkg.Name), err))
		}
	}
	return all, nil
}

// load makes sure that the index is in the store.
func (c *Client) load(ctx context.Context, p Pocket, ix Index) error {
	name, err := cleanPath(ix.Path)
	if err != nil {
		return p.refuse([]string{hintUpdate()}, "%v", err)
	}
	ix.Path = name
	if c.Store.Has(ix.Digest) {
		return nil
	}
	err = c.bringIndex(ctx, p, ix, true)
	if isMissing(err) || isAltered(err) {
		return &kiln.Error{
			Code:  kiln.Network,
			Text:  fmt.Sprintf("cannot load the locked index %q of the archive %q: no mirror keeps it any more\n%s", ix.Path, p.ID(), detail(err)),
			Hints: []string{hintUpdate(), "or use a mirror that keeps older states of the archive"},
			Err:   err,
		}
	}
	return err
}

// checkPackage returns the clean form of a package's path. An index without
// SHA-256 hashes vouches for nothing.
func checkPackage(pkg *deb.Package) (string, error) {
	if _, err := kiln.DigestFromHex(strings.ToLower(pkg.SHA256)); err != nil {
		return "", errors.New("it has no SHA256 hash")
	}
	pkg.SHA256 = strings.ToLower(pkg.SHA256)
	return cleanPath(pkg.Filename)
}
