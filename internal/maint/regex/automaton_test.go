package regex_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"kiln/internal/maint/regex"
)

func TestAutomaton(t *testing.T) {
	for _, row := range []struct {
		pattern, text string
		from          int
		start, end    int
		open          bool
	}{
		{"b+", "abbbc", 0, 1, 4, false},
		{"b+", "abbb", 0, 1, 4, true},
		{"a|ab|abc", "xabcd", 0, 1, 4, false},
		{"(a|ab)(c|bcd)", "abcd", 0, 0, 4, false},
		{"x*", "aaa", 0, 0, 0, false},
		{"x*", "aaxa", 2, 2, 3, false},
		{"^a", "aa", 1, -1, 0, false},
		{"a$", "aa", 0, 1, 2, true},
		{"^", "ab", 0, 0, 0, false},
		{"$", "ab", 0, 2, 2, true},
		{"", "ab", 1, 1, 1, false},
		{"[^]x]", "x]y", 0, 2, 3, false},
		{`[\]]`, "a]", 0, 1, 2, false},
		{"[a-]+", "b-a-c", 0, 1, 4, false},
		{"[[:digit:]x]+", "a1x2b", 0, 1, 4, false},
		{`\101\.`, "AA.", 0, 1, 3, false},
		{"a{2}", "aaa", 0, 0, 2, false},
		{"a{2,}", "baaa", 0, 1, 4, true},
		{"a{,2}b", "aaab", 0, 1, 4, false},
		{"(ab){0}c", "abc", 0, 2, 3, false},
		{"a{", "aa{", 0, 1, 3, false},
		{"a**", "baa", 0, 0, 0, false},
		{".", "\xff\n", 1, 1, 2, false},
		{"é", "aé", 0, 1, 3, false},
		{")", "a)", 0, 1, 2, false},
		{"a^", "a^", 0, -1, 0, true},
	} {
		a, err := regex.CompileAwk(row.pattern)
		if err != nil {
			t.Errorf("%q: %v", row.pattern, err)
			continue
		}
		got := a.Find(row.text, row.from, func(int) {})
		if got.Start != row.start || got.Start >= 0 && got.End != row.end || got.Open != row.open {
			t.Errorf("%q in %q from %d: %+v, want %d %d %v", row.pattern, row.text, row.from, got, row.start, row.end, row.open)
		}
	}
	for _, bad := range []string{"(", "()", "+", "*a", "a|", "|a", "a||b", "^*", "[a", "[", "[^", "a{2,1}", "[[:nothing:]]", "(((a{99}){99}){99}){99}", strings.Repeat("a{9999}", 9), strings.Repeat("(", 9999)} {
		if _, err := regex.CompileAwk(bad); err == nil {
			t.Errorf("%.20q is no error", bad)
		}
	}
}

// The automaton finds what package regexp finds, leftmost-longest.
func TestAutomatonAgrees(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "b", "[ab]", "[^a]", ".", "(a|b)", "(ab|b)", "(a*b)", "$"}
	marks := []string{"", "", "", "*", "+", "?", "{1,2}", "{2}"}
	for range 20_000 {
		pattern := ""
		for range 1 + random.IntN(4) {
			piece := pieces[random.IntN(len(pieces))]
			if piece != "$" {
				piece += marks[random.IntN(len(marks))]
			}
			if pattern != "" && random.IntN(5) == 0 {
				pattern += "|"
			}
			pattern += piece
		}
		text := ""
		for range random.IntN(12) {
			text += string("abc"[random.IntN(3)])
		}
		a, err := regex.CompileAwk(pattern)
		if err != nil {
			t.Fatal(pattern, err)
		}
		other := regexp.MustCompile("(?s)" + pattern)
		other.Longest()
		want := other.FindStringIndex(text)
		got := a.Find(text, 0, func(int) {})
		if want == nil && got.Start >= 0 || want != nil && (got.Start != want[0] || got.End != want[1]) {
			t.Fatalf("%q in %q: %+v, want %v", pattern, text, got, want)
		}
	}
}

// A search costs no more than bytes times states, and all of it is told.
func TestAutomatonIsLinear(t *testing.T) {
	a, err := regex.CompileAwk("(a*)*(a|aa)*(a?){20}b")
	if err != nil {
		t.Fatal(err)
	}
	text, work := strings.Repeat("a", 10_000), 0
	if got := a.Find(text, 0, func(n int) { work += n }); got.Start >= 0 {
		t.Errorf("found %v", got)
	}
	if most := (a.Size() + 1) * (len(text) + 1); work < len(text) || work > most {
		t.Errorf("%d of work, want at most %d", work, most)
	}
}
