package command_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"kiln/internal/maint/command"
)

// apacheTree is as apache2's package leaves it: modules, one of which needs others
// and one that conflicts, a site, and configurations.
func apacheTree(t *testing.T) *system {
	t.Helper()
	files := map[string]string{"/etc/apache2/mods-enabled/": "", "/etc/apache2/sites-enabled/": "", "/etc/apache2/conf-enabled/": "", "/var/lib/apache2/": ""}
	for name, text := range map[string]string{
		"mods-available/mpm_event.load":    "# Conflicts: mpm_worker mpm_prefork\nLoadModule mpm_event_module x\n# Depends: not-read\n",
		"mods-available/mpm_event.conf":    "x",
		"mods-available/mpm_prefork.load":  "# Conflicts: mpm_event mpm_worker\nLoadModule\n",
		"mods-available/authn_core.load":   "x",
		"mods-available/auth_basic.load":   "# Depends: authn_core\nx",
		"mods-available/alias.load":        "x",
		"sites-available/000-default.conf": "x",
		"conf-available/security.conf":     "# Depends: headers\nx",
		"conf-available/charset.conf":      "x",
	} {
		files["/etc/apache2/"+name] = text
	}
	return newSystem(t, files)
}

func TestApacheSwitches(t *testing.T) {
	s := apacheTree(t)
	if out := s.ok("a2enmod -m -q mpm_event"); out != "Enabling module mpm_event.\n" {
		t.Errorf("it says %q", out)
	}
	if got := s.link("/etc/apache2/mods-enabled/mpm_event.conf"); got != "../mods-available/mpm_event.conf" {
		t.Errorf("the configuration's link is %q", got)
	}
	s.is("/var/lib/apache2/module/enabled_by_maint/mpm_event", "")
	s.fails("a2enmod -m -q mpm_prefork", 1) // conflicts
	s.ok("a2enmod -q auth_basic")
	for _, name := range []string{"auth_basic", "authn_core"} {
		if s.link("/etc/apache2/mods-enabled/"+name+".load") == "" {
			t.Errorf("%s is not enabled", name)
		}
		s.is("/var/lib/apache2/module/enabled_by_admin/"+name, "")
	}
	if out := s.ok("a2enmod auth_basic"); !strings.Contains(out, "Module auth_basic already enabled") {
		t.Errorf("it says %q", out)
	}
	s.fails("a2dismod authn_core", 1) // is needed
	s.ok("a2dismod -f authn_core")
	if s.link("/etc/apache2/mods-enabled/auth_basic.load") != "" {
		t.Error("what needs a disabled module stays")
	}
	s.is("/var/lib/apache2/module/disabled_by_admin/authn_core", "")
	s.ok("a2ensite -q 000-default")
	s.ok("a2enconf -m -q charset.conf")
	s.fails("a2enconf security", 1) // needs a module
	s.fails("a2enmod no-such-module", 1)
	s.refuses("a2enmod cgi", "apache2ctl")
	s.refuses("a2enmod", "asks")
}

func TestApacheQuestions(t *testing.T) {
	s := apacheTree(t)
	s.ok("a2enmod -m -q mpm_event")
	if out := s.ok("a2query -m mpm_event"); out != "mpm_event (enabled by maintainer script)\n" {
		t.Errorf("it says %q", out)
	}
	if out := s.ok("a2query -m"); out != "mpm_event (enabled by maintainer script)\n" {
		t.Errorf("it lists %q", out)
	}
	if out := s.ok("a2query -M"); out != "event\n" {
		t.Errorf("the module is %q", out)
	}
	s.fails("a2query -m alias", 1)
	s.ok("a2enmod alias")
	s.ok("a2dismod -f alias")
	s.fails("a2query -m alias", 32)
	s.ok("a2enconf -m charset")
	s.ok("a2disconf -m charset")
	s.fails("a2query -c charset", 33)
	s.refuses("a2query -v", "not known")
}

