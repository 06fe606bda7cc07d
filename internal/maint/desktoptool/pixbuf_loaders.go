package desktoptool

import (
	"context"
	_ "embed"
	"path"
	"strings"

	"kiln/internal/maint/command"
)

// pixbufLoaders is what the image loaders of Debian 13 say of themselves when they
// are asked, which takes running their code: a block for each, begun with the
// loader's file name in quotes, as gdk-pixbuf-query-loaders prints it.
//
//go:embed pixbuf_loaders.txt
var pixbufLoaders string

// GdkPixbufQueryLoaders is gdk-pixbuf-query-loaders(1): it prints what the named
// loaders can read.
func GdkPixbufQueryLoaders(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) == 0 {
		return 1, c.Unhonoured("without loaders it looks where it was built to look")
	}
	library, ok := c.Machine.Packages.Lookup("libgdk-pixbuf-2.0-0")
	if !ok {
		return 1, c.Unhonoured("the package libgdk-pixbuf-2.0-0, whose version it prints, is not there")
	}
	known := map[string]string{}
	for block := range strings.SplitSeq(strings.TrimSpace(pixbufLoaders), "\n\n") {
		name, rest, _ := strings.Cut(block, "\n")
		known[strings.Trim(name, `"`)] = rest
	}
	var out command.Output
	out.Line("# GdkPixbuf Image Loader Modules file\n# Automatically generated file, do not edit")
	out.Line("# Created by gdk-pixbuf-query-loaders from gdk-pixbuf-" + programVersion(library.Version) + "\n#")
	for _, file := range o.Rest {
		block, ok := known[path.Base(file)]
		if !ok {
			return 1, c.Unhonoured("the loader %q is none of Debian 13's: what it reads, only running it can tell", path.Base(file))
		}
		if !c.FS.IsFile(c.Path(file)) {
			return c.Complain(1, "g_module_open() failed for %s: No such file or directory", file)
		}
		out.Line(`"` + c.Absolute(file) + `"` + "\n" + block + "\n")
	}
	out.Line("")
	return out.Flush(c, 0)
}

// programVersion is a Debian version without its epoch, its revision and what a
// repacked source adds: "2.42.12" of "2.42.12+dfsg-4".
func programVersion(v string) string {
	if _, after, ok := strings.Cut(v, ":"); ok {
		v = after
	}
	if i := strings.LastIndexByte(v, '-'); i > 0 {
		v = v[:i]
	}
	v, _, _ = strings.Cut(v, "+")
	return v
}
