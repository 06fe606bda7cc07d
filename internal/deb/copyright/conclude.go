package copyright

import (
	"regexp"
	"slices"
	"strings"
)

// A file in free form declares nothing that a program could read. What it shows all the
// same, two kinds of words tell: a reference to a text of /usr/share/common-licenses,
// with which nearly all such files end (Debian Policy 12.5), and the words of licences
// that are spread by being copied. What is found so is a conclusion, joined by AND, as
// nothing says which file of the package has which licence.

// Why a file is in free form.
const (
	noteFree = "the copyright file is not machine-readable"
	noteBare = "the copyright file claims to be machine-readable, and no declaration in it can be read"
)

func conclude(text, why string) Licences {
	words := normal(text)
	var found []expression
	var how []string
	add := func(by string, ids ...string) {
		for _, id := range ids {
			found = append(found, expression{id: id})
		}
		if len(ids) > 0 && !slices.Contains(how, by) {
			how = append(how, by)
		}
	}
	add("references to /usr/share/common-licenses", referenced(words)...)
	add("the words of well-known licences", wordings(words)...)
	if strings.Contains(words, "same terms as perl itself") {
		found = append(found, join("OR", expression{id: "Artistic-1.0-Perl"}, expression{id: "GPL-1.0-or-later"}))
		how = append(how, "the terms of perl")
	}
	if len(found) == 0 {
		add("grants of the GNU licences", granted(words)...)
	}
	if len(found) == 0 && strings.Contains(words, "public domain") {
		t := reference("public-domain", strings.TrimSpace(text))
		return Licences{Concluded: t.ID, Note: why + "; concluded from its words: public domain", Texts: []Text{t}}
	}
	if len(found) == 0 {
		return Licences{Note: why + ", and no licence was recognised in its words"}
	}
	return Licences{Concluded: join("AND", found...).String(), Note: why + "; concluded from its words: " + strings.Join(how, ", ")}
}

var decoration = strings.NewReplacer("*", " ", "#", " ", "``", `"`, "''", `"`, "“", `"`, "”", `"`, "’", "'", "|", " ", "<", " ", ">", " ")

// normal is a text in small letters, without the marks of comments, each blank once.
func normal(text string) string {
	return strings.Join(strings.Fields(decoration.Replace(strings.ToLower(text))), " ")
}

// common is a reference to a common licence.
var common = regexp.MustCompile(`/usr/share/common-licenses/([a-z0-9][a-z0-9.+-]*)`)

// reach is how far before a reference its grant may stand, in bytes.
const reach = 1500

// referenced are the licences of the references to common licences, each as the grant
// before it has it.
func referenced(words string) []string {
	var ids []string
	last := 0
	for _, m := range common.FindAllStringSubmatchIndex(words, -1) {
		name := strings.TrimRight(words[m[2]:m[3]], ".-+")
		before := words[max(last, m[0]-reach):m[0]]
		if id := commonID(name, before, words[m[1]:min(m[1]+60, len(words))]); id != "" {
			ids = append(ids, id)
		}
		last = m[1]
	}
	return ids
}

// commonID is the identifier of a text of /usr/share/common-licenses.
func commonID(name, before, after string) string {
	switch name {
	case "bsd":
		return "BSD-3-Clause" // the text there is that of the University of California
	case "artistic", "apache-2.0", "mpl-1.1", "mpl-2.0", "cc0-1.0":
		id, _ := licenceID(name)
		return id
	}
	family, version, _ := strings.Cut(name, "-")
	if gnuVersions[family] == nil {
		return ""
	}
	v, later := grant(family, before, version)
	switch {
	case v != "" && (version == "" || later && v < version):
		version = v // "version 2 or later", with a reference to version 3
	case version == "":
		later = true // any version
	case v != version || !later:
		later = strings.Contains(before, "any later version") || strings.HasPrefix(after, "' or any later version")
	}
	if later {
		version += "+"
	}
	id, _ := gnuID(strings.TrimSuffix(family+"-"+strings.TrimPrefix(version, "+"), "-"))
	return id
}

// numbered is a version in a grant, and whether later ones are granted as well.
var numbered = regexp.MustCompile(`(?:version|v\.?|licen[cs]e) ?(\d(?:\.\d)?)\b(?:[^.]{0,60}?(any later|or later|or newer|or above|or greater|any \(?later))?|\b(gpl|lgpl|agpl|gfdl)[ -]?v?(\d(?:\.\d)?)(\+| or later)?`)

// grant is the version that the words grant of the family: the wanted one where it
// is among several, else the last.
func grant(family, words, want string) (v string, later bool) {
	for _, m := range numbered.FindAllStringSubmatch(words, -1) {
		found, then := m[1], m[2] != ""
		if found == "" {
			found, then = m[4], m[5] != ""
		}
		_, known := gnuID(family + "-" + found)
		switch {
		case !known || m[3] != "" && m[3] != family:
		case found == v:
			later = later || then
		case v == "" || v != want:
			v, later = found, then
		}
	}
	return v, later
}

// gnuNames are the GNU licences as grants call them; the plain name stands in the
// longer ones, so that it comes last.
var gnuNames = []struct{ family, name string }{
	{"lgpl", "gnu lesser general public licen"},
	{"lgpl", "gnu library general public licen"},
	{"agpl", "gnu affero general public licen"},
	{"gfdl", "gnu free documentation licen"},
	{"gpl", "gnu general public licen"},
	{"lgpl", "gnu lgpl"},
	{"gpl", "gnu gpl"},
}

// granted are the GNU licences that are granted without a reference to their text.
func granted(words string) []string {
	var ids []string
	for _, g := range gnuNames {
		for rest := words; ; {
			_, after, ok := strings.Cut(rest, g.name)
			if !ok {
				break
			}
			rest = after
			v, later := grant(g.family, after[:min(len(after), 160)], "")
			if v == "" {
				continue
			}
			if later {
				v += "+"
			}
			if id, ok := gnuID(g.family + "-" + v); ok && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