func TestLightyEnableMod(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/etc/lighttpd/conf-enabled/":                 "",
		"/etc/lighttpd/conf-available/10-auth.conf":   "# -*- depends: base, other -*-\nx",
		"/etc/lighttpd/conf-available/05-base.conf":   "x",
		"/etc/lighttpd/conf-available/05-other.conf":  "x",
		"/etc/lighttpd/conf-available/20-enemy.conf":  "# -*- conflicts: auth -*-\nx",
		"/etc/lighttpd/conf-available/20-lonely.conf": "# -*- depends: nothing -*-\nx",
	})
	out := s.ok("lighty-enable-mod auth")
	if !strings.Contains(out, "Enabling auth: ok\nEnabling base: ok\nEnabling other: ok\n") {
		t.Errorf("it says %q", out)
	}
	if got := s.link("/etc/lighttpd/conf-enabled/10-auth.conf"); got != "../conf-available/10-auth.conf" {
		t.Errorf("the link is %q", got)
	}
	s.fails("lighty-enable-mod auth", 2)
	s.fails("lighty-enable-mod unknown", 2)
	s.fails("lighty-enable-mod enemy", 1)
	s.fails("lighty-enable-mod lonely", 1)
}

// What is expected is what update-xmlcatalog of Debian 13 wrote.
func TestUpdateXMLCatalog(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/usr/share/xml-core/catalog.header": "<head>\n", "/usr/share/xml-core/catalog.footer": "</head>\n", "/var/lib/xml-core/": "", "/etc/xml/": "",
		"/usr/share/xml/app/catalog.xml": "x", "/usr/share/xml/app/a.dtd": "x",
	})
	const line = "update-xmlcatalog --sort --add --package app --local /usr/share/xml/app/catalog.xml --type "
	s.ok(line + "public --id -//App//DTD")
	s.ok(line + "uri --id http://app/")
	s.is("/etc/xml/app.xml", `<head>
<delegatePublic publicIdStartString="-//App//DTD" catalog="file:///usr/share/xml/app/catalog.xml"/>
<delegateURI uriStartString="http://app/" catalog="file:///usr/share/xml/app/catalog.xml"/>
</head>
`)
	s.is("/etc/xml/app.xml.old", `<head>
<delegatePublic publicIdStartString="-//App//DTD" catalog="file:///usr/share/xml/app/catalog.xml"/>
</head>
`)
	s.is("/var/lib/xml-core/app", `<delegatePublic publicIdStartString="-//App//DTD"><catalog="file:///usr/share/xml/app/catalog.xml">
<delegateURI uriStartString="http://app/"><catalog="file:///usr/share/xml/app/catalog.xml">
`)
	s.ok("update-xmlcatalog --add --root --package app --type system --id http://app/a.dtd")
	s.is("/etc/xml/catalog", "<head>\n<delegateSystem systemIdStartString=\"http://app/a.dtd\" catalog=\"file:///etc/xml/app.xml\"/>\n</head>\n")
	s.ok("update-xmlcatalog --add --local /etc/xml/own.xml --file /usr/share/xml/app/a.dtd --type system --id urn:a")
	s.is("/etc/xml/own.xml", "<head>\n<system systemId=\"urn:a\" uri=\"/usr/share/xml/app/a.dtd\"/>\n</head>\n")
	s.ok("update-xmlcatalog --del --root --type system --id http://app/a.dtd")
	if _, err := s.fs.Stat("/etc/xml/catalog"); err == nil {
		t.Error("a catalog of nothing stays")
	}
	for _, bad := range []string{
		"update-xmlcatalog --add --package app --local /no/such --type uri --id x", "update-xmlcatalog --add --del --root --package app --type uri --id x",
		"update-xmlcatalog --add --root --package none --type uri --id x", "update-xmlcatalog --add --package app --local /usr/share/xml/app/catalog.xml --type other --id x",
		"update-xmlcatalog --del --package app --type uri --id never-added",
	} {
		s.fails(bad, 1)
	}
}

