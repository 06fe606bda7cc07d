// Package proof tells whether two images are the same, and whether an image is what
// the record of its build says. Where they are not, it names each place: the output,
// the path, what of it differs and both values, and the step of the build that the
// path comes of. It reads images, writes nothing, and knows of no package family.
package proof

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"kiln"
	"kiln/internal/tree"
)

// Difference is one place at which an image is not what it is to be.
type Difference struct {
	Output   string `json:"output,omitempty"`   // which of several: "oci:web.oci"
	Platform string `json:"platform,omitempty"` // where there are several
	Part     Part   `json:"part"`
	Where    string `json:"where"`             // a path of the image, a layer, a place in a document, a file
	Field    string `json:"field,omitempty"`   // what of it: "mode", "content"; empty where all of it is there or is not
	Was      string `json:"was"`               // in the first image, or as it is to be; empty: nothing
	Is       string `json:"is"`                // in the second image, or as it was found; empty: nothing
	Step     string `json:"step,omitempty"`    // of the build
	Package  string `json:"package,omitempty"` // that the path is of
}

// Part is the part of an image that a Difference is in.
type Part string

// The parts.
const (
	PartPath     Part = "path"     // an entry of the root file system
	PartLayer    Part = "layer"    // how the entries are written into a layer
	PartDocument Part = "document" // manifest, configuration, index
	PartRecord   Part = "record"   // of the build
	PartFile     Part = "file"     // of a layout or archive
)

// The steps that are not those of a path.
const (
	stepTar      = "write the layer as tar"
	stepCompress = "compress the layer"
	stepDocument = "write the image's documents"
	stepRecord   = "write the record of the build"
	stepOutput   = "write the output"
)

// stepOf tells which step of the build made an entry, or changed it last.
func stepOf(o tree.Origin) string {
	switch {
	case o.Script != "":
		return "configure: the maintainer script " + o.Script
	case o.Rule != "":
		return "the rule " + o.Rule
	case o.Package != "":
		return "unpack the package " + o.Package
	case o.Recipe != "":
		return "the recipe's " + o.Recipe
	}
	return "" // it is not known
}

// String tells the difference in a few lines.
func (d Difference) String() string {
	var b strings.Builder
	for _, of := range []string{d.Output, d.Platform} {
		if of != "" {
			b.WriteString(of + ": ")
		}
	}
	if d.Part != PartPath {
		b.WriteString(string(d.Part) + " ")
	}
	b.WriteString(d.Where)
	if d.Field != "" {
		b.WriteString(": " + d.Field)
	}
	fmt.Fprintf(&b, "\n  was %s\n  is  %s", orNothing(d.Was), orNothing(d.Is))
	if d.Step != "" {
		b.WriteString("\n  by  " + d.Step)
	}
	return b.String()
}

func orNothing(s string) string {
	if s == "" {
		return "not there"
	}
	return s
}

// pathDifferences are the differences of an entry in two trees. Of one that is in one
// of them only, the other is nil.
func pathDifferences(a, b *tree.Entry, origin tree.Origin) []Difference {
	proto := Difference{Part: PartPath, Step: stepOf(origin), Package: origin.Package}
	switch {
	case a == nil:
		proto.Where, proto.Is = tree.Absolute(b.Path), describe(b)
		return []Difference{proto}
	case b == nil:
		proto.Where, proto.Was = tree.Absolute(a.Path), describe(a)
		return []Difference{proto}
	}
	var all []Difference
	for _, field := range tree.Differing(a, b) {
		d := proto
		d.Where, d.Field = tree.Absolute(a.Path), field
		d.Was, d.Is = value(a, field), value(b, field)
		all = append(all, d)
	}
	return all
}

// describe tells all of an entry but its path.
func describe(e *tree.Entry) string {
	_, rest, _ := strings.Cut(e.String(), " ")
	return e.Type.Name() + ": " + rest
}

// value is a field of an entry as Differing calls it.
func value(e *tree.Entry, field string) string {
	switch field {
	case "type":
		return e.Type.Name()
	case "mode":
		return fmt.Sprintf("%04o", e.Mode)
	case "uid":
		return strconv.Itoa(e.UID)
	case "gid":
		return strconv.Itoa(e.GID)
	case "mtime":
		return fmt.Sprintf("%d (%s)", int64(e.ModTime), e.ModTime.Time().Format(time.RFC3339))
	case "size":
		return strconv.FormatInt(e.Size, 10) + " bytes"
	case "content":
		return string(e.Content)
	case "hard":
		if e.Hard {
			return "a further name of " + tree.Absolute(e.Link)
		}
		return "a file of its own"
	case "link":
		return e.Link
	case "device":
		return fmt.Sprintf("%d,%d", e.Major, e.Minor)
	}
	var attributes []string
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		attributes = append(attributes, name+"="+hex.EncodeToString([]byte(e.Xattrs[name])))
	}
	return strings.Join(attributes, " ")
}

// originAt is the origin of a path, where the tree that has origins holds it.
func originAt(t *tree.Tree, path string) tree.Origin {
	if t == nil {
		return tree.Origin{}
	}
	e, _ := t.Lookup(path)
	return e.Origin
}

func refused(format string, args ...any) *kiln.Error {
	return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf(format, args...)}
}
