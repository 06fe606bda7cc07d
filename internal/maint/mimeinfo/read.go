package mimeinfo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (db *Database) readFile(data []byte) error {
	root, err := parse(data)
	if err != nil {
		return err
	}
	if root.name != "mime-info" {
		return fmt.Errorf("its element is <%s>, not <mime-info>", root.name)
	}
	for _, n := range root.children {
		if !n.isElement() {
			continue
		}
		name, _ := n.attribute("type")
		if n.name != "mime-type" || strings.Count(name, "/") != 1 {
			return fmt.Errorf("<%s type=%q> is no type", n.name, name)
		}
		t := db.types.values[name]
		if t == nil {
			t = &Type{name: name}
			db.types.set(name, t)
		}
		if err := db.readType(t, n); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// readType takes in what an element says of a type. What is not in a list of its
// own stands in the type's file.
func (db *Database) readType(t *Type, n *node) error {
	for _, field := range n.children {
		if !field.isElement() {
			continue
		}
		kept, err := db.readField(t, field)
		if err != nil {
			return fmt.Errorf("<%s>: %w", field.name, err)
		}
		if !kept {
			continue
		}
		if field.name == "comment" { // a later one replaces that of its language
			lang := field.lang()
			if i := slices.IndexFunc(t.nodes, func(o *node) bool { return o.name == "comment" && o.lang() == lang }); i >= 0 {
				t.nodes = slices.Delete(t.nodes, i, i+1)
			}
		}
		t.nodes = append(t.nodes, field)
	}
	return nil
}

// readField reports whether the field is kept in the type's file.
func (db *Database) readField(t *Type, f *node) (kept bool, err error) {
	switch f.name {
	case "glob":
		return true, db.readGlob(t, f)
	case "glob-deleteall":
		db.addGlob(glob{pattern: noGlobs, of: t, none: true})
		return true, nil
	case "magic":
		return false, db.readMagic(t, f)
	case "magic-deleteall":
		m := &match{length: 1, word: 1, data: []byte("__NOMAGIC__")}
		db.magics = append(db.magics, &magic{of: t, none: true, matches: []*match{m}})
		return false, nil
	case "treemagic":
		return false, db.readTreeMagic(t, f)
	case "comment", "acronym", "expanded-acronym":
		return true, nil
	case "alias", "sub-class-of":
		return true, db.readRelation(t, f)
	case "root-XML":
		return false, db.readNamespace(t, f)
	case "icon", "generic-icon":
		name, ok := f.attribute("name")
		if !ok {
			return false, nil
		}
		if f.name == "icon" {
			db.icons.set(t.name, name)
		} else {
			db.genericIcons.set(t.name, name)
		}
		return true, nil
	}
	return false, nil
}

func (db *Database) readRelation(t *Type, f *node) error {
	other, _ := f.attribute("type")
	if !strings.Contains(other, "/") {
		return fmt.Errorf("%q is no type", other)
	}
	if f.name == "alias" {
		db.aliases.set(other, t)
	} else {
		db.subclasses.set(t.name, append(db.subclasses.values[t.name], other))
	}
	return nil
}

func (db *Database) readNamespace(t *Type, f *node) error {
	uri, ok := f.attribute("namespaceURI")
	name, again := f.attribute("localName")
	if !ok || !again || uri+name == "" || strings.ContainsAny(uri+name, " \n") {
		return fmt.Errorf("%q and %q name no element", uri, name)
	}
	db.namespaces.set(uri+" "+name, t)
	return nil
}

// percentage reads an attribute from 0 to 100, which is 50 where it is not there.
func percentage(f *node, name string) (int, error) {
	text, ok := f.attribute(name)
	if !ok {
		return 50, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 100 {
		return 0, fmt.Errorf("the %s %q is not one from 0 to 100", name, text)
	}
	return n, nil
}
