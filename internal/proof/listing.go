package proof

import (
	"fmt"
	"os"

	"kiln/internal/tree"
)

// CompareListings compares two files with canonical listings of trees.
func CompareListings(a, b string) ([]Difference, error) {
	left, err := readListing(a)
	if err != nil {
		return nil, err
	}
	right, err := readListing(b)
	if err != nil {
		return nil, err
	}
	var all []Difference
	for _, c := range tree.Diff(left, right) {
		for _, d := range pathDifferences(c.Before, c.After, originAt(nil, c.Path)) {
			d.Step = ""
			all = append(all, d)
		}
	}
	return all, nil
}

func readListing(file string) (*tree.Tree, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	t, err := tree.ParseListing(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read the listing %q: %w", file, err)
	}
	return t, nil
}
