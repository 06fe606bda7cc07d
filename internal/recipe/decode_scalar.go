package recipe

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"kiln"
)

// text takes a scalar as it stands in the file, whatever YAML would make of it:
// version 1.10 is the text "1.10", mode 0644 is "0644", "no" is no boolean.
func (d *decoder) text(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		d.mismatch(n, path, "a text")
		return
	}
	if i := strings.IndexFunc(n.Value, isControl); i >= 0 {
		d.refuse(n, path, "", "control character %U in the text", []rune(n.Value[i:])[0])
		return
	}
	v.SetString(n.Value)
}

// isControl tells of characters that no text needs. A line end and a tab may
// stand in one.
func isControl(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }

// platform takes a text that must be the name of a platform.
func (d *decoder) platform(n *yaml.Node, v *kiln.Platform, path string) {
	text := reflect.New(reflect.TypeFor[string]()).Elem()
	if d.text(n, text, path); d.places[path].bad || v.UnmarshalText([]byte(n.Value)) == nil {
		return
	}
	var known []string
	for _, p := range kiln.Platforms() {
		known = append(known, p.String())
	}
	suggestion := nearest(n.Value, known)
	note := ""
	if suggestion == "" {
		note = "known: " + strings.Join(known, ", ")
	}
	d.refuse(n, path, note, "unknown platform %q", shorten(n.Value))
	d.problems[len(d.problems)-1].Suggestion = suggestion
}

// word takes a text that its type reads.
func (d *decoder) word(n *yaml.Node, v encoding.TextUnmarshaler, path string) {
	text := reflect.New(reflect.TypeFor[string]()).Elem()
	if d.text(n, text, path); d.places[path].bad {
		return
	}
	if err := v.UnmarshalText([]byte(n.Value)); err != nil {
		d.refuse(n, path, "", "%v", err)
	}
}

func (d *decoder) number(n *yaml.Node, v reflect.Value, path string) {
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if n.ShortTag() != "!!int" || err != nil || strconv.FormatInt(i, 10) != n.Value {
		d.mismatch(n, path, "a whole number")
		return
	}
	v.SetInt(i)
}

func (d *decoder) boolean(n *yaml.Node, v reflect.Value, path string) {
	if n.ShortTag() != "!!bool" || n.Value != "true" && n.Value != "false" {
		d.mismatch(n, path, "true or false")
		return
	}
	v.SetBool(n.Value == "true")
}
