package toolbox

import (
	"strings"

	"kiln/internal/maint/catalogtool"
	"kiln/internal/maint/desktoptool"
	"kiln/internal/maint/dpkgtool"
	"kiln/internal/maint/pythontool"
	"kiln/internal/maint/servertool"
	"kiln/internal/maint/servicetool"
)

// desktopCommands are those of the libraries that desktops share, which come into
// servers as well: GLib, GTK and their like.
func desktopCommands() []DebianCommand {
	return []DebianCommand{
		honoured("gio-querymodules", desktoptool.GioQuerymodules, "of the modules in Debian 13"),
		honoured("gdk-pixbuf-query-loaders", desktoptool.GdkPixbufQueryLoaders, "of the loaders in Debian 13"),
		honoured("glib-compile-schemas", desktoptool.GlibCompileSchemas, ""),
		honoured("update-mime-database", desktoptool.UpdateMimeDatabase, "what it would skip with a warning is refused"),
		honoured("libgvc6-config-update", desktoptool.GraphvizConfig, "of the plugins in Debian 13"),
	}
}

// catalogCommands keep lists of what is there: entities of XML and SGML, parsers,
// dictionaries.
func catalogCommands() []DebianCommand {
	const unasked = "the default is not asked for"
	all := []DebianCommand{
		honoured("update-xmlcatalog", catalogtool.UpdateXMLCatalog, "entries are sorted even where it is not told to"),
		honoured("update-catalog", catalogtool.UpdateCatalog, ""),
		honoured("install-sgmlcatalog", catalogtool.InstallSGMLCatalog, "removal, of which an image has nothing"),
		honoured("update-default-wordlist", catalogtool.UpdateDefaultWordlist, "where there is one list"),
		honoured("update-default-ispell", catalogtool.UpdateDefaultIspell, "where there is no dictionary of it"),
		honoured("update-dictcommon-aspell", catalogtool.UpdateDictcommon, "editors' caches are left out"),
		honoured("update-dictcommon-hunspell", catalogtool.UpdateDictcommon, "editors' caches are left out"),
		honoured("aspell-autobuildhash", catalogtool.AspellAutobuildhash, "where nothing is to be compiled"),
		honoured("dictionaries-common.config", catalogtool.DictionaryConfig, unasked),
		honoured("dictdconfig", catalogtool.Dictdconfig, "-w; dictionaries that it does not know come by name"),
		honoured("rakudo-helper.pl", catalogtool.RakudoHelper, "where nothing is to be compiled"),
		honoured("update-perl-sax-parsers", catalogtool.UpdatePerlSAXParsers, "of the parsers in Debian 13"),
	}
	for list := range strings.FieldsSeq("wamerican wamerican-small wamerican-large wamerican-huge wamerican-insane wbritish wbritish-small wbritish-large wbritish-huge wbritish-insane " +
		"wcanadian wcanadian-small wcanadian-large wcanadian-huge wcanadian-insane") {
		all = append(all, honoured(list+".config", catalogtool.DictionaryConfig, unasked))
	}
	return all
}

// webCommands are those that switch parts of servers on and off.
func webCommands() []DebianCommand {
	all := []DebianCommand{
		honoured("apache2", servertool.ApacheCheck, "the check of its configuration, which is not done"),
		honoured("a2query", servertool.A2query, "what is enabled"),
		honoured("lighty-enable-mod", servertool.LightyEnableMod, ""),
		honoured("update-inetd", servertool.UpdateInetd, "where there is no /etc/inetd.conf"),
	}
	for _, name := range []string{"a2enmod", "a2dismod", "a2ensite", "a2dissite", "a2enconf", "a2disconf"} {
		all = append(all, honoured(name, servertool.A2enmod, "services are told nothing"))
	}
	return all
}

// checkCommands are questions and checks of single packages.
func checkCommands() []DebianCommand {
	return []DebianCommand{
		honoured("ucfq", dpkgtool.Ucfq, "whose a file is"),
		honoured("py3versions", pythontool.Py3versions, "which are installed"),
		honoured("start-stop-daemon", servicetool.StartStopDaemon, "nothing runs in an image; recorded"),
		honoured("smartctl", servertool.Smartctl, "whether it is there; the check of its list of drives is not done"),
		honoured("lpstat", answer(1), "no scheduler of printers runs"),
		{"mariadb-install-db", Record, recorded, "system tables hold random identities, and a database belongs to a machine: make it there"},
		honoured("iscsi-iname", servertool.IscsiIname, "the name stays open: it is another on each machine, made at the first start; recorded"),
		honoured("rndc-confgen", servertool.RndcConfgen, "the key stays empty: it is a secret, made on the machine"),
		honoured("named-checkconf", answer(0), "a check of what packages ship, which is not done"),
		honoured("exim4", servertool.EximCheck, "the check of its configuration, which is not done"),
		honoured("apt-get", dpkgtool.AptGet, "indextargets, where there is no source of packages"),
	}
}
