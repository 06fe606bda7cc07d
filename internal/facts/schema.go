package facts

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// settings are the pairs of a map, sorted.
func settings(m map[string]string) []Setting {
	all := []Setting{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, Setting{k, m[k]})
	}
	return all
}

// Struct is one type of facts, as policies know it.
type Struct struct {
	Name   string // "file", "pkg", "image"
	Type   reflect.Type
	Fields []Field
}

// Field is one fact.
type Field struct {
	Name     string
	Index    int // of the Go field
	Type     reflect.Type
	Optional bool   // it may be unknown
	Each     string // of a list at the top: what one of it is called
}

// Field returns the field of a name.
func (s *Struct) Field(name string) (Field, bool) {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return s.Fields[i], true
}

// Names lists the names of the fields.
func (s *Struct) Names() []string {
	var names []string
	for _, f := range s.Fields {
		names = append(names, f.Name)
	}
	return names
}

// Top is Facts itself: its fields are the variables that policies see.
func Top() *Struct { return structOf("", reflect.TypeFor[Facts]()) }

// Structs are the types of facts, in the order of Top's fields. Env and labels share
// one.
func Structs() []*Struct {
	var all []*Struct
	for _, f := range Top().Fields {
		t, name := f.Type, f.Name
		if t.Kind() == reflect.Slice {
			t, name = t.Elem(), f.Each
		}
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if !slices.ContainsFunc(all, func(s *Struct) bool { return s.Type == t }) {
			all = append(all, structOf(name, t))
		}
	}
	return all
}

// structOf reads a type by its tags: a pointer may be nil where a fact is not known,
// and a list where its tag says omitzero.
func structOf(name string, t reflect.Type) *Struct {
	s := &Struct{Name: name, Type: t}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Tag.Get("fact") == "-" {
			continue
		}
		s.Fields = append(s.Fields, Field{
			Name: tag, Index: i, Type: f.Type, Each: f.Tag.Get("each"),
			Optional: f.Type.Kind() == reflect.Pointer || options == "omitzero",
		})
	}
	return s
}
