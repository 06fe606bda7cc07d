package copyright

import "strings"

// wording is a licence with words that no other has: all of them stand in its text,
// as package normal writes it.
type wording struct {
	id  string
	all []string
}

// wordingTable has no licence twice for one text: what is part of another is told apart
// by wordings.
var wordingTable = []wording{
	{"ISC", []string{"distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies"}},
	{"Zlib", []string{"altered source versions must be plainly marked as such", "may not be removed or altered from any source distribution"}},
	{"HPND-sell-variant", []string{"permission to use, copy, modify, distribute, and sell this software and its documentation for any purpose is hereby granted without fee"}},
	{"HPND", []string{"permission to use, copy, modify, and distribute this software and its documentation for any purpose", "without fee is hereby granted"}},
	{"Info-ZIP", []string{"info-zip", "redistributions of source code (in whole or in part) must retain the above copyright notice, definition, disclaimer"}},
	{"BSL-1.0", []string{"boost software license - version 1.0"}},
	{"Apache-2.0", []string{"licensed under the apache license, version 2.0"}},
	{"Apache-2.0", []string{"apache license version 2.0, january 2004"}},
	{"MPL-1.1", []string{"mozilla public license version 1.1"}},
	{"MPL-2.0", []string{"mozilla public license, v. 2.0"}},
	{"MPL-2.0", []string{"mozilla public license version 2.0"}},
	{"EPL-1.0", []string{"eclipse public license - v 1.0"}},
	{"EPL-2.0", []string{"eclipse public license - v 2.0"}},
	{"IPL-1.0", []string{"ibm public license version 1.0"}},
	{"CDDL-1.0", []string{"common development and distribution license (cddl) version 1.0"}},
	{"OFL-1.1", []string{"sil open font license", "version 1.1"}},
	{"Python-2.0", []string{"python software foundation license version 2", "beopen.com license agreement"}},
	{"Python-2.0", []string{"psf license agreement for python", "beopen.com license agreement"}},
	{"OpenSSL", []string{"this product includes software developed by the openssl project"}},
	{"OLDAP-2.8", []string{"the openldap public license", "version 2.8"}},
	{"Unlicense", []string{"this is free and unencumbered software released into the public domain"}},
	{"CC0-1.0", []string{"cc0 1.0 universal"}},
	{"GPL-3.0-or-later WITH GCC-exception-3.1", []string{"gcc runtime library exception, version 3.1"}},
	{"PostgreSQL", []string{"permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee, and without a written agreement is hereby granted"}},
	{"curl", []string{"permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies", "the name of a copyright holder shall not be used"}},
}

// wordings are the licences whose words stand in a text.
func wordings(words string) []string {
	var ids []string
	for _, w := range wordingTable {
		found := true
		for _, part := range w.all {
			found = found && strings.Contains(words, part)
		}
		if found {
			ids = append(ids, w.id)
		}
	}
	return append(append(ids, berkeley(words)...), massachusetts(words)...)
}

// berkeley tells the BSD licences apart, one for each time that one begins.
func berkeley(words string) []string {
	const begins = "redistribution and use in source and binary forms"
	var ids []string
	parts := strings.Split(words, begins)
	for _, part := range parts[1:] {
		part = part[:min(len(part), 3000)]
		third := strings.Contains(part, "neither the name") || strings.Contains(part, "may not be used to endorse") || strings.Contains(part, "must not be used to endorse")
		switch {
		case strings.Contains(part, "all advertising materials mentioning"):
			ids = append(ids, "BSD-4-Clause")
		case third:
			ids = append(ids, "BSD-3-Clause")
		case strings.Contains(part, "must reproduce the above copyright notice") || strings.Contains(part, "must retain the above copyright notice"):
			ids = append(ids, "BSD-2-Clause")
		}
	}
	return ids
}

// massachusetts tells X11's licence from the one of MIT that it grew out of.
func massachusetts(words string) []string {
	const begins = "permission is hereby granted, free of charge, to any person obtaining a copy of this"
	var ids []string
	for _, part := range strings.Split(words, begins)[1:] {
		part = part[:min(len(part), 2500)]
		switch {
		case !strings.Contains(part, "to use, copy, modify, merge, publish, distribute") && !strings.Contains(part, "to deal in the"):
		case strings.Contains(part, "except as contained in this notice"):
			ids = append(ids, "X11")
		default:
			ids = append(ids, "MIT")
		}
	}
	return ids
}
