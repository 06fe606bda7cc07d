package texttool

import "regexp"

// wholeLine is the expression that one text alone matches. Scripts look for each of a
// hundred names among lines in that way, and no expression need be compiled for it.
type wholeLine string

// MatchString implements regex.Expression.
func (w wholeLine) MatchString(text string) bool { return text == string(w) }

// FindStringSubmatchIndex implements regex.Expression.
func (w wholeLine) FindStringSubmatchIndex(text string) []int {
	if text != string(w) {
		return nil
	}
	return []int{0, len(text)}
}

// FindAllStringSubmatchIndex implements regex.Expression.
func (w wholeLine) FindAllStringSubmatchIndex(text string, n int) [][]int {
	if text != string(w) || n == 0 {
		return nil
	}
	return [][]int{{0, len(text)}}
}

// NumSubexp implements regex.Expression.
func (w wholeLine) NumSubexp() int { return 0 }

// String implements regex.Expression.
func (w wholeLine) String() string { return "^(?:" + regexp.QuoteMeta(string(w)) + ")$" }
