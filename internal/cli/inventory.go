package cli

import (
	"fmt"
	"path/filepath"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/sbom"
	"kiln/internal/tree"
)

// inventory is what an image that was read is made of.
type inventory struct {
	*sbom.Inventory
	recorded bool       // by its build; else its own tree tells it
	tree     *tree.Tree // with origins where it is recorded
	owner    func(tree.Entry) string
}

// inventoryOf is that of the record of an image's build, or what its own tree tells.
// The image must have been read with the files that debian.ForInstalled chooses.
func inventoryOf(img *image.Image, arg string) (*inventory, error) {
	if img.Record != nil && img.Config != nil {
		if text := img.Record.Files[oci.TitleFacts(img.Config.Platform)]; text != nil {
			return recordedInventory(img, text)
		}
	}
	in, err := debian.ReadInstalled(img.Tree, img.Contents())
	if err != nil {
		return nil, err
	}
	if len(in.Packages) == 0 {
		return nil, &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot tell what %s is made of: kiln recorded nothing beside it, and it has no package database", arg),
			Hints: []string{"name the recipe that it was built from: kiln sbom RECIPE"},
		}
	}
	f := &sbom.Inventory{Tool: tool(), Name: filepath.Base(img.Path), Digest: img.Digest, Packages: in.Packages, Texts: in.Texts}
	for i, l := range img.Layers {
		f.Layers = append(f.Layers, sbom.Layer{Name: fmt.Sprint(i), Digest: l.Digest})
	}
	if img.Config != nil {
		f.Platform, f.Created = img.Config.Platform, img.Config.Created
	}
	for e := range img.Tree.All() { // a tree alone is as old as the newest file in it
		if img.Config == nil {
			f.Created = max(f.Created, e.ModTime)
		}
	}
	return &inventory{f, false, img.Tree, in.Owner}, nil
}

// recordedInventory checks that what is recorded is of the image that was read.
func recordedInventory(img *image.Image, text []byte) (*inventory, error) {
	f, err := sbom.Parse(text)
	if err != nil {
		return nil, &kiln.Error{Code: kiln.Refused, Text: err.Error(), Hints: []string{"use the kiln that built the image, or build it again"}, Err: err}
	}
	recorded, err := img.Record.Tree(img.Config.Platform)
	if err != nil {
		return nil, err
	}
	if f.Digest != img.Digest || recorded.Digest() != img.TreeDigest() {
		return nil, &kiln.Error{
			Code:  kiln.Refused,
			Text:  fmt.Sprintf("the record beside %s is not of that image, whose manifest is %s", img.Path, img.Digest),
			Hints: []string{"kiln verify " + img.Path},
		}
	}
	return &inventory{f, true, recorded, bake.ByOrigin}, nil
}
