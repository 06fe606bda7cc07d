package recipe

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"kiln"
)

// decoder fills a Recipe from a YAML node tree by the yaml tags of its types. It
// never stops at a problem, and remembers where each value stands for the checks
// that follow.
//
// A struct whose first field has no yaml tag is an item that is written with its
// name as the key: "- NAME: why" or, if it has tagged fields, "- NAME: {why: ...}".
type decoder struct {
	*source
	problems Problems
	places   map[string]place // by path: "layers[0].packages[1].why"
}

// place is where one value stands. A bad one has been complained about.
type place struct {
	node *yaml.Node // of an item: its name
	bad  bool
}

func (d *decoder) report(p Problem) { d.problems = append(d.problems, p) }

// refuse reports a problem of the value at path, once.
func (d *decoder) refuse(n *yaml.Node, path, note, format string, args ...any) {
	if !d.places[path].bad {
		p := d.node(n, fmt.Sprintf(format, args...))
		p.Note = note
		d.report(p)
	}
	d.places[path] = place{n, true}
}

func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	d.places[path] = place{node: n}
	if n.Kind == yaml.AliasNode { // reported by the scan of the form
		d.places[path] = place{n, true}
		return
	}
	if p, ok := v.Addr().Interface().(*kiln.Platform); ok {
		d.platform(n, p, path)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.word(n, u, path)
		return
	}
	if v.Type() == reflect.TypeFor[Values]() && n.Kind == yaml.ScalarNode {
		v.Set(reflect.ValueOf(make(Values, 1)))
		d.value(n, v.Index(0), path)
		return
	}
	if v.Type() == reflect.TypeFor[Command]() {
		field := v.FieldByName("Script")
		if n.Kind == yaml.SequenceNode {
			field = v.FieldByName("Words")
		}
		d.value(n, field, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	case reflect.Map:
		d.entries(n, v, path)
	case reflect.String:
		d.text(n, v, path)
	case reflect.Int, reflect.Int64:
		d.number(n, v, path)
	case reflect.Bool:
		d.boolean(n, v, path)
	default:
		panic("bug: no decoder for " + v.Type().String())
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	fields := keysOf(v.Type())
	if fields.named {
		d.item(n, v, path)
		return
	}
	if fields.short >= 0 && n.Kind != yaml.MappingNode {
		d.value(n, v.Field(fields.short), join(path, v.Type().Field(fields.short).Tag.Get("yaml")))
		return
	}
	if d.want(n, yaml.MappingNode, path, "a mapping") {
		d.fields(n, v, fields, path)
	}
}

// fields fills the tagged fields of v from a mapping.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, fields keys, path string) {
	seen := d.pairs(n, func(key, val *yaml.Node) {
		i, known := fields.index[key.Value]
		if !known {
			d.unknown(key, fields)
			return
		}
		d.value(val, v.Field(i), join(path, key.Value))
	})
	for _, name := range fields.required {
		if !seen[name] {
			at := d.places[path].node
			d.refuse(at, join(path, name), cmp.Or(fields.needs[name], needs[name]), "missing key %q", name)
		}
	}
}

// pairs calls each for the pairs of a mapping that have a usable key, and returns
// the keys that were seen.
func (d *decoder) pairs(n *yaml.Node, each func(key, val *yaml.Node)) map[string]bool {
	seen, lines := map[string]bool{}, map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind == yaml.AliasNode, isMerge(key): // reported by the scan of the form
		case key.Kind != yaml.ScalarNode:
			d.report(d.node(key, fmt.Sprintf("want a text as the key, got %s", describe(key))))
		case seen[key.Value]:
			p := d.node(key, fmt.Sprintf("duplicate key %q", key.Value))
			p.Note = fmt.Sprintf("it is already in line %d", lines[key.Value])
			d.report(p)
		default:
			seen[key.Value], lines[key.Value] = true, key.Line
			each(key, n.Content[i+1])
		}
	}
	return seen
}

func (d *decoder) unknown(key *yaml.Node, fields keys) {
	p := d.node(key, fmt.Sprintf("unknown key %q", key.Value))
	if slices.Contains(fields.later, key.Value) {
		p.Text = fmt.Sprintf("this version of kiln does not support the key %q yet", key.Value)
		d.report(p)
		return
	}
	if p.Suggestion = nearest(key.Value, fields.names); p.Suggestion == "" {
		p.Note = "known here: " + strings.Join(fields.names, ", ")
	}
	d.report(p)
}

// item reads "NAME: why" or "NAME: {why: ..., ...}".
func (d *decoder) item(n *yaml.Node, v reflect.Value, path string) {
	fields := keysOf(v.Type())
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		if fields.bare {
			v.Field(0).SetString(n.Value)
			return
		}
		d.refuse(n, path, fmt.Sprintf("write %q", "- "+n.Value+": why it is so"), "missing reason for %q", n.Value)
		return
	}
	if !d.want(n, yaml.MappingNode, path, "NAME: why") {
		return
	}
	if len(n.Content) != 2 {
		d.refuse(n, path, manyNames(n, fields), "want one name in each item of the list, got %d", len(n.Content)/2)
		return
	}
	d.pairs(n, func(key, val *yaml.Node) {
		d.places[path] = place{node: key}
		v.Field(0).SetString(key.Value)
		if val.Kind == yaml.MappingNode && len(fields.names) > 0 {
			d.fields(val, v, fields, path)
			return
		}
		why := v.FieldByName("Why")
		d.value(val, why, join(path, "why"))
	})
}

// manyNames explains an item with several keys by its likeliest cause.
func manyNames(n *yaml.Node, fields keys) string {
	for i := 2; i < len(n.Content); i += 2 {
		if key := n.Content[i].Value; fields.index[key] > 0 {
			return fmt.Sprintf("indent %q below %q if it belongs to it", key, n.Content[0].Value)
		}
	}
	return "begin a line with \"- \" for each"
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if !d.want(n, yaml.SequenceNode, path, "a list") {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// entries fills a map whose keys are texts.
func (d *decoder) entries(n *yaml.Node, v reflect.Value, path string) {
	if !d.want(n, yaml.MappingNode, path, "a mapping") {
		return
	}
	m := reflect.MakeMap(v.Type())
	d.pairs(n, func(key, val *yaml.Node) {
		at := fmt.Sprintf("%s[%s]", path, key.Value)
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(val, item, at)
		d.places[at] = place{key, d.places[at].bad}
		m.SetMapIndex(reflect.ValueOf(key.Value), item)
	})
	v.Set(m)
}

// want checks the kind of a collection.
func (d *decoder) want(n *yaml.Node, kind yaml.Kind, path, name string) bool {
	if n.Kind == kind {
		return true
	}
	d.mismatch(n, path, name)
	return false
}

func (d *decoder) mismatch(n *yaml.Node, path, want string) {
	note := ""
	switch {
	case strings.HasSuffix(path, ".why"):
		note = needs["why"]
	case strings.HasSuffix(path, ".value"):
		note = needs["value"]
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		note = "leave the key out if there is nothing to say"
	case want == "a list" && n.Kind == yaml.MappingNode:
		note = "begin each item with \"- \""
	case want == "a list" && n.Kind == yaml.ScalarNode:
		note = fmt.Sprintf("write [%s]", n.Value)
	}
	d.refuse(n, path, note, "want %s, got %s", want, describe(n))
}

// describe says what a node is, for "want X, got Y".
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	return strconv.Quote(shorten(n.Value))
}

// shorten keeps a quoted value from filling the screen.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
