package catalogtool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

// What is expected is what update-xmlcatalog of Debian 13 wrote.
func TestUpdateXMLCatalog(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/usr/share/xml-core/catalog.header": "<head>\n", "/usr/share/xml-core/catalog.footer": "</head>\n", "/var/lib/xml-core/": "", "/etc/xml/": "",
		"/usr/share/xml/app/catalog.xml": "x", "/usr/share/xml/app/a.dtd": "x",
	})
	const line = "update-xmlcatalog --sort --add --package app --local /usr/share/xml/app/catalog.xml --type "
	s.OK(line + "public --id -//App//DTD")
	s.OK(line + "uri --id http://app/")
	s.Is("/etc/xml/app.xml", `<head>
<delegatePublic publicIdStartString="-//App//DTD" catalog="file:///usr/share/xml/app/catalog.xml"/>
<delegateURI uriStartString="http://app/" catalog="file:///usr/share/xml/app/catalog.xml"/>
</head>
`)
	s.Is("/etc/xml/app.xml.old", `<head>
<delegatePublic publicIdStartString="-//App//DTD" catalog="file:///usr/share/xml/app/catalog.xml"/>
</head>
`)
	s.Is("/var/lib/xml-core/app", `<delegatePublic publicIdStartString="-//App//DTD"><catalog="file:///usr/share/xml/app/catalog.xml">
<delegateURI uriStartString="http://app/"><catalog="file:///usr/share/xml/app/catalog.xml">
`)
	s.OK("update-xmlcatalog --add --root --package app --type system --id http://app/a.dtd")
	s.Is("/etc/xml/catalog", "<head>\n<delegateSystem systemIdStartString=\"http://app/a.dtd\" catalog=\"file:///etc/xml/app.xml\"/>\n</head>\n")
	s.OK("update-xmlcatalog --add --local /etc/xml/own.xml --file /usr/share/xml/app/a.dtd --type system --id urn:a")
	s.Is("/etc/xml/own.xml", "<head>\n<system systemId=\"urn:a\" uri=\"/usr/share/xml/app/a.dtd\"/>\n</head>\n")
	s.OK("update-xmlcatalog --del --root --type system --id http://app/a.dtd")
	if _, err := s.FS.Stat("/etc/xml/catalog"); err == nil {
		t.Error("a catalog of nothing stays")
	}
	for _, bad := range []string{
		"update-xmlcatalog --add --package app --local /no/such --type uri --id x", "update-xmlcatalog --add --del --root --package app --type uri --id x",
		"update-xmlcatalog --add --root --package none --type uri --id x", "update-xmlcatalog --add --package app --local /usr/share/xml/app/catalog.xml --type other --id x",
		"update-xmlcatalog --del --package app --type uri --id never-added",
	} {
		s.Fails(bad, 1)
	}
}

func TestUpdateCatalog(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/usr/share/sgml-base/catalog.centralized": "-- CATALOG --\n", "/var/lib/sgml-base/": "", "/usr/share/sgml/dtd/catalog": "x",
		"/etc/sgml/b.cat":     "-- a comment with CATALOG \"nowhere\" --\nBASE \"/usr/share/sgml\"\nCATALOG \"dtd/catalog\"\n",
		"/etc/sgml/a.cat":     "CATALOG /usr/share/sgml/dtd/catalog\n",
		"/etc/sgml/stale.cat": "CATALOG /usr/share/sgml/gone\n",
		"/etc/sgml/readme":    "x",
	})
	if out := s.OK("update-catalog --update-super"); !strings.Contains(out, "`/etc/sgml/stale.cat' which references") {
		t.Errorf("it says %q", out)
	}
	if text := s.File("/var/lib/sgml-base/supercatalog"); !strings.HasSuffix(text, "--\nCATALOG /etc/sgml/a.cat\nCATALOG /etc/sgml/b.cat\n") {
		t.Errorf("the super catalog is %q", text)
	}
	s.OK("update-catalog --quiet --add /etc/sgml/new.cat /usr/share/sgml/dtd/catalog")
	s.Is("/etc/sgml/new.cat", "-- /etc/sgml/new.cat --\nCATALOG /usr/share/sgml/dtd/catalog\n")
	s.OK("update-catalog --quiet --remove /etc/sgml/new.cat /usr/share/sgml/dtd/catalog")
	s.Is("/etc/sgml/new.cat", "-- /etc/sgml/new.cat --\n")
	s.OK("update-catalog --add --super /etc/sgml/new.cat")
	if len(s.Machine.Triggers) != 1 || s.Machine.Triggers[0] != "/etc/sgml" {
		t.Errorf("the triggers are %q", s.Machine.Triggers)
	}
	s.Fails("update-catalog --quiet", 1)
}

