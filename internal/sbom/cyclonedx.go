package sbom

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
)

// The document, as CycloneDX 1.6 names its parts (bom-1.6.schema.json). The order of
// the fields is ours.
type cdxDocument struct {
	Schema       string          `json:"$schema"`
	Format       string          `json:"bomFormat"`
	Spec         string          `json:"specVersion"`
	Serial       string          `json:"serialNumber"`
	Version      int             `json:"version"`
	Metadata     cdxMetadata     `json:"metadata"`
	Components   []cdxComponent  `json:"components"`
	Dependencies []cdxDependency `json:"dependencies"`
}

type cdxMetadata struct {
	Timestamp string       `json:"timestamp"`
	Tools     cdxTools     `json:"tools"`
	Component cdxComponent `json:"component"`
}

type cdxTools struct {
	Components []cdxComponent `json:"components"`
}

type cdxComponent struct {
	Type        string         `json:"type"`
	Ref         string         `json:"bom-ref,omitempty"`
	Supplier    *cdxSupplier   `json:"supplier,omitempty"`
	Name        string         `json:"name"`
	Version     string         `json:"version,omitempty"`
	Description string         `json:"description,omitempty"`
	Hashes      []cdxHash      `json:"hashes,omitempty"`
	Licences    []cdxLicence   `json:"licenses,omitempty"`
	PURL        string         `json:"purl,omitempty"`
	Pedigree    *cdxPedigree   `json:"pedigree,omitempty"`
	External    []cdxReference `json:"externalReferences,omitempty"`
	Properties  []cdxProperty  `json:"properties,omitempty"`
}

type cdxSupplier struct {
	Name    string       `json:"name"`
	Contact []cdxContact `json:"contact,omitempty"`
}

type cdxContact struct {
	Email string `json:"email"`
}

type cdxHash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type cdxLicence struct {
	Expression      string `json:"expression"`
	Acknowledgement string `json:"acknowledgement"`
}

type cdxPedigree struct {
	Ancestors []cdxComponent `json:"ancestors"`
}

type cdxReference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type cdxProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type cdxDependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn,omitempty"`
}

// CycloneDX writes the inventory as CycloneDX 1.6 in JSON, a line feed at its end. What
// contains what is told by dependencies, image on layers on packages and files: nested
// components, which the format has for it, most readers pass over. Errors are bugs.
func CycloneDX(f *Inventory) ([]byte, error) {
	f = f.sorted()
	w := &cdxWriter{inventory: f, on: map[string][]string{}, modules: map[string]bool{}}
	name, version, _ := strings.Cut(f.Tool, "-")
	w.doc = cdxDocument{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Serial: "urn:uuid:" + unnamed, Version: 1,
		Metadata: cdxMetadata{Timestamp: f.created(), Tools: cdxTools{[]cdxComponent{{Type: "application", Name: name, Version: version}}}, Component: w.image()},
	}
	for i, l := range f.Layers {
		w.add(w.image().Ref, cdxComponent{Type: "file", Ref: w.layer(i), Name: "layer " + l.Name, Version: string(l.Digest), Hashes: hashes("", l.Digest)})
	}
	for i := range f.Packages {
		w.pkg(&f.Packages[i])
	}
	for i := range f.Files {
		w.file(&f.Files[i], w.layer(f.Files[i].Layer))
	}
	w.dependencies()
	return encode(w.doc)
}

type cdxWriter struct {
	inventory *Inventory
	doc       cdxDocument
	on        map[string][]string // what each component is made of
	modules   map[string]bool
}

const cdxImage = "image"

func (w *cdxWriter) image() cdxComponent {
	f := w.inventory
	return cdxComponent{
		Type: "container", Ref: cdxImage, Name: f.Name, Version: f.Version, Hashes: hashes("", f.Digest), PURL: f.PURL(),
		Properties: []cdxProperty{{"kiln:platform", f.Platform.String()}},
	}
}

