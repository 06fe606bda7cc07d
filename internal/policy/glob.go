package policy

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// maxGlob bounds a pattern, in bytes.
const maxGlob = 512

// globs are compiled patterns: a rule asks the same of every file. Past maxGlobs,
// which only patterns that are made of facts reach, none is kept.
type globs struct {
	sync.RWMutex
	byPattern map[string]*regexp.Regexp
}

const maxGlobs = 1000

// compile turns a pattern as recipes have it (doublestar's) into a regular
// expression: those take linear time, whatever the pattern and the path.
func (g *globs) compile(pattern string) (*regexp.Regexp, error) {
	g.RLock()
	re := g.byPattern[pattern]
	g.RUnlock()
	if re != nil {
		return re, nil
	}
	re, err := parseGlob(pattern)
	if err != nil {
		return nil, err
	}
	g.Lock()
	defer g.Unlock()
	if g.byPattern == nil {
		g.byPattern = map[string]*regexp.Regexp{}
	}
	if len(g.byPattern) < maxGlobs {
		g.byPattern[pattern] = re
	}
	return re, nil
}

// parseGlob compiles one pattern.
func parseGlob(pattern string) (re *regexp.Regexp, err error) {
	if len(pattern) > maxGlob {
		return nil, fmt.Errorf("the pattern is too long: %d bytes, at most %d", len(pattern), maxGlob)
	}
	text, err := globText(pattern)
	if err == nil {
		re, err = regexp.Compile(`(?s)\A` + text + `\z`)
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern: %v", pattern, err)
	}
	return re, nil
}

// globText is the regular expression of a pattern. A part "**" stands for any number
// of folders, none included: /usr/** is /usr, too.
func globText(pattern string) (string, error) {
	var b strings.Builder
	depth := 0
	for i := 0; i < len(pattern); i++ {
		rest := pattern[i:]
		switch c := pattern[i]; {
		case rest == "/**":
			b.WriteString(`(?:/.*)?`)
			i += 2
		case strings.HasPrefix(rest, "/**/"):
			b.WriteString(`(?:/.*)?/`)
			i += 3
		case i == 0 && rest == "**":
			b.WriteString(`.*`)
			i++
		case i == 0 && strings.HasPrefix(rest, "**/"):
			b.WriteString(`(?:.*/)?`)
			i += 2
		case c == '*':
			b.WriteString(`[^/]*`)
		case c == '?':
			b.WriteString(`[^/]`)
		case c == '[':
			end, class := globClass(rest)
			if end < 0 {
				return "", fmt.Errorf("a [ without its ]")
			}
			b.WriteString(class)
			i += end
		case c == '{':
			b.WriteString(`(?:`)
			depth++
		case c == '}' && depth > 0:
			b.WriteByte(')')
			depth--
		case c == ',' && depth > 0:
			b.WriteByte('|')
		case c == '\\' && len(rest) > 1:
			i++
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	if depth > 0 {
		return "", fmt.Errorf("a { without its }")
	}
	return b.String(), nil
}

// globClass is the class that s begins with, and where it ends.
func globClass(s string) (end int, class string) {
	body := s[1:]
	not := strings.HasPrefix(body, "!") || strings.HasPrefix(body, "^")
	if not {
		body = body[1:]
	}
	n := strings.IndexByte(body, ']')
	if n <= 0 {
		return -1, ""
	}
	end = len(s) - len(body) + n
	quoted := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`).Replace(body[:n])
	if not {
		return end, `[^/` + quoted + `]`
	}
	return end, `[` + quoted + `]`
}
