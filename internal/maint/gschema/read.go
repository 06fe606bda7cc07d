package gschema

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// reader reads one schema file.
type reader struct {
	*schemas
	domain string // of the file
	stack  []string
	schema *schema
	enum   *enumeration
	name   string // of the key
	key    *key
	text   *strings.Builder // where character data is wanted
}

func (s *schemas) read(data []byte) error {
	r := &reader{schemas: s}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = r.token(token)
		}
		if err != nil {
			line, _ := d.InputPos()
			return fmt.Errorf("line %d: %v", line, err)
		}
	}
}

func (r *reader) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if t.Name.Space != "" { // GLib is told to pass over qualified names
			r.stack = append(r.stack, ":")
			return nil
		}
		parent := ""
		if len(r.stack) > 0 {
			parent = r.stack[len(r.stack)-1]
		}
		r.stack = append(r.stack, t.Name.Local)
		return r.element(parent, t)
	case xml.EndElement:
		if len(r.stack) == 0 {
			return fmt.Errorf("</%s> ends nothing", t.Name.Local)
		}
		name := r.stack[len(r.stack)-1]
		r.stack = r.stack[:len(r.stack)-1]
		return r.end(name)
	case xml.CharData:
		if r.text != nil {
			r.text.Write(t)
		}
	}
	return nil
}

// attributes are those of one element.
type attributes map[string]string

// allowed says where an element may stand, and which attributes it may have.
var allowed = map[string][2]string{
	"schemalist": {"", "gettext-domain"}, "schema": {"schemalist", "id path gettext-domain extends list-of"},
	"enum": {"schemalist", "id"}, "flags": {"schemalist", "id"},
	"key": {"schema", "name type enum flags"}, "child": {"schema", "name schema"}, "override": {"schema", "name l10n context"},
	"default": {"key", "l10n context"}, "summary": {"key", ""}, "description": {"key", ""}, "range": {"key", "min max"},
	"choices": {"key", ""}, "aliases": {"key", ""}, "choice": {"choices", "value"}, "alias": {"aliases", "value target"},
	"value": {"enum", "nick value"},
}

// attributesOf checks an element's place and returns its attributes.
func attributesOf(parent string, t xml.StartElement) (attributes, error) {
	name, a := t.Name.Local, attributes{}
	rule, ok := allowed[name]
	if !ok || rule[0] != parent && !(name == "value" && parent == "flags") {
		return nil, fmt.Errorf("<%s> is not known inside <%s>", name, parent)
	}
	for _, x := range t.Attr {
		if x.Name.Space != "" || x.Name.Local == "xmlns" {
			continue
		}
		if !slices.Contains(strings.Fields(rule[1]), x.Name.Local) {
			return nil, fmt.Errorf("the attribute %q of <%s> is not known", x.Name.Local, name)
		}
		a[x.Name.Local] = x.Value
	}
	return a, nil
}

func (r *reader) element(parent string, t xml.StartElement) error {
	a, err := attributesOf(parent, t)
	if err != nil {
		return err
	}
	switch t.Name.Local {
	case "schemalist":
		r.domain = a["gettext-domain"]
	case "schema":
		r.schema = &schema{path: a["path"], domain: r.domain, extends: a["extends"], listOf: a["list-of"]}
		if d, ok := a["gettext-domain"]; ok {
			r.schema.domain = d
		}
		return r.start(a["id"], r.schema)
	case "enum", "flags":
		r.enum = &enumeration{flags: t.Name.Local == "flags"}
		return r.startEnum(a["id"])
	case "key":
		return r.startKey(a)
	case "child":
		return r.schema.add(a["name"]+"/", &key{child: a["schema"]})
	case "override":
		return r.startOverride(a)
	}
	return r.inner(t.Name.Local, a)
}

// inner are the elements of a key, an enumerated type, choices and aliases.
func (r *reader) inner(name string, a attributes) error {
	switch name {
	case "default":
		return r.startDefault(a)
	case "summary", "description":
		r.text = &strings.Builder{}
	case "range":
		return r.setRange(a)
	case "choices":
		r.key.names, r.key.tag = &enumeration{}, 'c'
	case "choice":
		return r.key.names.add(enumName{name: a["value"]})
	case "alias":
		if r.key.names == nil {
			return errors.New("there are aliases of no names")
		}
		return r.key.names.add(enumName{name: a["value"], target: a["target"]})
	case "value":
		return r.addValue(a)
	}
	return nil
}

