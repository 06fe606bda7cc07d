package shell

import (
	"fmt"
	"regexp"

	"mvdan.cc/sh/v3/pattern"
)

// compile makes a matcher of a shell pattern.
func compile(pat string, mode pattern.Mode) (func(string) bool, error) {
	text, err := pattern.Regexp(pat, mode)
	if err != nil {
		return nil, fmt.Errorf("bad pattern %q: %w", pat, err)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("bad pattern %q: %w", pat, err)
	}
	return re.MatchString, nil
}
