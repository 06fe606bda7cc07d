// Package debconf answers the questions that Debian's packages ask while they
// are configured, as debconf(7) does with its noninteractive front end in the C
// locale: from the defaults of the templates, unless the recipe has an answer.
// It reads template files, speaks the protocol of debconf-devel(7), and reads
// and writes debconf's own database files. It shows nothing to anybody, and
// refuses commands that the specification does not have.
package debconf

import (
	"maps"
	"slices"
	"strings"
)

// DB holds templates and questions. The zero value is not usable: New.
type DB struct {
	config    map[string]*item
	templates map[string]*item
	answers   map[string]string
	changed   bool
}

// item is one paragraph of a database file.
type item struct {
	password  bool // of a question: it belongs to passwords.dat
	fields    map[string]string
	owners    map[string]bool
	flags     map[string]string
	variables map[string]string
}

func newItem() *item {
	return &item{
		fields: map[string]string{}, owners: map[string]bool{},
		flags: map[string]string{}, variables: map[string]string{},
	}
}

// New returns a DB with nothing in it. Questions named in answers get that value
// when they come to be, and count as seen, as with debconf-set-selections(1).
func New(answers map[string]string) *DB {
	return &DB{config: map[string]*item{}, templates: map[string]*item{}, answers: maps.Clone(answers)}
}

// Changed reports whether something is to be written.
func (db *DB) Changed() bool { return db.changed }

// Questions lists the names of all questions, sorted.
func (db *DB) Questions() []string { return slices.Sorted(maps.Keys(db.config)) }

// Owners lists who owns a question, sorted.
func (db *DB) Owners(question string) []string {
	q, ok := db.config[question]
	if !ok {
		return nil
	}
	return slices.Sorted(maps.Keys(q.owners))
}

// Seen reports whether the question counts as asked.
func (db *DB) Seen(question string) bool {
	q, ok := db.config[question]
	return ok && q.flags["seen"] == "true"
}

// Type returns the type of a question: "boolean", "select"...
func (db *DB) Type(question string) string {
	t := db.templateOf(question)
	if t == nil {
		return ""
	}
	return t.fields["type"]
}

// Value returns the value of a question: what it was set to, else its default.
func (db *DB) Value(question string) (string, bool) {
	q, ok := db.config[question]
	if !ok {
		return "", false
	}
	if v, ok := q.fields["value"]; ok {
		return v, true
	}
	if t := db.templateOf(question); t != nil {
		return localized(t, "default"), true
	}
	return "", true
}

// Set gives a question a value and marks it as seen, as debconf-set-selections
// does. A question that no package has brought yet is made, with the given type.
func (db *DB) Set(owner, question, kind, value string) {
	if _, ok := db.config[question]; !ok {
		db.newTemplate(question, owner, kind)
	}
	q := db.config[question]
	q.owners[owner] = true
	q.fields["value"] = value
	q.flags["seen"] = "true"
	db.changed = true
}

func (db *DB) templateOf(question string) *item {
	q, ok := db.config[question]
	if !ok {
		return nil
	}
	return db.templates[q.fields["template"]]
}

// newTemplate makes a template and the question of the same name, or another
// owner of them.
func (db *DB) newTemplate(name, owner, kind string) *item {
	db.newQuestion(name, owner, kind)
	db.setTemplate(name, name)
	t := db.template(name)
	t.owners[name] = true
	if _, ok := t.fields["type"]; !ok {
		t.fields["type"] = kind
	}
	db.changed = true
	return t
}

func (db *DB) template(name string) *item {
	t, ok := db.templates[name]
	if !ok {
		t = newItem()
		db.templates[name] = t
	}
	return t
}

func (db *DB) newQuestion(name, owner, kind string) {
	q, ok := db.config[name]
	if !ok {
		q = newItem()
		q.password = kind == "password"
		q.flags["seen"] = "false"
		db.config[name] = q
		if v, ok := db.answers[name]; ok {
			q.fields["value"], q.flags["seen"] = v, "true"
		}
	}
	q.owners[owner] = true
	db.changed = true
}

// setTemplate ties a question to a template, and unties it from the one before.
func (db *DB) setTemplate(question, template string) {
	q := db.config[question]
	old, had := q.fields["template"]
	if had && old == template {
		return
	}
	if had {
		db.disownTemplate(old, question)
	}
	q.fields["template"] = template
	db.template(template).owners[question] = true
	db.changed = true
}

func (db *DB) disownTemplate(template, question string) {
	if t, ok := db.templates[template]; ok {
		delete(t.owners, question)
		if len(t.owners) == 0 {
			delete(db.templates, template)
		}
	}
}

func (db *DB) removeOwner(question, owner string) {
	q, ok := db.config[question]
	if !ok {
		return
	}
	delete(q.owners, owner)
	db.changed = true
	if len(q.owners) == 0 {
		delete(db.config, question)
		db.disownTemplate(q.fields["template"], question)
	}
}

// localized returns a template's field as the C locale sees it: what is marked
// as English first, then the plain one. "choices-c" falls back to "choices".
func localized(t *item, field string) string {
	if v, ok := t.fields[field+"-en"]; ok {
		return v
	}
	for _, f := range slices.Sorted(maps.Keys(t.fields)) {
		if strings.HasPrefix(f, field+"-en.") {
			return t.fields[f]
		}
	}
	if v, ok := t.fields[field]; ok {
		return v
	}
	plain, _, _ := strings.Cut(field, "-")
	return t.fields[plain]
}

// expand replaces ${name} by the question's variable; "\${name}" loses its
// backslash and stays.
func (q *item) expand(text string) string {
	var b strings.Builder
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			break
		}
		end := strings.IndexAny(text[at+2:], "{}")
		if end <= 0 || text[at+2+end] != '}' {
			b.WriteString(text[:at+2])
			text = text[at+2:]
			continue
		}
		name := text[at+2 : at+2+end]
		if before, escaped := strings.CutSuffix(text[:at], `\`); escaped {
			b.WriteString(before + "${" + name + "}")
		} else {
			b.WriteString(before + q.variables[name])
		}
		text = text[at+3+end:]
	}
	return b.String() + text
}
