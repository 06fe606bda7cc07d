package secrets

import (
	"regexp"
	"sync"
)

// form is a regular expression that is compiled when a text is first held against it:
// most runs of kiln never look closer at anything, and all of them would wait for it.
type form func() *regexp.Regexp

func newForm(pattern string) form {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
