package deb

import "fmt"

// checkName refuses what dpkg refuses as a package name: it starts with a letter
// or digit and goes on with those and "-+._".
func checkName(s string) error {
	if s == "" {
		return fmt.Errorf("a package name is missing")
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && (i == 0 || !isOneOf(s[i], "-+._")) {
			return fmt.Errorf("package name %q is not valid", excerpt(s))
		}
	}
	return nil
}

// isArchitecture reports whether s has the form of an architecture's name:
// letters, digits and hyphens, not starting with a hyphen.
func isArchitecture(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && (i == 0 || s[i] != '-') {
			return false
		}
	}
	return s != ""
}

// isProfile reports whether s has the form of a build profile's name.
func isProfile(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && !isOneOf(s[i], "-+.") {
			return false
		}
	}
	return s != ""
}

func isOneOf(c byte, set string) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// isSpace is C's isspace in the "C" locale.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
