package command

import (
	"context"
	"path"

	"kiln/internal/maint/gschema"
	"kiln/internal/tree"
)

// GlibCompileSchemas is glib-compile-schemas(1). A schema that it would drop with a
// message stops the build.
func GlibCompileSchemas(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "targetdir= strict dry-run")
	if err != nil {
		return 1, err
	}
	if len(o.rest) != 1 {
		return complain(c, 1, "You should give exactly one directory name")
	}
	target := path.Join(c.path(o.value("targetdir", o.rest[0])), "gschemas.compiled")
	entries, err := c.FS.ReadDir(c.path(o.rest[0]))
	if err != nil {
		return complain(c, 1, "Error opening directory “%s”: %s", o.rest[0], errorText(err))
	}
	var files []gschema.File
	for _, e := range entries {
		if name := path.Join(c.path(o.rest[0]), e.Name()); e.Kind() == tree.File || isFile(c.FS, name) {
			data, err := c.FS.ReadFile(name)
			if err != nil {
				return 1, err
			}
			files = append(files, gschema.File{Name: e.Name(), Data: data})
		}
	}
	compiled, warnings, err := gschema.Compile(files)
	if err != nil {
		return 1, unhonoured(c, "%v", err)
	}
	for _, w := range warnings {
		_, _ = complain(c, 0, "%s", w)
	}
	if o.has("strict") && len(warnings) > 0 {
		return 1, unhonoured(c, "with --strict: %s", warnings[0])
	}
	return 0, c.writeSchemas(target, compiled, o.has("dry-run"))
}

// writeSchemas writes the compiled file; without a schema, an old one goes.
func (c *Call) writeSchemas(target string, compiled []byte, dry bool) error {
	switch {
	case compiled == nil && present(c.FS, target):
		say(c, "No schema files found: removed existing output file.")
		return c.FS.Remove(target)
	case compiled == nil:
		say(c, "No schema files found: doing nothing.")
		return nil
	case dry:
		return nil
	}
	return rewrite(c.FS, target, compiled, 0o644)
}
