package sbom

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"kiln"
)

// The document, as SPDX 2.3 names its parts (spdx-schema.json of that version). The
// order of the fields is ours.
type spdxDocument struct {
	Version       string             `json:"spdxVersion"`
	DataLicense   string             `json:"dataLicense"`
	ID            string             `json:"SPDXID"`
	Name          string             `json:"name"`
	Namespace     string             `json:"documentNamespace"`
	Creation      spdxCreation       `json:"creationInfo"`
	Describes     []string           `json:"documentDescribes"`
	Packages      []spdxPackage      `json:"packages"`
	Files         []spdxFile         `json:"files,omitempty"`
	Extracted     []spdxExtracted    `json:"hasExtractedLicensingInfos,omitempty"`
	Relationships []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
	Comment  string   `json:"comment,omitempty"`
}

type spdxPackage struct {
	ID            string            `json:"SPDXID"`
	Name          string            `json:"name"`
	Version       string            `json:"versionInfo,omitempty"`
	FileName      string            `json:"packageFileName,omitempty"`
	Purpose       string            `json:"primaryPackagePurpose,omitempty"`
	Supplier      string            `json:"supplier,omitempty"`
	Download      string            `json:"downloadLocation"`
	FilesAnalyzed bool              `json:"filesAnalyzed"`
	Verification  *spdxVerification `json:"packageVerificationCode,omitempty"`
	Checksums     []spdxChecksum    `json:"checksums,omitempty"`
	Homepage      string            `json:"homepage,omitempty"`
	SourceInfo    string            `json:"sourceInfo,omitempty"`
	Concluded     string            `json:"licenseConcluded"`
	FromFiles     []string          `json:"licenseInfoFromFiles,omitempty"`
	Declared      string            `json:"licenseDeclared"`
	Comments      string            `json:"licenseComments,omitempty"`
	Copyright     string            `json:"copyrightText"`
	Summary       string            `json:"summary,omitempty"`
	Refs          []spdxExternalRef `json:"externalRefs,omitempty"`
}

