package command

// desktopCommands are those of the libraries that desktops share, which come into
// servers as well: GLib, GTK and their like.
func desktopCommands() []DebianCommand {
	return []DebianCommand{
		honoured("gio-querymodules", GioQuerymodules, "of the modules in Debian 13"),
		honoured("gdk-pixbuf-query-loaders", GdkPixbufQueryLoaders, "of the loaders in Debian 13"),
		honoured("glib-compile-schemas", GlibCompileSchemas, ""),
	}
}
