package desktoptool

import (
	"context"
	"path"

	"kiln/internal/maint/command"
	"kiln/internal/maint/gschema"
	"kiln/internal/tree"
)

// GlibCompileSchemas is glib-compile-schemas(1). A schema that it would drop with a
// message stops the build.
func GlibCompileSchemas(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("targetdir= strict dry-run")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(1, "You should give exactly one directory name")
	}
	target := path.Join(c.Path(o.Value("targetdir", o.Rest[0])), "gschemas.compiled")
	entries, err := c.FS.ReadDir(c.Path(o.Rest[0]))
	if err != nil {
		return c.Complain(1, "Error opening directory “%s”: %s", o.Rest[0], command.ErrorText(err))
	}
	var files []gschema.File
	for _, e := range entries {
		if name := path.Join(c.Path(o.Rest[0]), e.Name()); e.Kind() == tree.File || c.FS.IsFile(name) {
			data, err := c.FS.ReadFile(name)
			if err != nil {
				return 1, err
			}
			files = append(files, gschema.File{Name: e.Name(), Data: data})
		}
	}
	compiled, warnings, err := gschema.Compile(files)
	if err != nil {
		return 1, c.Unhonoured("%v", err)
	}
	for _, w := range warnings {
		_, _ = c.Complain(0, "%s", w)
	}
	if o.Has("strict") && len(warnings) > 0 {
		return 1, c.Unhonoured("with --strict: %s", warnings[0])
	}
	return 0, writeSchemas(c, target, compiled, o.Has("dry-run"))
}

// writeSchemas writes the compiled file; without a schema, an old one goes.
func writeSchemas(c *command.Call, target string, compiled []byte, dry bool) error {
	switch {
	case compiled == nil && c.FS.Present(target):
		c.Say("No schema files found: removed existing output file.")
		return c.FS.Remove(target)
	case compiled == nil:
		c.Say("No schema files found: doing nothing.")
		return nil
	case dry:
		return nil
	}
	return c.FS.Rewrite(target, compiled, 0o644)
}
