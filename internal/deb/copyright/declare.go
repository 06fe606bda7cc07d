package copyright

import (
	"fmt"
	"slices"
	"strings"
)

// declaration collects what a machine-readable file says.
type declaration struct {
	standing map[string]string // texts of the paragraphs that are a License alone, by what they name
	used     map[string]Text
}

// mostLicences bounds how many licences of its own a file may have.
const mostLicences = 5000

// declare reads the License fields of the header and of each Files paragraph. Those
// that stand alone give texts, and say nothing of any file.
func declare(all []paragraph) Licences {
	d := &declaration{standing: map[string]string{}, used: map[string]Text{}}
	for _, p := range all[1:] {
		l, ok := p.field("License")
		if _, files := p.field("Files"); ok && !files && l.rest != "" {
			if key := nameKey(l.first); d.standing[key] == "" {
				d.standing[key] = l.rest
			}
		}
	}
	var found []expression
	files := 0
	for i, p := range all {
		l, ok := p.field("License")
		_, of := p.field("Files")
		if of {
			files++
		}
		if ok && (of || i == 0) {
			found = append(found, d.expression(l))
		}
	}
	if len(d.used) > mostLicences {
		return Licences{}
	}
	l := Licences{Declared: join("AND", found...).String()}
	l.Note = fmt.Sprintf("declared by the machine-readable copyright file: all licences of its %d Files paragraphs", files)
	for _, t := range d.used {
		l.Texts = append(l.Texts, t)
	}
	slices.SortFunc(l.Texts, func(a, b Text) int { return strings.Compare(a.ID, b.ID) })
	return l
}

// expression is what one License field means.
func (d *declaration) expression(l field) expression {
	if l.first == "" && l.rest == "" {
		return expression{}
	}
	e, ok := parse(l.first, func(name string) expression { return d.licence(name, l) })
	if ok && len(strings.Fields(l.first)) <= mostTitle {
		return e
	}
	// A text without a name, or one where a name should stand.
	t := reference(l.first, strings.TrimSpace(l.first+"\n"+l.rest))
	d.used[t.ID] = t
	return expression{id: t.ID}
}

// mostTitle is how many words the first line of a License field may have and still be
// names.
const mostTitle = 60

// licence is one licence of a License field.
func (d *declaration) licence(name string, of field) expression {
	if id, ok := identify(name); ok {
		return expression{id: id}
	}
	text := d.standing[nameKey(name)]
	if text == "" {
		text = of.rest
	}
	if base, _, with := cutWith(strings.ToLower(name)); with && text == "" {
		text = d.standing[nameKey(base)]
	}
	t := reference(name, text)
	d.used[t.ID] = t
	return expression{id: t.ID}
}

func nameKey(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }
