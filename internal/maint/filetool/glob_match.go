package filetool

import (
	"regexp"

	"mvdan.cc/sh/v3/pattern"
)

// globMatcher compiles a pattern as fnmatch(3) without flags reads it: "*" and "?"
// match slashes and leading dots too.
func globMatcher(pat string) (func(string) bool, error) {
	text, err := pattern.Regexp(pat, pattern.EntireString)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return re.MatchString, nil
}