func (r *reader) startEnum(id string) error {
	all := r.enums
	if r.enum.flags {
		all = r.flags
	}
	if all[id] != nil {
		return fmt.Errorf("the enumerated type %q is given twice", id)
	}
	all[id] = r.enum
	return nil
}

func (r *reader) addValue(a attributes) error {
	n, err := strconv.ParseInt(a["value"], 0, 64)
	if err != nil {
		return fmt.Errorf("%q is not a number", a["value"])
	}
	if r.enum.flags && n == 0 { // no flag is an empty list
		return nil
	}
	return r.enum.add(enumName{name: a["nick"], number: uint32(n)})
}

func (r *reader) startKey(a attributes) error {
	r.name, r.key = a["name"], &key{kind: a["type"]}
	for _, t := range []struct {
		of   map[string]*enumeration
		id   string
		kind string
		tag  byte
	}{{r.enums, a["enum"], "s", 'e'}, {r.flags, a["flags"], "as", 'f'}} {
		if t.id == "" {
			continue
		}
		e := t.of[t.id]
		if e == nil || r.key.kind != "" {
			return fmt.Errorf("the type of %q is given twice, or %q is not there", r.name, t.id)
		}
		r.key.kind, r.key.tag, r.key.names = t.kind, t.tag, &enumeration{names: slices.Clone(e.names), flags: e.flags}
	}
	if _, rest, ok := nextType(r.key.kind); !ok || rest != "" {
		return fmt.Errorf("%q has the type %q, which is none", r.name, r.key.kind)
	}
	if old := r.inherited(r.schema, r.name); old != nil && !old.override {
		return fmt.Errorf("%q hides a key of that name", r.name)
	}
	return r.schema.add(r.name, r.key)
}

func (r *reader) startOverride(a attributes) error {
	old := r.inherited(r.schema, a["name"])
	if old == nil {
		return fmt.Errorf("there is no key %q to override", a["name"])
	}
	r.name = a["name"]
	r.key = &key{kind: old.kind, names: old.names, tag: old.tag, low: old.low, high: old.high, override: true}
	if old.names != nil && old.tag != 'e' && old.tag != 'f' {
		r.key.tag = 'c'
	}
	return errors.Join(r.startDefault(a), r.schema.add(r.name, r.key))
}

func (r *reader) startDefault(a attributes) error {
	r.text = &strings.Builder{}
	switch a["l10n"] {
	case "":
		return nil
	case "messages", "time":
		r.key.l10n, r.key.context = a["l10n"][0], a["context"]
		return nil
	}
	return fmt.Errorf("the l10n category %q is not known", a["l10n"])
}

// setRange sets the bounds, either of which may be left to the type.
func (r *reader) setRange(a attributes) error {
	bounds, ok := map[string][2]string{
		"y": {"0", "255"}, "n": {"-32768", "32767"}, "q": {"0", "65535"}, "i": {"-2147483648", "2147483647"}, "u": {"0", "4294967295"},
		"x": {"-9223372036854775808", "9223372036854775807"}, "t": {"0", "18446744073709551615"}, "d": {"-inf", "inf"},
	}[r.key.kind]
	if !ok {
		return fmt.Errorf("a range is not for the type %q", r.key.kind)
	}
	for i, name := range []string{"min", "max"} {
		if given, ok := a[name]; ok {
			bounds[i] = given
		}
	}
	low, err := parse(r.key.kind, bounds[0])
	if err != nil {
		return err
	}
	high, err := parse(r.key.kind, bounds[1])
	r.key.low, r.key.high = &low, &high
	return err
}

// end ends an element.
func (r *reader) end(name string) error {
	switch name {
	case "default", "override":
		r.key.text = r.text.String()
		v, err := parse(r.key.kind, r.key.text)
		if err != nil {
			return fmt.Errorf("the default of %q: %v", r.name, err)
		}
		r.key.byDefault = v
		if name == "override" {
			return r.key.check(v)
		}
	case "key":
		if r.key.byDefault.kind == "" {
			return fmt.Errorf("%q has no default", r.name)
		}
		return r.key.check(r.key.byDefault)
	case "summary", "description":
	default:
		return nil
	}
	r.text = nil
	return nil
}
