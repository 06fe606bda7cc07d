package debian

import (
	"bytes"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/listing"
	"kiln/internal/recipe"
	"kiln/internal/resolve"
)

// Local .debs of the recipe are packages like an archive's, from a source that
// the recipe's author vouches for by naming the file; the lock holds its hash.
const (
	localArchive = "local" // as a want says "archive: local"
	// localPriority is where apt puts a .deb that is named on its command line:
	// above every archive.
	localPriority = 1001
)

// localStock reads the recipe's local .debs into the store and returns those that
// fit any of archs.
func (f *Family) localStock(r *recipe.Recipe, archs []string) (resolve.Stock, error) {
	stock := resolve.Stock{Archive: localArchive, Source: localArchive, Priority: localPriority}
	var packages []*deb.Package
	for i, s := range r.Sources {
		if s.Deb == "" {
			continue
		}
		p, err := f.localPackage(r, s.Deb)
		if err != nil {
			return stock, fmt.Errorf("cannot use sources[%d], the package file %q: %w", i, s.Deb, err)
		}
		if p.Architecture == "all" || slices.Contains(archs, p.Architecture) {
			packages = append(packages, p)
		}
	}
	var err error
	stock.List, err = listing.New(packages)
	return stock, err
}

func (f *Family) localPackage(r *recipe.Recipe, path string) (*deb.Package, error) {
	data, err := r.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := packageOf(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	d, n, err := f.Store.PutBytes(data)
	if err != nil {
		return nil, err
	}
	p.Filename, p.SHA256, p.Size = path, d.Hex(), n
	return p, nil
}

// fetchLocal brings a locked local .deb into the store, if it still is what was locked.
func (f *Family) fetchLocal(r *recipe.Recipe, path string, want kiln.Digest) error {
	if f.Store.Has(want) {
		return nil
	}
	data, err := r.ReadFile(path)
	if err != nil {
		return err
	}
	if got := kiln.DigestOf(data); got != want {
		return &kiln.Error{
			Code:  kiln.Refused,
			Text:  fmt.Sprintf("cannot use the package file %q: its digest is %s, and the lock says %s", path, got, want),
			Hints: []string{"if the new file is meant: kiln lock --update"},
		}
	}
	_, _, err = f.Store.PutBytes(data)
	return err
}