func TestUpdateCatalog(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/usr/share/sgml-base/catalog.centralized": "-- CATALOG --\n", "/var/lib/sgml-base/": "", "/usr/share/sgml/dtd/catalog": "x",
		"/etc/sgml/b.cat":     "-- a comment with CATALOG \"nowhere\" --\nBASE \"/usr/share/sgml\"\nCATALOG \"dtd/catalog\"\n",
		"/etc/sgml/a.cat":     "CATALOG /usr/share/sgml/dtd/catalog\n",
		"/etc/sgml/stale.cat": "CATALOG /usr/share/sgml/gone\n",
		"/etc/sgml/readme":    "x",
	})
	if out := s.ok("update-catalog --update-super"); !strings.Contains(out, "`/etc/sgml/stale.cat' which references") {
		t.Errorf("it says %q", out)
	}
	if text := s.file("/var/lib/sgml-base/supercatalog"); !strings.HasSuffix(text, "--\nCATALOG /etc/sgml/a.cat\nCATALOG /etc/sgml/b.cat\n") {
		t.Errorf("the super catalog is %q", text)
	}
	s.ok("update-catalog --quiet --add /etc/sgml/new.cat /usr/share/sgml/dtd/catalog")
	s.is("/etc/sgml/new.cat", "-- /etc/sgml/new.cat --\nCATALOG /usr/share/sgml/dtd/catalog\n")
	s.ok("update-catalog --quiet --remove /etc/sgml/new.cat /usr/share/sgml/dtd/catalog")
	s.is("/etc/sgml/new.cat", "-- /etc/sgml/new.cat --\n")
	s.ok("update-catalog --add --super /etc/sgml/new.cat")
	if len(s.machine.Triggers) != 1 || s.machine.Triggers[0] != "/etc/sgml" {
		t.Errorf("the triggers are %q", s.machine.Triggers)
	}
	s.fails("update-catalog --quiet", 1)
}

func TestUpdatePerlSAXParsers(t *testing.T) {
	s := newSystem(t, map[string]string{"/var/lib/libxml-sax-perl/ParserDetails.d/": "", "/tmp/": ""})
	s.ok("update-perl-sax-parsers --add XML::SAX::PurePerl --priority 10")
	s.ok("update-perl-sax-parsers --add XML::LibXML::SAX")
	s.is("/var/lib/libxml-sax-perl/ParserDetails.d/10-XML::SAX::PurePerl", "[XML::SAX::PurePerl]\nhttp://xml.org/sax/features/namespaces = 1\n\n\n")
	if out := s.ok("update-perl-sax-parsers --update"); !strings.Contains(out, "exec ucf --debconf-ok --sum-file") {
		t.Errorf("it says %q", out)
	}
	s.ok("update-perl-sax-parsers --remove XML::LibXML::SAX")
	if _, err := s.fs.Stat("/var/lib/libxml-sax-perl/ParserDetails.d/50-XML::LibXML::SAX"); err == nil {
		t.Error("a removed parser stays")
	}
	s.refuses("update-perl-sax-parsers --add My::Parser", "only loading it tells")
}

func TestServerQuestions(t *testing.T) {
	s := newSystem(t, map[string]string{"/etc/bind/": "", "/tmp/exim.conf": "x"})
	s.ok("start-stop-daemon --stop --oknodo --quiet --name sendmail")
	s.fails("start-stop-daemon --stop --name sendmail", 1)
	s.fails("start-stop-daemon --status --name sendmail", 3)
	s.ok("start-stop-daemon --start --exec /usr/sbin/x -- --option-of-x")
	s.refuses("start-stop-daemon --no-such-option", "not known")
	s.ok("rndc-confgen -a")
	s.is("/etc/bind/rndc.key", "")
	if n := s.machine.Notes; len(n) != 2 || n[0].Kind != "start" || n[1].Kind != "secret" || n[1].Subject != "/etc/bind/rndc.key" {
		t.Errorf("the notes are %+v", n)
	}
	s.refuses("rndc-confgen -k name", "not known")
	s.ok("exim4 -C /tmp/exim.conf -bV")
	s.fails("exim4 -C /no/such -bV", 1)
	s.refuses("exim4 -bd", "only the check")
	s.ok("apache2 -t")
	s.refuses("apache2 -V", "only the check")
	s.ok("smartctl -V")
	s.refuses("smartctl -a /dev/sda", "disks")
	s.ok("smartctl -B /tmp/exim.conf -P showall")
	s.ok("update-inetd --disable dict")
	s.refuses("update-inetd --enable dict", "inetd.conf")
	must(t, s.fs.MkdirAll("/usr/bin", 0o755))
	must(t, s.fs.WriteFile("/usr/bin/python3.13", nil, 0o755))
	must(t, s.fs.WriteFile("/usr/bin/python3.13-config", nil, 0o755))
	if out := s.ok("py3versions -i"); out != "python3.13\n" {
		t.Errorf("the versions are %q", out)
	}
	s.refuses("py3versions -s", "not known")
	run := &command.Call{Name: "flock", Args: []string{"/tmp/lock", "true", "x"}, Dir: "/", FS: s.fs, Machine: s.machine}
	ran := ""
	run.Exec = func(_ context.Context, args []string, _ io.Reader, _, _ io.Writer) (int, error) {
		ran = strings.Join(args, " ")
		return 3, nil
	}
	if status, err := command.Flock(context.Background(), run); status != 3 || err != nil || ran != "true x" {
		t.Errorf("flock: %d, %v, ran %q", status, err, ran)
	}
	s.is("/tmp/lock", "")
	s.ok("apt-get indextargets --format $(CREATED_BY)")
	s.refuses("apt-get install x", "lock")
	s.fails("lpstat -h /run/cups/cups.sock -r", 1)
}

