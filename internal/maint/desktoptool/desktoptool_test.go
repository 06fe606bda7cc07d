package desktoptool_test

import (
	"os"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestGlibCompileSchemas(t *testing.T) {
	files := map[string]string{}
	const folder = "../gschema/testdata/schemas/"
	names, err := os.ReadDir(folder)
	toolboxtest.Must(t, err)
	for _, n := range names {
		data, err := os.ReadFile(folder + n.Name())
		toolboxtest.Must(t, err)
		files["/usr/share/schemas/"+n.Name()] = string(data)
	}
	want, err := os.ReadFile("../gschema/testdata/gschemas.compiled")
	toolboxtest.Must(t, err)
	s := toolboxtest.New(t, files)
	out := s.OK("glib-compile-schemas /usr/share/schemas")
	if !strings.Contains(out, "no-such-key") {
		t.Errorf("it says %q", out)
	}
	s.Is("/usr/share/schemas/gschemas.compiled", string(want))
	for _, n := range names {
		toolboxtest.Must(t, s.FS.Remove("/usr/share/schemas/"+n.Name()))
	}
	s.OK("glib-compile-schemas /usr/share/schemas")
	if _, err := s.FS.Stat("/usr/share/schemas/gschemas.compiled"); err == nil {
		t.Error("the compiled schemas stay where there are no schemas any more")
	}
	s.Fails("glib-compile-schemas /no/such/folder", 1)
	toolboxtest.Must(t, s.FS.WriteFile("/usr/share/schemas/bad.gschema.xml", []byte("<schemalist><schema"), 0o644))
	s.Refuses("glib-compile-schemas /usr/share/schemas", "XML syntax error")
}

func TestGioQuerymodules(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/m/libgvfsdbus.so": "x", "/m/libdconfsettings.so": "x", "/m/readme": "x", "/n/libother.so": "x", "/empty/giomodule.cache": "old",
	})
	s.OK("gio-querymodules /m /empty")
	s.Is("/m/giomodule.cache", "libdconfsettings.so: gsettings-backend\nlibgvfsdbus.so: gio-vfs,gio-volume-monitor\n")
	if _, err := s.FS.Stat("/empty/giomodule.cache"); err == nil {
		t.Error("a cache of nothing stays")
	}
	s.Refuses("gio-querymodules /n", `"libother.so"`)
}

func TestGdkPixbufQueryLoaders(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/l/libpixbufloader-bmp.so": "x", "/l/libpixbufloader-xyz.so": "x"})
	s.Machine.Packages = toolboxtest.Packages{"libgdk-pixbuf-2.0-0": command.Status{Version: "2.42.12+dfsg-4"}}
	want := "# GdkPixbuf Image Loader Modules file\n# Automatically generated file, do not edit\n" +
		"# Created by gdk-pixbuf-query-loaders from gdk-pixbuf-2.42.12\n#\n" +
		"\"/l/libpixbufloader-bmp.so\"\n\"bmp\" 5 \"gdk-pixbuf\" \"BMP\" \"LGPL\"\n\"image/bmp\" \"image/x-bmp\" \"image/x-MS-bmp\" \"\"\n\"bmp\" \"\"\n\"BM\" \"\" 100\n\n\n"
	if got := s.OK("gdk-pixbuf-query-loaders /l/libpixbufloader-bmp.so"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s.Refuses("gdk-pixbuf-query-loaders /l/libpixbufloader-xyz.so", "xyz")
}
