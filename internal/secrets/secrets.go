// Package secrets looks for secrets in bytes: private keys, tokens of services,
// passwords, hashes of passwords, and assignments whose value looks random. It is
// pure: bytes in, findings out. What it returns never has a whole secret in it.
//
// A scan is one pass of an automaton over all anchors, the few letters that each
// kind of secret has near it; only around an anchor a rule looks closer, at no more
// than lookBehind and lookAhead bytes. So what is found does not depend on how the
// bytes are cut, and a file of any size is scanned in the same memory.
//
// Files that are compressed (gzip, xz, zstd, bzip2) and archives (zip, tar, and tar
// compressed) are looked into, one level of compression deep and within bounds; what is
// passed over is told. Text in base64 is decoded, UTF-16 is read. What is encrypted is
// not looked into, nor is it asked whether a secret is still valid.
package secrets

import (
	"bufio"
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
const Format = 3

// Finding is one secret.
type Finding struct {
	Rule   string `json:"rule"`
	Inside string `json:"inside,omitempty"` // of the file: "gzip", "zip:etc/app.conf", "UTF-16"; the place is there
	Offset int64  `json:"offset"`           // of its first byte, from 0; in UTF-16, in characters
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
	if f.Inside != "" {
		place = "in " + f.Inside + " " + place
	}
	return place + ": " + f.Rule + " " + f.Masked
}

// MostFindings bounds the findings of one file: what has so many is a list of
// secrets, or no text that the rules are made for.
const MostFindings = 1000

// Bytes returns the secrets in b, by place. Of name only the last part counts: what
// a file is called tells some rules what it means.
func Bytes(name string, b []byte) []Finding {
	list, _, _ := Scan(name, bytes.NewReader(b)) // a reader of bytes has no errors
	return list
}

// headSize is how much of a file tells what it is, in bytes.
const headSize = 512

// Scan returns the secrets in what r gives, by place, what of it was passed over, and
// r's error.
func Scan(name string, r io.Reader) ([]Finding, []Passed, error) {
	buffered := bufio.NewReader(r)
	head, _ := buffered.Peek(headSize)
	if p, ok := packingOf(head); ok {
		return scanPacked(name, p, buffered)
	}
	list, err := scanPlain(name, buffered)
	return list, nil, err
}

// scanPlain scans what is not packed. What was found before an error is returned
// with it.
func scanPlain(name string, r io.Reader) ([]Finding, error) {
	buffered, ok := r.(*bufio.Reader)
	if !ok {
		buffered = bufio.NewReader(r)
	}
	head, _ := buffered.Peek(headSize)
	s := &scanner{rules: rules(), name: strings.ToLower(path.Base(name)), source: buffered}
	s.kind = kindOf(s.name)
	big, wide := utf16Of(head)
	if wide {
		s.source = narrow{buffered, big}
	}
	err := s.run()
	list := s.sorted()
	for i := range list {
		if wide {
			list[i].Inside = "UTF-16"
		}
	}
	return list, err
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
