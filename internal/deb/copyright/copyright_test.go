package copyright_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/deb/copyright"
)

const header = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: x\n\n"

// What a machine-readable file's License fields mean as SPDX expressions.
func TestDeclared(t *testing.T) {
	for _, row := range []struct{ licence, want string }{
		{"GPL-2+", "GPL-2.0-or-later"},
		{"GPL-2", "GPL-2.0-only"},
		{"GPL-2.0+", "GPL-2.0-or-later"},
		{"GPLv3+", "GPL-3.0-or-later"},
		{"gpl-3.0-or-later", "GPL-3.0-or-later"},
		{"LGPL-2.1", "LGPL-2.1-only"},
		{"LGPL-2+", "LGPL-2.0-or-later"},
		{"AGPL-3+", "AGPL-3.0-or-later"},
		{"GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"},
		{"GFDL-1.2", "GFDL-1.2-only"},
		{"GPL", "GPL-1.0-or-later"},
		{"GPL-4", "LicenseRef-GPL-4"},
		{"Expat", "MIT"},
		{"MIT/X11", "MIT"},
		{"bsd-3-clause", "BSD-3-Clause"},
		{"BSD (3 clause)", "BSD-3-Clause"},
		{"Artistic", "Artistic-1.0-Perl"},
		{"Apache-2", "Apache-2.0"},
		{"LPPL-1.3c+", "LPPL-1.3c+"},
		{"GPL-1+ or Artistic", "Artistic-1.0-Perl OR GPL-1.0-or-later"},
		{"GPL-1+ or Artistic and Expat", "Artistic-1.0-Perl AND MIT OR GPL-1.0-or-later"},
		{"GPL-1+ or Artistic, and Expat", "(Artistic-1.0-Perl OR GPL-1.0-or-later) AND MIT"},
		{"(GPL-1+ or Artistic) and Expat", "(Artistic-1.0-Perl OR GPL-1.0-or-later) AND MIT"},
		{"Expat, ISC or Zlib", "ISC OR MIT OR Zlib"},
		{"Expat, ISC and Zlib", "ISC AND MIT AND Zlib"},
		{"Expat, ISC", "ISC AND MIT"},
		{"Expat and Expat", "MIT"},
		{"GPL-2+ with sane exception", "GPL-2.0-or-later WITH SANE-exception"},
		{"GPL-3+-with-Bison-exception", "GPL-3.0-or-later WITH Bison-exception-2.2"},
		{"Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"},
		{"GPL-2 with Linux-syscall-note exception", "GPL-2.0-only WITH Linux-syscall-note"},
		{"GPL-2+ with OpenSSL exception", "LicenseRef-GPL-2plus-with-OpenSSL-exception"},
		{"GPL-2+ with OpenSSL exception or Expat", "LicenseRef-GPL-2plus-with-OpenSSL-exception OR MIT"},
		{"MIT/X11 (BSD like)", "LicenseRef-MIT-X11-BSD-like"},
		{"public-domain", "LicenseRef-public-domain"},
		{"Größe/éa", "LicenseRef-Gr-e-a"},
		{"and or", "LicenseRef-and-or-IDENTITY"},
		{"((((", "LicenseRef-unnamed"},
		{strings.Repeat("(", 40) + "MIT or ISC" + strings.Repeat(")", 40), "ISC OR MIT"},
		{strings.Repeat("(", 200) + "MIT or ISC" + strings.Repeat(")", 200), "LicenseRef-MIT-or-ISC-IDENTITY"},
	} {
		l := copyright.Read([]byte(header + "Files: *\nCopyright: A\nLicense: " + row.licence + "\n"))
		got := regexp.MustCompile(`-[0-9a-f]{12}\b`).ReplaceAllString(l.Declared, "-IDENTITY")
		if got != row.want {
			t.Errorf("%q: got %q, want %q", row.licence, got, row.want)
		}
		if l.Concluded != "" {
			t.Errorf("%q: a declaration is concluded as well: %q", row.licence, l.Concluded)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	for expression, want := range map[string][]string{
		"":    {},
		"MIT": {"MIT"},
		"(Artistic-1.0-Perl OR GPL-1.0-or-later) AND MIT AND Artistic-1.0-Perl": {"Artistic-1.0-Perl", "GPL-1.0-or-later", "MIT"},
		"GPL-2.0-only WITH Linux-syscall-note OR GPL-2.0-only":                  {"GPL-2.0-only", "GPL-2.0-only WITH Linux-syscall-note"},
		"WITH":                              {"WITH"},
		"LicenseRef-a-0123456789ab AND ISC": {"ISC", "LicenseRef-a-0123456789ab"},
	} {
		if diff := cmp.Diff(want, copyright.Identifiers(expression)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", expression, diff)
		}
	}
}

const twoStanzas = header + `Files: *
Copyright: 2001 A
License: Own
 You may do
 .
   what you like.

Files: debian/*
Copyright: 2002 B
License: GPL-2+ or Other

License: Other
 Ask B.

License: Unused
 Never.

License: GPL-2+
 On Debian systems, see /usr/share/common-licenses/GPL-2.
`

func TestTexts(t *testing.T) {
	got := copyright.Read([]byte(twoStanzas))
	want := copyright.Licences{
		Declared: "(GPL-2.0-or-later OR LicenseRef-Other-23e437d9575a) AND LicenseRef-Own-5f738140683f",
		Note:     "declared by the machine-readable copyright file: all licences of its 2 Files paragraphs",
		Texts: []copyright.Text{
			{ID: "LicenseRef-Other-23e437d9575a", Name: "Other", Text: "Ask B."},
			{ID: "LicenseRef-Own-5f738140683f", Name: "Own", Text: "You may do\n\n  what you like."},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The order of a file's paragraphs means nothing.
func TestOrder(t *testing.T) {
	parts := strings.Split(strings.TrimSuffix(twoStanzas, "\n"), "\n\n")
	want := copyright.Read([]byte(twoStanzas))
	for i := 1; i < len(parts); i++ {
		turned := append([]string{parts[0]}, append(append([]string{}, parts[1+i-1:]...), parts[1:i]...)...)
		if diff := cmp.Diff(want, copyright.Read([]byte(strings.Join(turned, "\n\n")+"\n"))); diff != "" {
			t.Errorf("turned by %d: %s", i, diff)
		}
	}
}

const (
	mit  = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights\n to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software.\n"
	bsd  = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided that redistributions of source code\n * must retain the above copyright notice.\n"
	zlib = "Altered source versions must be plainly marked as such. This notice may not be removed or altered from any source distribution.\n"
)

// What the words of files in free form show.
func TestConcluded(t *testing.T) {
	for _, row := range []struct{ summary, text, want string }{
		{"a reference after a grant", "under version 2 of the\nLicense, or (at your option) any later version.\nSee /usr/share/common-licenses/GPL-2.", "GPL-2.0-or-later"},
		{"no later version", "the GNU GPL version 2 only; see `/usr/share/common-licenses/GPL-2'", "GPL-2.0-only"},
		{"a mere reference", "see /usr/share/common-licenses/LGPL-2.1", "LGPL-2.1-only"},
		{"any version", "under the GNU General Public License, see /usr/share/common-licenses/GPL", "GPL-1.0-or-later"},
		{"version and link", "version 2, or any later version; see /usr/share/common-licenses/GPL", "GPL-2.0-or-later"},
		{"an older version, or later", "version 2 or later; see /usr/share/common-licenses/GPL-3", "GPL-2.0-or-later"},
		{"a short name", "Licence: LGPL-2.1+\n On Debian, the text of the LGPL-2.1 is in /usr/share/common-licenses/LGPL-2.1", "LGPL-2.1-or-later"},
		{"two", "see /usr/share/common-licenses/GPL-3 and /usr/share/common-licenses/Artistic", "Artistic-1.0-Perl AND GPL-3.0-only"},
		{"grant without a reference", "under the terms of the GNU Lesser General Public License, version 2.1 or any later version", "LGPL-2.1-or-later"},
		{"MIT", mit, "MIT"},
		{"X11", mit + "Except as contained in this notice, the name of X shall not be used.", "X11"},
		{"both", mit + mit + "Except as contained in this notice, the name of X shall not be used.", "MIT AND X11"},
		{"BSD", bsd, "BSD-2-Clause"},
		{"BSD, three clauses", bsd + "Neither the name of the University", "BSD-3-Clause"},
		{"BSD, four clauses", bsd + "All advertising materials mentioning features. Neither the name", "BSD-4-Clause"},
		{"marks of comments", "/* " + strings.ReplaceAll(zlib, " be ", "\n * be ") + " */", "Zlib"},
		{"the terms of perl", "You may copy it under the same terms as Perl itself.", "Artistic-1.0-Perl OR GPL-1.0-or-later"},
		{"nothing known", "All rights reserved. A list of nouns.", ""},
		{"nothing", " \n", ""},
		{"a claim", "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nsee /usr/share/common-licenses/GPL-2", "GPL-2.0-only"},
	} {
		l := copyright.Read([]byte(row.text))
		if l.Concluded != row.want || l.Declared != "" {
			t.Errorf("%s: concluded %q (%s), declared %q, want %q", row.summary, l.Concluded, l.Note, l.Declared, row.want)
		}
		if l.Note == "" {
			t.Errorf("%s: nothing tells how", row.summary)
		}
	}
}

func TestPublicDomain(t *testing.T) {
	l := copyright.Read([]byte("This is in the public\ndomain."))
	if len(l.Texts) != 1 || l.Concluded != l.Texts[0].ID || l.Texts[0].Text != "This is in the public\ndomain." {
		t.Errorf("got %+v", l)
	}
}

// Files made to cost much come to an end, and to little.
func TestCostly(t *testing.T) {
	var many strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&many, "Files: f%d\nLicense: own-%d and (other-%d or x)\n t\n\n", i, i, i)
	}
	for name, text := range map[string]string{
		"licences":    header + many.String(),
		"parentheses": header + "Files: *\nLicense: " + strings.Repeat("( a or ", 20000) + "\n",
		"commas":      header + "Files: *\nLicense: " + strings.Repeat("a, b or ", 20000) + "\n",
		"references":  strings.Repeat("/usr/share/common-licenses/GPL ", 40000),
		"grants":      strings.Repeat("gnu general public license version ", 40000),
		"texts":       strings.Repeat("redistribution and use in source and binary forms ", 20000),
	} {
		if l := copyright.Read([]byte(text)); len(l.Declared)+len(l.Concluded) > 1<<10 {
			t.Errorf("%s: an expression of %d bytes", name, len(l.Declared)+len(l.Concluded))
		}
	}
}

func TestTooLarge(t *testing.T) {
	if l := copyright.Read(make([]byte, copyright.MaxSize+1)); l.Declared != "" || !strings.Contains(l.Note, "over 8 MiB") {
		t.Errorf("got %+v", l)
	}
}

var licenceID = regexp.MustCompile(`^(LicenseRef-)?[A-Za-z0-9.-]+\+?$`)

// checkExpression reads an SPDX expression by its grammar (SPDX 2.3, annex D).
func checkExpression(t *testing.T, e string) (refs []string) {
	t.Helper()
	depth, operand := 0, true
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(e))
	for _, w := range words {
		switch {
		case w == "(" && operand:
			depth++
		case w == ")" && !operand && depth > 0:
			depth--
		case (w == "AND" || w == "OR" || w == "WITH") && !operand:
			operand = true
		case operand && licenceID.MatchString(w):
			operand = false
			if strings.HasPrefix(w, "LicenseRef-") {
				refs = append(refs, w)
			}
		default:
			t.Fatalf("%q is no expression, at %q", e, w)
		}
	}
	if depth != 0 || operand {
		t.Fatalf("%q is no whole expression", e)
	}
	return refs
}

// Whatever stands in a file, what comes of it are SPDX expressions, and each
// LicenseRef- has its text.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{twoStanzas, mit + bsd + zlib, header + "Files: *\nLicense: A (b), or\n", "see /usr/share/common-licenses/GPL-2", header + "License: x\n y\n\n\n:\n", "Format: dep5\nLicense: (a and (b or c)) with d\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := copyright.Read(text)
		texts := map[string]bool{}
		for _, x := range l.Texts {
			if x.Text == "" || x.Name == "" || texts[x.ID] {
				t.Errorf("bad text %+v", x)
			}
			texts[x.ID] = true
		}
		for _, e := range []string{l.Declared, l.Concluded} {
			if e == "" {
				continue
			}
			for _, ref := range checkExpression(t, e) {
				if !texts[ref] {
					t.Errorf("%s has no text", ref)
				}
			}
		}
		if l.Declared != "" && l.Concluded != "" || l.Note == "" {
			t.Errorf("got %+v", l)
		}
		if diff := cmp.Diff(l, copyright.Read(text)); diff != "" {
			t.Errorf("read twice: %s", diff)
		}
	})
}
