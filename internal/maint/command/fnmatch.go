package command

import (
	"path"
	"strings"
)

// Fnmatch is fnmatch(3) without flags: "*" matches slashes too.
func Fnmatch(pattern, name string) bool {
	if pattern == name {
		return true
	}
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x01"), strings.ReplaceAll(name, "/", "\x01"))
	return err == nil && ok
}