type spdxVerification struct {
	Value string `json:"packageVerificationCodeValue"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxExternalRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxFile struct {
	ID        string         `json:"SPDXID"`
	Name      string         `json:"fileName"`
	Checksums []spdxChecksum `json:"checksums"`
	Concluded string         `json:"licenseConcluded"`
	InFile    []string       `json:"licenseInfoInFiles"`
	Copyright string         `json:"copyrightText"`
	Comment   string         `json:"comment,omitempty"`
}

type spdxExtracted struct {
	ID   string `json:"licenseId"`
	Name string `json:"name"`
	Text string `json:"extractedText"`
}

type spdxRelationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

const noAssertion = "NOASSERTION"

const spdxImage = "SPDXRef-Image"

// SPDX writes the inventory as SPDX 2.3 in JSON, a line feed at its end. Errors are bugs.
func SPDX(f *Inventory) ([]byte, error) {
	f = f.sorted()
	w := &spdxWriter{inventory: f, modules: map[string]bool{}, sources: map[string]bool{}}
	w.doc = spdxDocument{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT",
		Name:      f.Name,
		Namespace: "https://spdx.org/spdxdocs/" + percent(f.Name) + "-" + unnamed,
		Creation:  spdxCreation{Created: f.created(), Creators: []string{"Tool: " + f.Tool}},
		Describes: []string{spdxImage},
	}
	w.relate(w.doc.ID, "DESCRIBES", spdxImage)
	w.image()
	for i := range f.Packages {
		w.pkg(&f.Packages[i])
	}
	for i := NoLayer; i < len(f.Layers); i++ {
		w.unpackaged(i)
	}
	for _, t := range f.Texts {
		w.doc.Extracted = append(w.doc.Extracted, spdxExtracted(t))
	}
	return encode(w.doc)
}

func (f *Inventory) created() string { return f.Created.Time().UTC().Format(time.RFC3339) }

type spdxWriter struct {
	inventory        *Inventory
	doc              spdxDocument
	modules, sources map[string]bool // identifiers that are there
}

func (w *spdxWriter) relate(from, kind, to string) {
	w.doc.Relationships = append(w.doc.Relationships, spdxRelationship{from, kind, to})
}

func (w *spdxWriter) layer(i int) string {
	if i == NoLayer {
		return spdxImage
	}
	return fmt.Sprintf("SPDXRef-Layer-%d", i)
}

// image writes the image and its layers.
func (w *spdxWriter) image() {
	f := w.inventory
	p := spdxPackage{
		ID: spdxImage, Name: f.Name, Version: f.Version, Purpose: "CONTAINER",
		Download: noAssertion, Concluded: noAssertion, Declared: noAssertion, Copyright: noAssertion,
		Checksums: sha256Of(f.Digest), Refs: purlRef(f.PURL()), Summary: "the image for " + f.Platform.String(),
	}
	w.doc.Packages = append(w.doc.Packages, p)
	for i, l := range f.Layers {
		w.doc.Packages = append(w.doc.Packages, spdxPackage{
			ID: w.layer(i), Name: "layer " + l.Name, Version: string(l.Digest), Purpose: "ARCHIVE",
			Download: noAssertion, Concluded: noAssertion, Declared: noAssertion, Copyright: noAssertion,
			Checksums: sha256Of(l.Digest),
		})
		w.relate(spdxImage, "CONTAINS", w.layer(i))
	}
}

func (w *spdxWriter) pkg(p *Package) {
	s := spdxPackage{
		ID: "SPDXRef-Package-" + spdxID(p.Name) + "-" + spdxID(p.Architecture), Name: p.Name, Version: p.Version,
		FileName: p.FileName, Supplier: p.Supplier.spdx(), Download: noAssertion, Checksums: sha256Of(p.Checksum),
		Homepage: p.Homepage, SourceInfo: p.sourceInfo(), Concluded: orNothing(p.Licence.Concluded), Declared: orNothing(p.Licence.Declared),
		Comments: p.Licence.Note, Copyright: noAssertion, Summary: p.Summary, Refs: purlRef(p.PURL),
	}
	if p.Files != nil {
		s.FilesAnalyzed, s.Verification, s.FromFiles = true, verification(p.Files), []string{noAssertion}
	}
	w.doc.Packages = append(w.doc.Packages, s)
	w.relate(w.layer(p.Layer), "CONTAINS", s.ID)
	if p.Source != nil {
		w.relate(s.ID, "GENERATED_FROM", w.source(p.Source, p.Supplier))
	}
	for i := range p.Files {
		w.file(&p.Files[i], s.ID)
	}
}

func (p *Package) sourceInfo() string {
	var parts []string
	if p.Source != nil {
		parts = append(parts, "built from source "+p.Source.Name+" "+p.Source.Version)
	}
	if p.Comes != "" {
		parts = append(parts, p.Comes)
	}
	return strings.Join(parts, "; ")
}

// source writes a source package once, for all that was built from it.
func (w *spdxWriter) source(s *Source, by *Supplier) string {
	id := "SPDXRef-Source-" + spdxID(s.Name) + "-" + spdxID(s.Version)
	if !w.sources[id] {
		w.sources[id] = true
		w.doc.Packages = append(w.doc.Packages, spdxPackage{
			ID: id, Name: s.Name, Version: s.Version, Purpose: "SOURCE", Supplier: by.spdx(), Download: noAssertion,
			Concluded: noAssertion, Declared: noAssertion, Copyright: noAssertion, Refs: purlRef(s.PURL),
		})
	}
	return id
}

// unpackaged writes the files of no package that are in a layer as what SPDX has for
// files: a package, of which each file is known. A layer itself may not contain files,
// as those of its packages would be missing.
func (w *spdxWriter) unpackaged(layer int) {
	var files []File
	for _, f := range w.inventory.Files {
		if f.Layer == layer {
			files = append(files, f)
		}
	}
	if files == nil {
		return
	}
	p := spdxPackage{
		ID: "SPDXRef-Files-Image", Name: "files of no package", Purpose: "FILE", Download: noAssertion,
		FilesAnalyzed: true, Verification: verification(files), FromFiles: []string{noAssertion},
		Concluded: noAssertion, Declared: noAssertion, Copyright: noAssertion,
	}
	if layer != NoLayer {
		p.ID, p.Name = fmt.Sprintf("SPDXRef-Files-%d", layer), p.Name+" in layer "+w.inventory.Layers[layer].Name
	}
	w.doc.Packages = append(w.doc.Packages, p)
	w.relate(w.layer(layer), "CONTAINS", p.ID)
	for i := range files {
		w.file(&files[i], p.ID)
	}
}

// file writes a file, and what is in it where it is a Go program.
func (w *spdxWriter) file(f *File, in string) {
	id := "SPDXRef-File-" + kiln.DigestOf([]byte(f.Path)).Hex()[:24]
	w.doc.Files = append(w.doc.Files, spdxFile{
		ID: id, Name: "./" + f.Path,
		Checksums: []spdxChecksum{{"SHA1", f.SHA1}, {"SHA256", f.SHA256.Hex()}},
		Concluded: noAssertion, InFile: []string{noAssertion}, Copyright: noAssertion, Comment: f.Comes,
	})
	w.relate(in, "CONTAINS", id)
	if f.Go == nil {
		return
	}
	if f.Go.Main.Path != "" {
		w.relate(id, "GENERATED_FROM", w.module(f.Go.Main, "SOURCE"))
	}
	for _, m := range f.Go.all() {
		w.relate(id, "STATIC_LINK", w.module(m, "LIBRARY"))
	}
}

// module writes a Go module once.
func (w *spdxWriter) module(m GoModule, purpose string) string {
	purl := m.PURL().String()
	id := "SPDXRef-GoModule-" + kiln.DigestOf([]byte(purl)).Hex()[:24]
	if !w.modules[id] {
		w.modules[id] = true
		w.doc.Packages = append(w.doc.Packages, spdxPackage{
			ID: id, Name: m.Path, Version: m.Version, Purpose: purpose, Download: noAssertion,
			Concluded: noAssertion, Declared: noAssertion, Copyright: noAssertion, Refs: purlRef(purl),
		})
	}
	return id
}

// verification is SPDX 2.3, 7.9: the SHA-1 of the files' SHA-1 sums, sorted, as text.
func verification(files []File) *spdxVerification {
	var sums []string
	for _, f := range files {
		sums = append(sums, f.SHA1)
	}
	slices.Sort(sums)
	h := sha1.Sum([]byte(strings.Join(sums, "")))
	return &spdxVerification{hex.EncodeToString(h[:])}
}

func (s *Supplier) spdx() string {
	if s == nil || s.Name == "" {
		return noAssertion
	}
	kind := "Person: "
	if s.Organization {
		kind = "Organization: "
	}
	if s.Email == "" {
		return kind + s.Name
	}
	return kind + s.Name + " (" + s.Email + ")"
}

func orNothing(expression string) string {
	if expression == "" {
		return noAssertion
	}
	return expression
}

func sha256Of(d kiln.Digest) []spdxChecksum {
	if d == "" {
		return nil
	}
	return []spdxChecksum{{"SHA256", d.Hex()}}
}

func purlRef(purl string) []spdxExternalRef {
	if purl == "" {
		return nil
	}
	return []spdxExternalRef{{"PACKAGE-MANAGER", "purl", purl}}
}

// spdxID is s in the characters of an SPDX identifier: others become "." and two
// capital hexadecimal digits, which no package's name has.
func spdxID(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, ".%02X", c)
		}
	}
	return b.String()
}

// PURL names the image; empty where it has no digest.
func (f *Inventory) PURL() string {
	if f.Digest == "" {
		return ""
	}
	return PURL{Type: "oci", Name: strings.ToLower(f.Name), Version: string(f.Digest), Qualifiers: [][2]string{{"arch", f.Platform.Architecture}}}.String()
}
