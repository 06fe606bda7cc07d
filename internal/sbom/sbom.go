// Package sbom writes software bills of materials: SPDX 2.3 in JSON and CycloneDX 1.6
// in JSON, of what is known of one image for one platform. An Inventory in, bytes out: it
// does no I/O, knows no package family, and neither clock nor chance has a part in it.
// Equal inventories give equal bytes, in whatever order they come; the identity of a
// document is a digest of what it says.
package sbom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"kiln"
)

// Format is the version of Inventory as it is kept.
const Format = 1

// Inventory is what is known of an image for one platform.
type Inventory struct {
	Format   int           `json:"format"`
	Tool     string        `json:"tool"` // that found them out, with its version: "kiln-1.4"
	Name     string        `json:"name"` // of the image
	Version  string        `json:"version,omitempty"`
	Platform kiln.Platform `json:"platform"`
	Digest   kiln.Digest   `json:"digest,omitempty"` // of the image manifest; empty where there is none
	Created  kiln.Epoch    `json:"created"`          // of the image, and so of the document
	Layers   []Layer       `json:"layers"`           // lowest first
	Packages []Package     `json:"packages"`
	Files    []File        `json:"files,omitempty"` // that belong to no package
	Texts    []Text        `json:"texts,omitempty"` // of licences that are not on SPDX's list
}

// Layer is a layer of the image.
type Layer struct {
	Name   string      `json:"name"`
	Digest kiln.Digest `json:"digest"` // of its blob
}

// NoLayer is the layer of what is in none that is known.
const NoLayer = -1

// Package is an installed package.
type Package struct {
	Name         string      `json:"name"`
	Version      string      `json:"version"`
	Architecture string      `json:"architecture"`
	PURL         string      `json:"purl"`
	Owner        string      `json:"owner"`              // what the origins of its files call it
	Source       *Source     `json:"source,omitempty"`   // that it was built from
	Layer        int         `json:"layer"`              // place in Layers, or NoLayer
	Checksum     kiln.Digest `json:"checksum,omitempty"` // of the package file
	FileName     string      `json:"file_name,omitempty"`
	Supplier     *Supplier   `json:"supplier,omitempty"`
	Homepage     string      `json:"homepage,omitempty"`
	Summary      string      `json:"summary,omitempty"`
	Comes        string      `json:"comes,omitempty"` // from where, for people: "archive debian/trixie"
	Licence      Licence     `json:"licence"`
	Files        []File      `json:"files,omitempty"` // where they were asked for
}

// Source is a source package.
type Source struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
}

// Supplier is who answers for a package.
type Supplier struct {
	Name         string `json:"name"`
	Email        string `json:"email,omitempty"`
	Organization bool   `json:"organization,omitempty"` // else a person
}

// Licence is what is known of a package's licence: SPDX expressions, what the package
// declares and what was concluded kept apart. Empty says nothing; Note says why.
type Licence struct {
	Declared  string   `json:"declared,omitempty"`
	Concluded string   `json:"concluded,omitempty"`
	Note      string   `json:"note,omitempty"`
	Texts     []string `json:"texts,omitempty"`  // identifiers in Inventory.Texts that the expressions name
	Unread    bool     `json:"unread,omitempty"` // what would tell it is not there to be read
}

// Known tells whether anything is known.
func (l Licence) Known() bool { return l.Declared != "" || l.Concluded != "" }

// Text is a licence that is not on SPDX's list.
type Text struct {
	ID   string `json:"id"` // LicenseRef-...
	Name string `json:"name"`
	Text string `json:"text"`
}

// File is a regular file of the image.
type File struct {
	Path   string      `json:"path"` // as in a tree: no leading slash
	Layer  int         `json:"layer"`
	Size   int64       `json:"size"`
	SHA1   string      `json:"sha1"` // 40 hexadecimal digits: SPDX 2.3 demands them
	SHA256 kiln.Digest `json:"sha256"`
	Comes  string      `json:"comes,omitempty"` // from where, for people: "recipe: layers[app].files[0], the service"
	Go     *GoBinary   `json:"go,omitempty"`
}

// sorted is f with everything in the one order that it is written in, and without the
// texts that nothing names.
func (f *Inventory) sorted() *Inventory {
	c := *f
	c.Format = Format
	c.Packages, c.Files, c.Texts = slices.Clone(f.Packages), sortedFiles(f.Files), slices.Clone(f.Texts)
	slices.SortFunc(c.Packages, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Architecture, b.Architecture), cmp.Compare(a.Version, b.Version))
	})
	named := map[string]bool{}
	for i := range c.Packages {
		p := &c.Packages[i]
		p.Files, p.Licence.Texts = sortedFiles(p.Files), slices.Sorted(slices.Values(p.Licence.Texts))
		for _, id := range p.Licence.Texts {
			named[id] = true
		}
	}
	slices.SortFunc(c.Texts, func(a, b Text) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Text, b.Text)) })
	c.Texts = slices.CompactFunc(c.Texts, func(a, b Text) bool { return a.ID == b.ID })
	c.Texts = slices.DeleteFunc(c.Texts, func(t Text) bool { return !named[t.ID] })
	return &c
}

func sortedFiles(files []File) []File {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return sorted
}

// Marshal is the form in which an inventory is kept.
func (f *Inventory) Marshal() ([]byte, error) {
	return json.Marshal(f.sorted())
}

// Parse reads what Marshal wrote.
func Parse(b []byte) (*Inventory, error) {
	var f Inventory
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("cannot read the inventory of the image: %w", err)
	}
	if f.Format != Format {
		return nil, fmt.Errorf("cannot read the inventory of the image: it has the format %d, and this kiln knows %d", f.Format, Format)
	}
	for i, p := range f.Packages {
		if p.Layer < NoLayer || p.Layer >= len(f.Layers) {
			return nil, fmt.Errorf("cannot read the inventory of the image: the package %q is in the layer %d of %d", f.Packages[i].Name, p.Layer, len(f.Layers))
		}
	}
	for _, file := range f.Files {
		if file.Layer < NoLayer || file.Layer >= len(f.Layers) {
			return nil, fmt.Errorf("cannot read the inventory of the image: the file %q is in the layer %d of %d", file.Path, file.Layer, len(f.Layers))
		}
	}
	return &f, nil
}

// unnamed stands in a document where its identity will.
const unnamed = "00000000-0000-0000-0000-000000000000"

// encode writes a document, a line feed at its end. Its identity, in the place of the
// first unnamed, is a UUID (RFC 9562, version 8) derived from all else that it says.
func encode(doc any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("bug: cannot write an SBOM: %w", err)
	}
	text := b.Bytes()
	h := []byte(kiln.DigestOf(text).Hex()[:32])
	h[12] = '8'
	h[16] = "89ab"[h[16]&3]
	if at := bytes.Index(text, []byte(unnamed)); at >= 0 {
		copy(text[at:], fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:]))
	}
	return text, nil
}
