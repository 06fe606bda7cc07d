// Package gschema compiles GSettings schemas into gschemas.compiled, byte for byte
// as glib-compile-schemas(1) of GLib 2.84 does: schema files in XML and override
// files in, a GVDB file of serialised GVariants out. It does no I/O, and refuses
// what would make that tool drop a file with a message: an image is not the place
// to lose settings.
//
// Followed: the schema files' DTD (gio/gschema.dtd), the GVariant text and
// serialisation formats as GLib documents them, and the layout of GVDB.
package gschema

import (
	"fmt"
	"slices"
	"strings"
)

// File is a schema file or an override file.
type File struct {
	Name string // without its folder
	Data []byte
}

// Compile makes gschemas.compiled of the files of a folder whose names end as
// those of schemas or overrides do; others are passed over. warnings are what the
// real tool would print. compiled is nil where there is no schema.
func Compile(files []File) (compiled []byte, warnings []string, err error) {
	s := &schemas{enums: map[string]*enumeration{}, flags: map[string]*enumeration{}, byID: map[string]*schema{}}
	schemaFiles, overrides := sorted(files)
	if len(schemaFiles) == 0 {
		return nil, nil, nil
	}
	for _, f := range schemaFiles {
		if err := s.read(f.Data); err != nil {
			return nil, nil, fmt.Errorf("%s: %v", f.Name, err)
		}
	}
	for _, f := range overrides {
		if err := s.override(f); err != nil {
			return nil, nil, fmt.Errorf("%s: %v", f.Name, err)
		}
	}
	return s.write(), s.warnings, nil
}

// sorted returns the schema files, those of enumerations first, and the overrides,
// each by name.
func sorted(files []File) (schemas, overrides []File) {
	for _, f := range files {
		switch {
		case strings.HasSuffix(f.Name, ".gschema.xml"), strings.HasSuffix(f.Name, ".enums.xml"):
			schemas = append(schemas, f)
		case strings.HasSuffix(f.Name, ".gschema.override"):
			overrides = append(overrides, f)
		}
	}
	slices.SortFunc(schemas, func(a, b File) int {
		if x, y := strings.HasSuffix(a.Name, ".enums.xml"), strings.HasSuffix(b.Name, ".enums.xml"); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	slices.SortFunc(overrides, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return schemas, overrides
}
