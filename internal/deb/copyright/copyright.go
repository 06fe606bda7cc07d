// Package copyright reads the copyright files of Debian packages for their licences:
// the machine-readable ones (Debian's copyright format 1.0, DEP-5, and its drafts),
// whose short names become SPDX licence expressions (SPDX 2.3, annex D), and, as far
// as they can be recognised, those in free form. It does no I/O.
//
// What a file declares and what is concluded from its wording are kept apart, and a
// file of which neither can be told says why. A licence that is not on SPDX's list
// becomes a LicenseRef- with the text that the file has of it. It is lenient where
// files are sloppy: decades of them exist.
package copyright

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"kiln"
)

// Format is the version of what Read makes of a text: results of another version
// are not to be taken for its.
const Format = 2

// Licences is what a copyright file says of licences.
type Licences struct {
	// Declared is the SPDX expression of what a machine-readable file declares:
	// everything that stands in it, joined by AND. Empty: nothing is declared.
	Declared string `json:"declared,omitempty"`
	// Concluded is the SPDX expression of what the wording of a file in free form
	// shows: references to /usr/share/common-licenses and the words of well-known
	// licences. Empty: none was recognised, or there is a declaration.
	Concluded string `json:"concluded,omitempty"`
	// Note tells for people how that was found, or why not.
	Note string `json:"note"`
	// Texts are the licences that the expressions name as LicenseRef-, by ID.
	Texts []Text `json:"texts,omitempty"`
}

// Text is a licence that is not on SPDX's list.
type Text struct {
	ID   string `json:"id"`   // LicenseRef-...
	Name string `json:"name"` // as the file calls it; "unnamed" where it does not
	Text string `json:"text"` // of the licence as the file has it, never empty
}

// MaxSize bounds a copyright file, in bytes. The largest of Debian 13 have two
// megabytes.
const MaxSize = 8 << 20

// Read reads a copyright file. Nothing in it is an error: what cannot be read is told
// in Note.
func Read(text []byte) Licences {
	if len(text) > MaxSize {
		return Licences{Note: fmt.Sprintf("the copyright file has over %d MiB and was not read", MaxSize>>20)}
	}
	clean := cleanText(text)
	if strings.TrimSpace(clean) == "" {
		return Licences{Note: "the copyright file is empty"}
	}
	all := paragraphs(clean)
	if len(all) == 0 || !machineReadable(all[0]) {
		return conclude(clean, noteFree)
	}
	if l := declare(all); l.Declared != "" {
		return l
	}
	return conclude(clean, noteBare)
}

// cleanText makes lines of a text and characters of its bytes.
func cleanText(text []byte) string {
	s := strings.TrimPrefix(string(text), "\ufeff")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if !utf8.ValidString(s) {
		s = latin1(s)
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
}

// latin1 reads a text that is not in UTF-8 as what it most often is.
func latin1(s string) string {
	var b strings.Builder
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = rune(s[0])
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// machineReadable tells whether a first paragraph is the header of the format.
func machineReadable(header paragraph) bool {
	format := strings.ToLower(header.get("Format") + " " + header.get("Format-Specification"))
	return strings.Contains(format, "copyright-format") || strings.Contains(format, "dep5") || strings.Contains(format, "copyrightformat")
}

// reference makes the Text of a licence that is not on SPDX's list. Equal names with
// equal texts have equal identifiers, in every package.
func reference(name, text string) Text {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" {
		name = "unnamed"
	}
	id := "LicenseRef-" + idString(name)
	if text = strings.Trim(text, "\n"); text == "" {
		return Text{ID: id, Name: name, Text: fmt.Sprintf("The copyright file names the licence %q and does not hold its text.", name)}
	}
	sum := kiln.DigestOf([]byte(name + "\n" + text))
	return Text{ID: id + "-" + sum.Hex()[:12], Name: name, Text: text}
}

// mostName bounds the part of an identifier that is for people.
const mostName = 40

// idString is a name in the characters of an SPDX idstring: letters, digits, "." and "-".
func idString(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case b.Len() >= mostName:
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.':
			b.WriteRune(r)
		case r == '+':
			b.WriteString("plus")
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if s := strings.Trim(b.String(), "-."); s != "" {
		return s
	}
	return "unnamed"
}