func TestUpdatePerlSAXParsers(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/var/lib/libxml-sax-perl/ParserDetails.d/": "", "/tmp/": ""})
	s.OK("update-perl-sax-parsers --add XML::SAX::PurePerl --priority 10")
	s.OK("update-perl-sax-parsers --add XML::LibXML::SAX")
	s.Is("/var/lib/libxml-sax-perl/ParserDetails.d/10-XML::SAX::PurePerl", "[XML::SAX::PurePerl]\nhttp://xml.org/sax/features/namespaces = 1\n\n\n")
	if out := s.OK("update-perl-sax-parsers --update"); !strings.Contains(out, "exec ucf --debconf-ok --sum-file") {
		t.Errorf("it says %q", out)
	}
	s.OK("update-perl-sax-parsers --remove XML::LibXML::SAX")
	if _, err := s.FS.Stat("/var/lib/libxml-sax-perl/ParserDetails.d/50-XML::LibXML::SAX"); err == nil {
		t.Error("a removed parser stays")
	}
	s.Refuses("update-perl-sax-parsers --add My::Parser", "only loading it tells")
}

func TestWordlists(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/var/lib/dictionaries-common/wordlist/wamerican": "Language: american (American English)\nHash-Name: american-english\n",
		"/usr/share/dict/american-english":                "a", "/etc/dictionaries-common/": "", "/var/cache/dictionaries-common/": "", "/var/lib/aspell/": "",
	})
	s.OK("dictionaries-common.config configure")
	s.OK("update-default-wordlist --rebuild")
	if s.Link("/etc/dictionaries-common/words") != "" || len(s.Machine.Triggers) != 1 || s.Machine.Triggers[0] != "update-default-wordlist" {
		t.Errorf("it did not wait for its trigger: %q", s.Machine.Triggers)
	}
	s.OK("update-default-wordlist --triggered")
	s.Is("/var/cache/dictionaries-common/wordlist-default", "american (American English)")
	for link, want := range map[string]string{"/etc/dictionaries-common/words": "/usr/share/dict/american-english", "/usr/share/dict/words": "/etc/dictionaries-common/words"} {
		if got := s.Link(link); got != want {
			t.Errorf("%s leads to %q", link, got)
		}
	}
	s.OK("update-default-ispell --triggered")
	s.Is("/etc/dictionaries-common/ispell-default", "")
	s.OK("update-dictcommon-hunspell")
	s.OK("update-dictcommon-aspell")
	toolboxtest.Must(t, s.FS.WriteFile("/var/lib/aspell/en.compat", nil, 0o644))
	s.Refuses("update-dictcommon-aspell", "en.compat")
	toolboxtest.Must(t, s.FS.WriteFile("/var/lib/dictionaries-common/wordlist/wbritish", []byte("Language: british\nHash-Name: british-english\n"), 0o644))
	s.Refuses("update-default-wordlist --triggered", "more than one")
	toolboxtest.Must(t, s.FS.MkdirAll("/var/lib/dictionaries-common/ispell", 0o755))
	toolboxtest.Must(t, s.FS.WriteFile("/var/lib/dictionaries-common/ispell/iamerican", []byte("Language: american\n"), 0o644))
	s.Refuses("update-default-ispell", "ispell")
}

// What is expected is what dictdconfig of Debian 13 writes.
func TestDictdconfig(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/var/lib/dictd/": "", "/usr/share/dictd/": ""})
	s.OK("dictdconfig -w")
	s.Ends("/var/lib/dictd/db.list", "# This dummy entry allows dictd to start.\n\ndatabase dummy {\n  data  /dev/null\n  index /dev/null\n}\n")
	for _, name := range []string{"wn.index", "wn.dict.dz", "aa.index", "aa.dict", "aa.suffix", "half.index"} {
		toolboxtest.Must(t, s.FS.WriteFile("/usr/share/dictd/"+name, nil, 0o644))
	}
	s.OK("dictdconfig --write")
	s.Ends("/var/lib/dictd/db.list", `# Using default order.

database wn {
  data  /usr/share/dictd/wn.dict.dz
  index /usr/share/dictd/wn.index
}
database aa {
  data  /usr/share/dictd/aa.dict
  index /usr/share/dictd/aa.index
  index_suffix /usr/share/dictd/aa.suffix
}
`)
	s.Refuses("dictdconfig --list", "not known")
	toolboxtest.Must(t, s.FS.MkdirAll("/etc/dictd", 0o755))
	toolboxtest.Must(t, s.FS.WriteFile("/etc/dictd/dictd.order", []byte("# none\naa # first\ndatabase_exit\nwn\naa"), 0o644))
	s.OK("dictdconfig -w")
	if text := s.File("/var/lib/dictd/db.list"); !strings.Contains(text, "# Ignoring default order.\n\ndatabase aa {") || !strings.Contains(text, "}\ndatabase_exit\ndatabase wn {") || strings.Count(text, "database aa") != 1 {
		t.Errorf("with an order of its own, the list is\n%s", text)
	}
	toolboxtest.Must(t, s.FS.WriteFile("/etc/dictd/dictdconfig.alias", []byte("#!/bin/sh\n"), 0o755))
	s.Refuses("dictdconfig -w", "script for names")
}

func TestRakudoHelper(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/usr/share/perl6/debian-sources/": ""})
	s.OK("rakudo-helper.pl --reinstall-all")
	s.Refuses("rakudo-helper.pl --install x", "only --reinstall-all")
	toolboxtest.Must(t, s.FS.MkdirAll("/usr/share/perl6/debian-sources/Module", 0o755))
	s.Refuses("rakudo-helper.pl --reinstall-all", "Module")
}
