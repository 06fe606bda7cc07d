package gschema

import (
	"fmt"
	"slices"
	"strings"

	"kiln/internal/maint/glib"
)

// schemas is all that was read.
type schemas struct {
	enums, flags map[string]*enumeration
	byID         map[string]*schema
	order        []string // of the schemas, as read
	warnings     []string
}

// schema is one <schema>.
type schema struct {
	path, domain, extends, listOf string
	keys                          map[string]*key
	order                         []string // of the keys, as read
}

// key is one <key>, <override> or <child> of a schema.
type key struct {
	child     string // of <child>: the schema
	kind      string
	byDefault value
	text      string // of the default, as written
	l10n      byte   // 'm' messages, 't' time, 0 none
	context   string
	names     *enumeration // nil where any value will do
	tag       byte         // of names: 'e' enum, 'f' flags, 'c' choices
	low, high *value
	overrides []desktopValue
	override  bool
}

// desktopValue is a default for one desktop.
type desktopValue struct {
	desktop string
	value   value
}

// check refuses a value that is out of the key's range or none of its names.
func (k *key) check(v value) error {
	if k.low != nil && (less(v, *k.low) || less(*k.high, v)) {
		return fmt.Errorf("a value is out of the range")
	}
	if k.names != nil && !k.names.valid(v) {
		return fmt.Errorf("a value is none of the names that are allowed")
	}
	return nil
}

// less compares two numbers of one type.
func less(a, b value) bool {
	switch x := a.data.(type) {
	case int64:
		return x < b.data.(int64)
	case uint64:
		return x < b.data.(uint64)
	}
	return a.data.(float64) < b.data.(float64)
}

// add adds a key or child under a name.
func (s *schema) add(name string, k *key) error {
	if _, ok := s.keys[name]; ok {
		return fmt.Errorf("%q is given twice", name)
	}
	s.keys[name] = k
	s.order = append(s.order, name)
	return nil
}

// inherited finds a key in the schemas that s extends.
func (s *schemas) inherited(in *schema, name string) *key {
	for at := s.byID[in.extends]; at != nil; at = s.byID[at.extends] {
		if k := at.keys[name]; k != nil {
			return k
		}
	}
	return nil
}

// start adds a schema.
func (s *schemas) start(id string, n *schema) error {
	if _, ok := s.byID[id]; ok {
		return fmt.Errorf("the schema %q is given twice", id)
	}
	for _, other := range []string{n.extends, n.listOf} {
		if other != "" && s.byID[other] == nil {
			return fmt.Errorf("the schema %q builds upon %q, which is not there yet", id, other)
		}
	}
	if n.path != "" && (!strings.HasPrefix(n.path, "/") || !strings.HasSuffix(n.path, "/")) {
		return fmt.Errorf("the path %q does not begin and end with a slash", n.path)
	}
	if n.extends != "" && n.listOf == "" {
		n.listOf = s.byID[n.extends].listOf
	}
	for _, old := range []string{"/apps/", "/desktop/", "/system/"} {
		if strings.HasPrefix(n.path, old) {
			s.warn("Warning: Schema “%s” has path “%s”.  Paths starting with “/apps/”, “/desktop/” or “/system/” are deprecated.", id, n.path)
		}
	}
	n.keys = map[string]*key{}
	s.byID[id] = n
	s.order = append(s.order, id)
	return nil
}

func (s *schemas) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// write makes the file. Its order is that of the tool's hash tables.
func (s *schemas) write() []byte {
	root, ids := newTable(), glib.NewTable()
	for _, id := range s.order {
		ids.Insert(id)
	}
	for _, id := range ids.Order() {
		root.insert(&item{key: id, child: true, table: s.table(s.byID[id])})
	}
	return root.encode()
}

func (s *schemas) table(n *schema) *table {
	t, names, translated := newTable(), glib.NewTable(), false
	for _, name := range n.order {
		names.Insert(name)
	}
	for _, name := range names.Order() {
		k := n.keys[name]
		v := k.value()
		t.insert(&item{key: name, child: true, value: &v})
		translated = translated || k.l10n != 0
		if k.child != "" && s.byID[k.child] == nil {
			s.warn("Warning: undefined reference to <schema id='%s'/>", k.child)
		}
	}
	domain := ""
	if translated {
		domain = n.domain
	}
	for _, extra := range [][2]string{{".path", n.path}, {".extends", n.extends}, {".list-of", n.listOf}, {".gettext-domain", domain}} {
		if extra[1] != "" {
			t.insert(&item{key: extra[0], value: &value{"s", extra[1]}})
		}
	}
	return t
}

// value is what the file says of a key: its default, then one pair for each of
// translation, names, range and defaults of desktops that it has.
func (k *key) value() value {
	if k.child != "" {
		return value{"s", k.child}
	}
	parts := []value{k.byDefault}
	add := func(tag byte, v value) {
		parts = append(parts, tuple(value{"y", int64(tag)}, v))
	}
	if k.l10n != 0 {
		text := strings.Trim(k.text, " \t\n\v\f\r")
		if k.context != "" {
			text = k.context + "\x04" + text
		}
		add('l', tuple(value{"y", int64(k.l10n)}, value{"s", text}))
	}
	if k.names != nil {
		add(k.tag, k.names.words())
	}
	if k.low != nil {
		add('r', tuple(*k.low, *k.high))
	}
	if len(k.overrides) > 0 {
		add('d', k.desktops())
	}
	return tuple(parts...)
}

func tuple(parts ...value) value {
	kind := ""
	for _, p := range parts {
		kind += p.kind
	}
	return value{"(" + kind + ")", parts}
}

// desktops are the defaults of desktops, in the order of the hash table that a
// GVariantDict is.
func (k *key) desktops() value {
	order, list := glib.NewTable(), []value{}
	for _, d := range k.overrides {
		order.Insert(d.desktop)
	}
	for _, name := range order.Order() {
		i := slices.IndexFunc(k.overrides, func(d desktopValue) bool { return d.desktop == name })
		list = append(list, value{"{sv}", []value{{"s", name}, {"v", k.overrides[i].value}}})
	}
	return value{"a{sv}", list}
}
