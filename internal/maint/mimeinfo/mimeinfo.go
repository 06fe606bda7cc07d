// Package mimeinfo compiles the database of file types as update-mime-database does
// (shared-mime-info specification 0.21): from the descriptions of packages to the
// lists, the file of magic, one file for each type, and the binary mime.cache 1.2,
// byte for byte as GLib's hash tables order them. What the tool would skip with a
// warning is an error.
package mimeinfo

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// File is one file of the database: a description that is read, or what is written,
// named from the database's folder.
type File struct {
	Name string
	Data []byte
}

// Database is what the descriptions say of all types.
type Database struct {
	types        *table[*Type]
	namespaces   *table[*Type] // by "URI name"
	globs        *table[[]glob]
	aliases      *table[*Type]
	subclasses   *table[[]string]
	icons        *table[string]
	genericIcons *table[string]
	magics       []*magic
	treeMagics   []*treeMagic
}

// Type is one file type.
type Type struct {
	name  string
	nodes []*node // of its own file
}

// Read reads descriptions in the tool's order: by name, Override.xml last.
func Read(files []File) (*Database, error) {
	db := &Database{
		types: newTable[*Type](), namespaces: newTable[*Type](), globs: newTable[[]glob](), aliases: newTable[*Type](),
		subclasses: newTable[[]string](), icons: newTable[string](), genericIcons: newTable[string](),
	}
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int {
		if last := a.Name == "Override.xml"; last != (b.Name == "Override.xml") {
			return map[bool]int{true: 1, false: -1}[last]
		}
		return strings.Compare(a.Name, b.Name)
	})
	for _, f := range files {
		if path.Ext(f.Name) != ".xml" {
			continue
		}
		if err := db.readFile(f.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	db.sortMagic()
	return db, nil
}

// Has reports whether a type is described.
func (db *Database) Has(name string) bool {
	_, ok := db.types.values[name]
	return ok
}

// Files returns all that the tool writes; version is its own.
func (db *Database) Files(version string) ([]File, error) {
	var all []File
	for _, name := range db.types.order() {
		t := db.types.values[name]
		all = append(all, File{lower(name) + ".xml", t.xml()})
	}
	cache, err := db.cache()
	if err != nil {
		return nil, err
	}
	globs, globs2 := db.globLists()
	return append(all,
		File{"globs", globs}, File{"globs2", globs2}, File{"magic", db.magicFile()}, File{"XMLnamespaces", typeLines(db.namespaces)},
		File{"subclasses", db.subclassLines()}, File{"aliases", typeLines(db.aliases)}, File{"types", db.typeList()},
		File{"generic-icons", iconLines(db.genericIcons)}, File{"icons", iconLines(db.icons)}, File{"treemagic", db.treeMagicFile()},
		File{"mime.cache", cache}, File{"version", []byte(version + "\n")},
	), nil
}

// lower is g_ascii_strdown.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
