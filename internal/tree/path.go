package tree

import (
	"fmt"
	"path"
	"strings"
)

// maxName and maxPath are Linux's NAME_MAX and PATH_MAX, in bytes, the latter
// less its terminator.
const (
	maxName = 255
	maxPath = 4095
)

// CleanPath turns the name of an archive member into the path of an Entry:
// "./usr/bin/" becomes "usr/bin", "./" becomes ".". Empty components and "."
// are dropped. It refuses what could reach outside of a tree or mean two things
// to two readers: an empty name, a leading slash, a ".." component anywhere, a
// NUL byte, and components or paths longer than Linux allows.
func CleanPath(name string) (string, error) {
	switch {
	case name == "":
		return "", fmt.Errorf("the path is empty")
	case name[0] == '/':
		return "", fmt.Errorf("the path %q is absolute", name)
	case strings.ContainsRune(name, 0):
		return "", fmt.Errorf("the path %q holds a NUL byte", name)
	case len(name) > maxPath:
		return "", fmt.Errorf("the path %q… is longer than %d bytes", name[:64], maxPath)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("the path %q holds \"..\"", name)
		}
		if len(part) > maxName {
			return "", fmt.Errorf("the path %q… holds a name longer than %d bytes", name[:64], maxName)
		}
	}
	return path.Clean(name), nil
}

// Compare orders paths as trees are listed: the root first, then byte by byte.
// A directory so comes before what it holds.
func Compare(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == ".":
		return -1
	case b == ".":
		return 1
	}
	return strings.Compare(a, b)
}

// Parent returns the directory that holds p. The root is its own parent.
func Parent(p string) string { return path.Dir(p) }

// Join returns the path of name in directory dir.
func Join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// Absolute returns p as it is seen from inside the tree: with a leading slash.
func Absolute(p string) string {
	if p == "." {
		return "/"
	}
	return "/" + p
}
