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
	"kiln/internal/listing"
)

// indexFormat is the version of what Packages accepts and makes of a package.
const indexFormat = 1

// Packages reads an index: one that Indexes returned, or one that a lock names,
// which is loaded from the store or from a mirror that still keeps it. Every
// package has a name, a version, an architecture, a size, a SHA-256 and a clean
// Filename below the archive's root.
//
// An index is parsed once: what it says is kept in the store as a listing, by the
// digest of the index.
func (c *Client) Packages(ctx context.Context, p Pocket, ix Index) (*listing.List, error) {
	name, err := cleanPath(ix.Path)
	if err != nil {
		return nil, p.refuse([]string{hintUpdate()}, "%v", err)
	}
	ix.Path = name
	key := kiln.DigestOf(fmt.Appendf(nil, "kiln listing %d %d\n%s%s\n", indexFormat, listing.Format, ix.Digest, path.Ext(name)))
	if list := c.listed(key, ix); list != nil {
		return list, nil
	}
	if err := c.load(ctx, p, ix); err != nil {
		return nil, err
	}
	var list *listing.List
	err = c.Store.Once(ctx, key, func() error {
		if list = c.listed(key, ix); list != nil {
			return nil
		}
		list, err = c.makeListing(key, p, ix)
		return err
	})
	return list, err
}

// listed opens the listing of an index, if it is there and sound. Where the
// Release says what the text of the index is, it must have been made of that.
func (c *Client) listed(key kiln.Digest, ix Index) *listing.List {
	b, ok := c.Store.Result(key)
	if !ok {
		return nil
	}
	list, err := listing.Open(b)
	if err != nil || ix.plain != nil && list.Text() != (listing.Text{Digest: ix.plain.digest, Size: ix.plain.size}) {
		return nil
	}
	return list
}

// makeListing parses an index that is in the store and keeps the listing of it.
// That takes some 200 MB for Debian's main, and so is done for two at a time.
func (c *Client) makeListing(key kiln.Digest, p Pocket, ix Index) (*listing.List, error) {
	defer c.turn()()
	packages, text, err := c.parse(p, ix)
	if err != nil {
		return nil, err
	}
	b, err := listing.Build(packages, text)
	if err != nil {
		return nil, p.refuse([]string{"tell the archive's owner"}, "its index %q is not usable: %v", ix.Path, err)
	}
	if err := c.Store.SetResult(key, b); err != nil {
		return nil, err
	}
	return listing.Open(b)
}

// turn waits until fewer than two indexes are being parsed, and returns what
// ends the turn.
func (c *Client) turn() (end func()) {
	for i := range c.parsing {
		if c.parsing[i].TryLock() {
			return c.parsing[i].Unlock
		}
	}
	c.parsing[0].Lock()
	return c.parsing[0].Unlock
}

// parse reads an index that is in the store, and what its text is.
func (c *Client) parse(p Pocket, ix Index) ([]*deb.Package, listing.Text, error) {
	var text listing.Text
	blob, err := c.Store.Verified(ix.Digest)
	if err != nil {
		return nil, text, err
	}
	defer blob.Close()
	refuse := func(err error) ([]*deb.Package, listing.Text, error) {
		return nil, text, p.refuse([]string{"tell the archive's owner"}, "its index %q is not usable: %v", ix.Path, err)
	}
	plain, err := decompress(io.NewSectionReader(blob, 0, blob.Size()), path.Ext(ix.Path))
	if err != nil {
		return refuse(err)
	}
	defer plain.Close()
	ahead := readAhead(plain)
	defer ahead.Close()
	checked := newPlainReader(ahead, ix)
	all, err := deb.ReadPackages(checked)
	if err == nil {
		text, err = checked.finish()
	}
	if err != nil {
		return refuse(err)
	}
	for _, pkg := range all {
		if pkg.Filename, err = checkPackage(pkg); err != nil {
			return refuse(fmt.Errorf("package %q: %w", printable(pkg.Name), err))
		}
	}
	return all, text, nil
}

// Load brings an index that a lock names into the store, from a mirror that still
// keeps it.
func (c *Client) Load(ctx context.Context, p Pocket, ix Index) error {
	name, err := cleanPath(ix.Path)
	if err != nil {
		return p.refuse([]string{hintUpdate()}, "%v", err)
	}
	ix.Path = name
	return c.load(ctx, p, ix)
}

// load makes sure that the index is in the store.
func (c *Client) load(ctx context.Context, p Pocket, ix Index) error {
	if c.Store.Has(ix.Digest) {
		return nil
	}
	err := c.bringIndex(ctx, p, ix, true)
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
