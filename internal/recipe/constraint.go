package recipe

import (
	"slices"
	"strings"
)

// Constraint returns the operator ("<<", "<=", "=", ">=", ">>") and the version
// of what p accepts; both are empty where it accepts any version.
func (p Package) Constraint() (op, version string) {
	op, version, _ = splitConstraint(p.Version)
	return op, version
}

// splitConstraint reads ">= 2.41", or a bare version, which means that very one.
func splitConstraint(s string) (op, version string, ok bool) {
	s = strings.Trim(s, " ")
	version = strings.TrimLeft(s, "<>=")
	op = s[:len(s)-len(version)]
	version = strings.TrimLeft(version, " ")
	if op == "" {
		op = "="
	}
	if !slices.Contains([]string{"<<", "<=", "=", ">=", ">>"}, op) || !versionText(version) {
		return "", "", false
	}
	return op, version, true
}
