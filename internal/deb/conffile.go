package deb

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// parseConffiles reads a conffiles member with dpkg's rules: one absolute path a
// line, perhaps after the flag remove-on-upgrade; a line feed ends the last one.
func parseConffiles(s string) ([]Conffile, error) {
	if s == "" {
		return nil, nil
	}
	if !strings.HasSuffix(s, "\n") {
		return nil, errors.New("the last line has no line feed")
	}
	var all []Conffile
	seen := map[string]bool{}
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, " \t\n\v\f\r")
		if line == "" {
			continue
		}
		c, err := parseConffile(line)
		if err != nil {
			return nil, err
		}
		if clean := path.Clean(c.Path); seen[clean] {
			return nil, fmt.Errorf("%q stands there twice", c.Path)
		} else {
			seen[clean] = true
		}
		all = append(all, c)
	}
	return all, nil
}

func parseConffile(line string) (Conffile, error) {
	c := Conffile{Path: line}
	if line[0] != '/' {
		flag, rest, _ := strings.Cut(line, " ")
		if flag != "remove-on-upgrade" {
			return c, fmt.Errorf("%q is neither an absolute path nor a known flag with one", excerpt(line))
		}
		c = Conffile{Path: strings.TrimLeft(rest, " \t"), RemoveOnUpgrade: true}
	}
	if !strings.HasPrefix(c.Path, "/") || slices.Contains(strings.Split(c.Path, "/"), "..") {
		return c, fmt.Errorf("%q is not an absolute path without \"..\"", excerpt(c.Path))
	}
	return c, nil
}