func (w *cdxWriter) layer(i int) string {
	if i == NoLayer {
		return cdxImage
	}
	return fmt.Sprintf("layer-%d", i)
}

// add puts a component in, as a part of another.
func (w *cdxWriter) add(in string, c cdxComponent) {
	w.doc.Components = append(w.doc.Components, c)
	w.on[in] = append(w.on[in], c.Ref)
}

func (w *cdxWriter) pkg(p *Package) {
	purl := p.PURL
	c := cdxComponent{
		Type: "library", Ref: purl, Name: p.Name, Version: p.Version, Description: p.Summary, Hashes: hashes("", p.Checksum),
		Licences: p.Licence.cdx(), PURL: purl, Supplier: p.Supplier.cdx(),
	}
	c.property("kiln:architecture", p.Architecture)
	c.property("kiln:package-file", p.FileName)
	c.property("kiln:comes-from", p.Comes)
	c.property("kiln:licence-note", p.Licence.Note)
	if p.Source != nil {
		c.Pedigree = &cdxPedigree{[]cdxComponent{{Type: "library", Name: p.Source.Name, Version: p.Source.Version, PURL: p.Source.PURL}}}
	}
	if p.Homepage != "" {
		c.External = []cdxReference{{"website", p.Homepage}}
	}
	w.add(w.layer(p.Layer), c)
	for i := range p.Files {
		w.file(&p.Files[i], purl)
	}
}

func (c *cdxComponent) property(name, value string) {
	if value != "" {
		c.Properties = append(c.Properties, cdxProperty{name, value})
	}
}

func (w *cdxWriter) file(f *File, in string) {
	ref := "file:/" + f.Path
	c := cdxComponent{Type: "file", Ref: ref, Name: "/" + f.Path, Hashes: hashes(f.SHA1, f.SHA256)}
	c.property("kiln:comes-from", f.Comes)
	w.add(in, c)
	if f.Go == nil {
		return
	}
	if f.Go.Main.Path != "" {
		w.module(ref, "application", f.Go.Main)
	}
	for _, m := range f.Go.all() {
		w.module(ref, "library", m)
	}
}

// module puts a Go module in once, for all programs that it is in.
func (w *cdxWriter) module(in, kind string, m GoModule) {
	purl := m.PURL().String()
	if w.modules[purl] {
		w.on[in] = append(w.on[in], purl)
		return
	}
	w.modules[purl] = true
	w.add(in, cdxComponent{Type: kind, Ref: purl, Name: m.Path, Version: m.Version, PURL: purl})
}

// dependencies tells of each component what it is made of.
func (w *cdxWriter) dependencies() {
	tell := func(ref string) {
		on := slices.Clone(w.on[ref])
		slices.Sort(on)
		w.doc.Dependencies = append(w.doc.Dependencies, cdxDependency{ref, slices.Compact(on)})
	}
	tell(cdxImage)
	for _, c := range w.doc.Components {
		if len(w.on[c.Ref]) > 0 {
			tell(c.Ref)
		}
	}
}

// cdx is the one expression that a component may have: what is declared, or else what
// was concluded.
func (l Licence) cdx() []cdxLicence {
	switch {
	case l.Declared != "":
		return []cdxLicence{{l.Declared, "declared"}}
	case l.Concluded != "":
		return []cdxLicence{{l.Concluded, "concluded"}}
	}
	return nil
}

func (s *Supplier) cdx() *cdxSupplier {
	if s == nil || s.Name == "" {
		return nil
	}
	c := &cdxSupplier{Name: s.Name}
	if s.Email != "" {
		c.Contact = []cdxContact{{s.Email}}
	}
	return c
}

func hashes(sha1 string, d kiln.Digest) []cdxHash {
	var all []cdxHash
	if sha1 != "" {
		all = append(all, cdxHash{"SHA-1", sha1})
	}
	if d != "" {
		all = append(all, cdxHash{"SHA-256", d.Hex()})
	}
	return all
}
