package command

import "strings"

// desktopCommands are those of the libraries that desktops share, which come into
// servers as well: GLib, GTK and their like.
func desktopCommands() []DebianCommand {
	return []DebianCommand{
		honoured("gio-querymodules", GioQuerymodules, "of the modules in Debian 13"),
		honoured("gdk-pixbuf-query-loaders", GdkPixbufQueryLoaders, "of the loaders in Debian 13"),
		honoured("glib-compile-schemas", GlibCompileSchemas, ""),
		honoured("update-xmlcatalog", UpdateXMLCatalog, "entries are sorted even where it is not told to"),
		honoured("update-catalog", UpdateCatalog, ""),
		honoured("install-sgmlcatalog", InstallSGMLCatalog, "removal, of which an image has nothing"),
		honoured("update-default-wordlist", UpdateDefaultWordlist, "where there is one list"),
		honoured("update-default-ispell", UpdateDefaultIspell, "where there is no dictionary of it"),
		honoured("update-dictcommon-aspell", UpdateDictcommon, "editors' caches are left out"),
		honoured("update-dictcommon-hunspell", UpdateDictcommon, "editors' caches are left out"),
		honoured("aspell-autobuildhash", AspellAutobuildhash, "where nothing is to be compiled"),
		honoured("dictionaries-common.config", DictionaryConfig, "the default is not asked for"),
		honoured("update-perl-sax-parsers", UpdatePerlSAXParsers, "of the parsers in Debian 13"),
	}
}

// serverCommands are those of servers that packages call for themselves.
func serverCommands() []DebianCommand {
	all := []DebianCommand{
		honoured("apache2", ApacheCheck, "the check of its configuration, which is not done"),
		honoured("ucfq", Ucfq, "whose a file is"),
		honoured("a2query", A2query, "what is enabled"),
		honoured("lighty-enable-mod", LightyEnableMod, ""),
		honoured("update-inetd", UpdateInetd, "where there is no /etc/inetd.conf"),
		honoured("py3versions", Py3versions, "which are installed"),
		honoured("start-stop-daemon", StartStopDaemon, "nothing runs in an image; recorded"),
		honoured("smartctl", Smartctl, "whether it is there; the check of its list of drives is not done"),
		honoured("lpstat", answer(1), "no scheduler of printers runs"),
		honoured("rndc-confgen", RndcConfgen, "the key stays empty: it is a secret, made on the machine"),
		honoured("named-checkconf", answer(0), "a check of what packages ship, which is not done"),
		honoured("exim4", EximCheck, "the check of its configuration, which is not done"),
		honoured("apt-get", AptGet, "indextargets, where there is no source of packages"),
	}
	for _, name := range []string{"a2enmod", "a2dismod", "a2ensite", "a2dissite", "a2enconf", "a2disconf"} {
		all = append(all, honoured(name, A2enmod, "services are told nothing"))
	}
	for list := range strings.FieldsSeq("wamerican wamerican-small wamerican-large wamerican-huge wamerican-insane wbritish wbritish-small wbritish-large wbritish-huge wbritish-insane " +
		"wcanadian wcanadian-small wcanadian-large wcanadian-huge wcanadian-insane") {
		all = append(all, honoured(list+".config", DictionaryConfig, "the default is not asked for"))
	}
	return all
}
