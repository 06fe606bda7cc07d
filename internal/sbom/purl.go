package sbom

import (
	"fmt"
	"slices"
	"strings"
)

// PURL is a package URL (the purl specification, ECMA-427).
type PURL struct {
	Type       string // "deb", "golang", "oci"
	Namespace  string // may have several segments
	Name       string
	Version    string
	Qualifiers [][2]string // key and value; those without a value are left out
}

// String is the canonical form.
func (p PURL) String() string {
	var b strings.Builder
	b.WriteString("pkg:" + strings.ToLower(p.Type))
	for segment := range strings.SplitSeq(p.Namespace, "/") {
		if segment != "" {
			b.WriteString("/" + percent(segment))
		}
	}
	b.WriteString("/" + percent(p.Name))
	if p.Version != "" {
		b.WriteString("@" + percent(p.Version))
	}
	sorted := slices.Clone(p.Qualifiers)
	slices.SortFunc(sorted, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	separator := "?"
	for _, q := range sorted {
		if q[1] != "" {
			b.WriteString(separator + strings.ToLower(q[0]) + "=" + percent(q[1]))
			separator = "&"
		}
	}
	return b.String()
}

// percent encodes all bytes but letters, digits, ".", "-", "_", "~" and ":".
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(".-_~:", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
