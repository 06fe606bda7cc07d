package catalogtool

import (
	"context"
	"strconv"

	"kiln/internal/maint/command"
)

const (
	saxFolder = "/var/lib/libxml-sax-perl/ParserDetails.d/"
	saxFile   = "/etc/perl/XML/SAX/ParserDetails.ini"
)

// saxParsers are the parsers of Debian 13 whose only feature, which they tell when
// they are loaded, is that they know of namespaces.
var saxParsers = map[string]bool{"XML::SAX::PurePerl": true, "XML::LibXML::SAX": true, "XML::LibXML::SAX::Parser": true}

// UpdatePerlSAXParsers is update-perl-sax-parsers(8): it registers perl's parsers
// of XML.
func UpdatePerlSAXParsers(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("add= remove= update quiet priority=")
	if err != nil {
		return 1, err
	}
	priority, err := strconv.Atoi(o.Value("priority", "50"))
	if err != nil {
		return 1, c.Unhonoured("%q is no priority", o.Value("priority", ""))
	}
	file := func(name string) string {
		if priority != 0 {
			name = strconv.Itoa(priority) + "-" + name
		}
		return saxFolder + name
	}
	switch name := o.Value("add", ""); {
	case name != "" && !saxParsers[name]:
		return 1, c.Unhonoured("what the parser %q can do, only loading it tells", name)
	case name != "":
		return 0, c.FS.WriteFile(file(name), []byte("["+name+"]\nhttp://xml.org/sax/features/namespaces = 1\n\n\n"), 0o644)
	case o.Has("remove"):
		if p := file(o.Value("remove", "")); c.FS.Present(p) {
			return 0, c.FS.Remove(p)
		}
		return 0, nil
	case o.Has("update"):
		return updateSAX(c, ctx)
	}
	return 0, nil
}

// updateSAX puts what is registered one behind the other into the file that perl
// reads, which ucf looks after.
func updateSAX(c *command.Call, ctx context.Context) (int, error) {
	entries, err := c.FS.ReadDir(saxFolder)
	if err != nil {
		return c.Complain(2, "Cannot access %s: %s", saxFolder, command.ErrorText(err))
	}
	var text []byte
	for _, e := range entries {
		part, err := c.FS.ReadFile(saxFolder + e.Name())
		if err != nil {
			return 1, err
		}
		text = append(text, part...)
	}
	const temporary = "/tmp/ParserDetails.ini"
	if err := c.FS.WriteFile(temporary, text, 0o644); err != nil {
		return 1, err
	}
	status, err := c.Exec(ctx, []string{"ucf", "--debconf-ok", "--sum-file", "/var/lib/libxml-sax-perl/ParserDetails.ini.md5sum", temporary, saxFile}, c.Stdin, c.Stdout, c.Stderr)
	if err != nil {
		return status, err
	}
	return 0, c.FS.Remove(temporary)
}