func TestWordlists(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/var/lib/dictionaries-common/wordlist/wamerican": "Language: american (American English)\nHash-Name: american-english\n",
		"/usr/share/dict/american-english":                "a", "/etc/dictionaries-common/": "", "/var/cache/dictionaries-common/": "", "/var/lib/aspell/": "",
	})
	s.ok("dictionaries-common.config configure")
	s.ok("update-default-wordlist --rebuild")
	if s.link("/etc/dictionaries-common/words") != "" || len(s.machine.Triggers) != 1 || s.machine.Triggers[0] != "update-default-wordlist" {
		t.Errorf("it did not wait for its trigger: %q", s.machine.Triggers)
	}
	s.ok("update-default-wordlist --triggered")
	s.is("/var/cache/dictionaries-common/wordlist-default", "american (American English)")
	for link, want := range map[string]string{"/etc/dictionaries-common/words": "/usr/share/dict/american-english", "/usr/share/dict/words": "/etc/dictionaries-common/words"} {
		if got := s.link(link); got != want {
			t.Errorf("%s leads to %q", link, got)
		}
	}
	s.ok("update-default-ispell --triggered")
	s.is("/etc/dictionaries-common/ispell-default", "")
	s.ok("update-dictcommon-hunspell")
	s.ok("update-dictcommon-aspell")
	must(t, s.fs.WriteFile("/var/lib/aspell/en.compat", nil, 0o644))
	s.refuses("update-dictcommon-aspell", "en.compat")
	must(t, s.fs.WriteFile("/var/lib/dictionaries-common/wordlist/wbritish", []byte("Language: british\nHash-Name: british-english\n"), 0o644))
	s.refuses("update-default-wordlist --triggered", "more than one")
	must(t, s.fs.MkdirAll("/var/lib/dictionaries-common/ispell", 0o755))
	must(t, s.fs.WriteFile("/var/lib/dictionaries-common/ispell/iamerican", []byte("Language: american\n"), 0o644))
	s.refuses("update-default-ispell", "ispell")
}

// What is expected is what ucfq of Debian 12 says.
func TestUcfq(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/var/lib/ucf/registry": "app \t /etc/app\nweb \t /etc/web\ngone \t /etc/gone\n", "/etc/app": "x", "/etc/web": "x", "/etc/own": "x",
		"/var/lib/ucf/hashfile": "9dd4e461268c8034f5c8564e155c67a6  /etc/app\naaaa  /etc/web\n",
	})
	if out := s.ok("ucfq --with-colons /etc/app /etc/web /etc/gone /etc/own"); out != "/etc/app:app:Yes:No\n/etc/web:web:Yes:Yes\n/etc/gone:gone::\n/etc/own::Yes:\n" {
		t.Errorf("it says\n%s", out)
	}
	s.refuses("ucfq /etc/app", "with-colons")
	s.refuses("ucfq --with-colons app", "packages")
}
