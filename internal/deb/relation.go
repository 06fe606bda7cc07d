package deb

import (
	"slices"
	"strings"
)

// String returns the canonical form, which ParseRelations reads back.
func (rs Relations) String() string {
	parts := make([]string, len(rs))
	for i, d := range rs {
		parts[i] = d.String()
	}
	return strings.Join(parts, ", ")
}

// String returns the alternatives joined by " | ".
func (d Dependency) String() string {
	parts := make([]string, len(d))
	for i, r := range d {
		parts[i] = r.String()
	}
	return strings.Join(parts, " | ")
}

// String returns the relation as dpkg-dev writes it: "libc6:any (>= 2.41) [amd64] <!nocheck>".
func (r Relation) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	if r.Qualifier != "" {
		b.WriteString(":" + r.Qualifier)
	}
	if r.Op != "" {
		b.WriteString(" (" + r.Op + " " + r.Version + ")")
	}
	if len(r.Architectures) > 0 {
		b.WriteString(" [" + strings.Join(r.Architectures, " ") + "]")
	}
	for _, formula := range r.Profiles {
		b.WriteString(" <" + strings.Join(formula, " ") + ">")
	}
	return b.String()
}

// AppliesTo reports whether the restriction list lets the relation stand on
// Debian architecture arch (Policy 7.1). An empty list always does. The
// wildcards "any", "linux-any" and "any-CPU" are known.
func (r Relation) AppliesTo(arch string) bool {
	if len(r.Architectures) == 0 {
		return true
	}
	negated := strings.HasPrefix(r.Architectures[0], "!")
	listed := slices.ContainsFunc(r.Architectures, func(a string) bool {
		return matchesArchitecture(strings.TrimPrefix(a, "!"), arch)
	})
	return listed != negated
}

// SatisfiedBy reports whether a package or a versioned Provides of this version
// meets the bound. A Provides without a version, "", meets none but the empty bound.
func (r Relation) SatisfiedBy(version string) bool {
	if r.Op == "" {
		return true
	}
	return version != "" && Satisfies(version, r.Op, r.Version)
}
