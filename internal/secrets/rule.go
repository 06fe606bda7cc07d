package secrets

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Rule is one kind of secret.
type Rule struct {
	Name string `json:"name"`
	What string `json:"what"`

	anchors []string // what it looks at: bytes, letters of either case
	// match tells which bytes of a probe are the secret.
	match func(p *probe) (from, to int, ok bool)
	// file goes by the name of the file instead; text is its beginning, all of it
	// where whole says so.
	file func(name string, text []byte, whole bool, found func(from, to int))
	// open is how many bytes of a value may be shown: those that all of the kind have.
	open int
	mask func(value []byte) string // where open is not enough to say
}

// probe is what a rule sees of a file: an anchor and what is around it.
type probe struct {
	text    []byte
	at, end int    // the anchor is text[at:end]
	name    string // of the file, in small letters, without folders
	kind    kind
	binary  bool
}

// Rules lists all kinds. Where two find the same bytes, the earlier one counts.
func Rules() []Rule { return append([]Rule(nil), rules()...) }

var rules = sync.OnceValue(func() []Rule {
	var list []Rule
	list = append(list, keyRules()...)
	list = append(list, encodedRules()...)
	list = append(list, cloudRules()...)
	list = append(list, tokenRules()...)
	list = append(list, hashRules()...)
	list = append(list, documentRules()...)
	return append(list, assignmentRules()...)
})

// nameFor is the rule's name for a finding in a file of that name.
func (r *Rule) nameFor(file string) string {
	if r.Name == privateKey && strings.HasPrefix(file, "ssh_host_") {
		return sshHostKey
	}
	return r.Name
}

// masked says enough of a value to find it by, and not enough to use it.
func (r *Rule) masked(value []byte) string {
	if r.mask != nil {
		return r.mask(value)
	}
	shown := min(r.open, len(value)/4)
	for i := range shown {
		if value[i] <= ' ' || value[i] > '~' {
			shown = i
			break
		}
	}
	return fmt.Sprintf("%s... (%d characters)", value[:shown], len(value))
}

// set is a set of bytes.
type set [256]bool

// setOf is the set of the given bytes; a-b stands for all from a to b.
func setOf(s string) *set {
	m := &set{}
	for i := 0; i < len(s); i++ {
		if i+2 < len(s) && s[i+1] == '-' {
			for c := int(s[i]); c <= int(s[i+2]); c++ {
				m[c] = true
			}
			i += 2
			continue
		}
		m[s[i]] = true
	}
	return m
}

// run is the length of the longest piece of text[from:] that is of the set, at most
// most.
func (m *set) run(text []byte, from, most int) int {
	n := 0
	for from+n < len(text) && n < most && m[text[from+n]] {
		n++
	}
	return n
}

var (
	alphanumeric  = setOf("A-Za-z0-9")
	wordSet       = setOf("A-Za-z0-9_")
	urlSafe       = setOf("A-Za-z0-9_-")
	base64Set     = setOf("A-Za-z0-9+/=")
	base64Only    = setOf("A-Za-z0-9+/")
	base64Any     = setOf("A-Za-z0-9+/_=-")
	hexSet        = setOf("0-9a-fA-F")
	upperDigits   = setOf("A-Z0-9")
	digitSet      = setOf("0-9")
	pairSpace     = setOf(" \t\r\n,\"'")
	blankQuote    = setOf(" \t\"'")
	lowerSet      = setOf("a-z")
	lowerDash     = setOf("a-z-")
	argumentSpace = setOf(", \t")
	numeric       = setOf("0-9.:/_-")
	dottedSet     = setOf("A-Za-z0-9_.")
	visible       = setOf("!-~")
	assignSpace   = setOf(" \t\"':=>\\,")
	queryBase64   = setOf("A-Za-z0-9%+/=")
	entraSet      = setOf("A-Za-z0-9_~.-")
	hostSet       = setOf("A-Za-z0-9.-")
	blankDouble   = setOf(" \t\"")
	bearerSet     = setOf("A-Za-z0-9+/_=.~-")
	jsonSpace     = setOf(" \t\r\n:")
	tokenSet      = setOf("A-Za-z0-9+/_=.-")
	schemeSpace   = setOf(" \t:=\"'")
	cryptSet      = setOf("./0-9A-Za-z$=,+_{}-")
	countSet      = setOf(" 0-9\r\n")
	hexLines      = setOf("0-9a-f\r\n")
	blank         = setOf(" \t")
	space         = setOf(" \t\r\n")
)

// starts reports whether nothing of the same word is before text[at].
func (p *probe) starts(at int) bool { return at == 0 || !wordSet[p.text[at-1]] }

// ends reports whether nothing of the same word is at text[at].
func (p *probe) ends(at int, s *set) bool {
	return at >= len(p.text) || !s[p.text[at]] && !wordSet[p.text[at]]
}

// near returns what is around the anchor, at most so many bytes to each side.
func (p *probe) near(behind, ahead int) []byte {
	return p.text[max(0, p.at-behind):min(len(p.text), p.end+ahead)]
}

// is reports whether the anchor stands in the text as s has it, capitals too.
func (p *probe) is(s string) bool { return string(p.text[p.at:p.end]) == s }

// token is a kind of secret that begins with what no other word does.
type token struct {
	name, what string
	prefixes   []string
	set        *set
	min, max   int // characters after the prefix
	entropy    float64
}

// leastRandom is the entropy in bits a character that a token has at least, where
// its kind does not say.
const leastRandom = 3.0

func (t token) rule() Rule {
	least := t.entropy
	if least == 0 {
		least = leastRandom
	}
	r := Rule{Name: t.name, What: t.what, anchors: t.prefixes}
	for _, p := range t.prefixes {
		r.open = max(r.open, len(p))
	}
	r.match = func(p *probe) (int, int, bool) {
		named := false
		for _, prefix := range t.prefixes {
			named = named || p.is(prefix)
		}
		if !named || !p.starts(p.at) {
			return 0, 0, false
		}
		n := t.set.run(p.text, p.end, t.max+1)
		value := p.text[p.end : p.end+n]
		if n < t.min || n > t.max || !p.ends(p.end+n, t.set) || entropy(value) < least || isExample(value) {
			return 0, 0, false
		}
		listed := slices.ContainsFunc(t.prefixes, func(other string) bool { return bytes.Contains(value, []byte(other)) })
		return p.at, p.end + n, !p.binary || isMade(value) && !listed
	}
	return r
}

// isMade reports whether a long value is a machine's, and not what a compiler has made
// of words that stood apart in the program: it has digits as chance has them, and no
// long words.
func isMade(value []byte) bool {
	word, digits := 0, 0
	for _, c := range value {
		switch {
		case lowerSet[c]:
			if word++; word > 10+len(value)/40 {
				return false
			}
		default:
			word = 0
			if digitSet[c] {
				digits++
			}
		}
	}
	return digits >= len(value)/32
}
