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
	clean := true
	for begin := 0; begin <= len(name); {
		end := strings.IndexByte(name[begin:], '/')
		if end < 0 {
			end = len(name) - begin
		}
		switch part := name[begin : begin+end]; {
		case part == "..":
			return "", fmt.Errorf("the path %q holds \"..\"", name)
		case len(part) > maxName:
			return "", fmt.Errorf("the path %q… holds a name longer than %d bytes", name[:64], maxName)
		case part == "", part == ".":
			clean = false
		}
		begin += end + 1
	}
	if clean { // as nearly all are
		return name, nil
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

// Parent returns the directory that holds p, a clean path. The root is its own
// parent.
func Parent(p string) string {
	i := strings.LastIndexByte(p, '/')
	switch {
	case i < 0:
		return "."
	case i == 0:
		return "/"
	}
	return p[:i]
}

// base returns the last component of p, a clean path.
func base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

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
