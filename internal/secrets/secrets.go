// Package secrets looks for secrets in bytes: private keys, tokens of services,
// passwords, hashes of passwords, and assignments whose value looks random. It is
// pure: bytes in, findings out. What it returns never has a whole secret in it.
//
// A scan is one pass of an automaton over all anchors, the few letters that each
// kind of secret has near it; only around an anchor a rule looks closer, at no more
// than lookBehind and lookAhead bytes. So what is found does not depend on how the
// bytes are cut, and a file of any size is scanned in the same memory.
//
// It does not look into what is compressed or encrypted, and knows no encoding of
// text but those that keep ASCII (UTF-8, Latin-1). Whether a secret is still valid
// is not asked.
package secrets

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Format is the version of what is found: it changes with every rule.
const Format = 1

// Finding is one secret.
type Finding struct {
	Rule   string `json:"rule"`
	Offset int64  `json:"offset"`           // of its first byte, from 0
	Line   int    `json:"line,omitempty"`   // from 1; 0 in a binary file
	Column int    `json:"column,omitempty"` // in bytes, from 1; 0 in a binary file
	Masked string `json:"masked"`           // enough to know it by: "ghp_... (40 characters)"
	// Same is the same for findings of the same value, and says nothing else of it
	// that could be had from Masked, so long as it is not stored beside short values.
	Same [sha256.Size]byte `json:"-"`
}

// String is the place and the secret, masked: "line 3, column 12: github-token ghp_... (40 characters)".
func (f Finding) String() string {
	place := fmt.Sprintf("at byte %d", f.Offset)
	if f.Line > 0 {
		place = fmt.Sprintf("line %d, column %d", f.Line, f.Column)
	}
	return place + ": " + f.Rule + " " + f.Masked
}

// MostFindings bounds the findings of one file: what has so many is a list of
// secrets, or no text that the rules are made for.
const MostFindings = 1000

// Bytes returns the secrets in b, by place. Of name only the last part counts: what
// a file is called tells some rules what it means.
func Bytes(name string, b []byte) []Finding {
	list, _ := Scan(name, bytes.NewReader(b)) // a reader of bytes has no errors
	return list
}

// Scan returns the secrets in what r gives, by place, and r's error.
func Scan(name string, r io.Reader) ([]Finding, error) {
	s := &scanner{name: strings.ToLower(path.Base(name)), source: r}
	s.kind = kindOf(s.name)
	if err := s.run(); err != nil {
		return nil, err
	}
	return s.sorted(), nil
}

// sorted drops of findings that overlap all but that of the first rule in the table.
func (s *scanner) sorted() []Finding {
	slices.SortStableFunc(s.hits, func(a, b hit) int { return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.from, b.from)) })
	var kept []hit
	for _, h := range s.hits {
		if !slices.ContainsFunc(kept, func(k hit) bool { return h.from < k.to && k.from < h.to }) {
			kept = append(kept, h)
		}
	}
	slices.SortFunc(kept, func(a, b hit) int { return cmp.Compare(a.from, b.from) })
	list := make([]Finding, 0, len(kept))
	for _, h := range kept {
		list = append(list, h.Finding)
	}
	return list
}
