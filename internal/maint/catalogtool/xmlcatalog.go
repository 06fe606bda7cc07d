package catalogtool

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// UpdateXMLCatalog is update-xmlcatalog(8) of xml-core: entries of the root
// catalog, of a package's or of a local one. It keeps what it knows of a catalog in
// /var/lib/xml-core, and writes the catalog anew from that. Entries are always
// sorted; without --sort, the real tool's order is one of chance.
func UpdateXMLCatalog(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("add del file= id= local= package= root type= verbose sort")
	if err != nil {
		return 1, err
	}
	x := &xmlCatalog{Call: c, options: o}
	if problem := x.check(); problem != "" {
		return c.Complain(1, "error: %s", problem)
	}
	x.name()
	if err := x.read(); err != nil {
		return 1, err
	}
	old, known := x.entries[x.key]
	switch {
	case o.Has("add") && known && old != x.entry:
		return c.Complain(1, "error: entity already registered with a different value\n Entity   : [%s]\n Old value: [%s]\n New value: [%s]", x.key, old, x.entry)
	case o.Has("add"):
		x.entries[x.key] = x.entry
	case !known:
		return c.Complain(1, "error: entity not registered")
	default:
		delete(x.entries, x.key)
	}
	return 0, x.write()
}

type xmlCatalog struct {
	*command.Call
	options    command.Options
	file, data string // the catalog, and where its entries are kept
	key, entry string
	entries    map[string]string
}

// check returns what is wrong with the options.
func (x *xmlCatalog) check() string {
	o := x.options
	switch kind := o.Value("type", ""); {
	case o.Has("add") == o.Has("del"):
		return "one of 'add' and 'del' must be given"
	case !slices.Contains([]string{"public", "system", "uri"}, kind):
		return "wrong type"
	case !o.Has("id"):
		return "id not given"
	case !o.Has("root") && !o.Has("package") && !o.Has("local"):
		return "catalog not given"
	case o.Has("add"):
		return x.checkAdd()
	}
	if name, _ := x.places(); !x.FS.IsFile(name) {
		return "catalog " + name + " not found"
	}
	return ""
}

func (x *xmlCatalog) checkAdd() string {
	o := x.options
	needed, file := "local", o.Value("local", "")
	switch {
	case o.Has("root"):
		needed, file = "package", "/etc/xml/"+o.Value("package", "")+".xml"
	case !o.Has("package"):
		needed, file = "file", o.Value("file", "")
	}
	if !o.Has(needed) {
		return needed + " not given"
	}
	if !x.FS.IsFile(x.Path(file)) {
		return file + " not found"
	}
	return ""
}

// places are the catalog's file and the one of its entries.
func (x *xmlCatalog) places() (file, data string) {
	o := x.options
	name := o.Value("package", "")
	switch {
	case o.Has("root"):
		return "/etc/xml/catalog", "/var/lib/xml-core/catalog"
	case o.Has("package"):
		return "/etc/xml/" + name + ".xml", "/var/lib/xml-core/" + name
	}
	local := o.Value("local", "")
	return x.Path(local), "/var/lib/xml-core/" + strings.ReplaceAll(local, "/", "_")
}

// name works out the entry's key and value.
func (x *xmlCatalog) name() {
	o := x.options
	x.file, x.data = x.places()
	kind, id := o.Value("type", ""), o.Value("id", "")
	attribute := kind + "Id"
	if !o.Has("root") && !o.Has("package") {
		if kind == "uri" {
			attribute = "name"
		}
		x.key, x.entry = kind+" "+attribute+`="`+id+`"`, `uri="`+o.Value("file", "")+`"`
		return
	}
	element := "delegate" + strings.ToUpper(kind[:1]) + kind[1:]
	if kind == "uri" {
		attribute, element = "uri", "delegateURI"
	}
	x.key = element + " " + attribute + `StartString="` + id + `"`
	x.entry = `catalog="file://` + o.Value("local", "") + `"`
	if o.Has("root") {
		x.entry = `catalog="file:///etc/xml/` + o.Value("package", "") + `.xml"`
	}
}

func (x *xmlCatalog) read() error {
	x.entries = map[string]string{}
	text, err := x.FS.ReadIfThere(x.data)
	for _, line := range command.NonEmptyLines(text) {
		key, entry, _ := strings.Cut(line, ">")
		entry, _, _ = strings.Cut(entry, ">")
		x.entries[strings.TrimPrefix(key, "<")] = strings.TrimPrefix(entry, "<")
	}
	return err
}

func (x *xmlCatalog) write() error {
	if x.FS.IsFile(x.file) {
		if err := x.FS.Rename(x.file, x.file+".old"); err != nil {
			return err
		}
	}
	if len(x.entries) == 0 {
		return x.FS.RemoveAll(x.data)
	}
	header, err := x.FS.ReadFile("/usr/share/xml-core/catalog.header")
	if err != nil {
		return err
	}
	footer, err := x.FS.ReadFile("/usr/share/xml-core/catalog.footer")
	if err != nil {
		return err
	}
	catalog, data := string(header), ""
	for _, key := range slices.Sorted(maps.Keys(x.entries)) {
		catalog += "<" + key + " " + x.entries[key] + "/>\n"
		data += "<" + key + "><" + x.entries[key] + ">\n"
	}
	if err := x.FS.WriteFile(x.data, []byte(data), 0o644); err != nil {
		return err
	}
	return x.FS.WriteFile(x.file, []byte(catalog+string(footer)), 0o644)
}

const superCatalog = "/var/lib/sgml-base/supercatalog"

// UpdateCatalog is update-catalog(8) of sgml-base: entries of a centralized SGML
// catalog, and the super catalog of all of them.
func UpdateCatalog(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("add remove quiet super update-super")
	if err != nil {
		return 1, err
	}
	actions := len(o.Given["add"]) + len(o.Given["remove"]) + len(o.Given["update-super"])
	switch {
	case actions != 1:
		c.Say("Huh? You have to use precisely one out of --add --remove or --update-super.")
		return 1, nil
	case o.Has("update-super"):
		return 0, updateSuperCatalog(c, o.Has("quiet"))
	case o.Has("super"):
		c.Say("update-catalog: Suppressing action on super catalog. Invoking trigger instead.")
		if !slices.Contains(c.Machine.Triggers, "/etc/sgml") {
			c.Machine.Triggers = append(c.Machine.Triggers, "/etc/sgml")
		}
		return 0, nil
	case len(o.Rest) != 2:
		return c.Complain(1, "too many or too few arguments")
	}
	return 0, editCatalog(c, o.Rest[0], o.Rest[1], o.Has("add"))
}

// editCatalog removes an entry, which is a pattern, and adds it again.
func editCatalog(c *command.Call, catalog, entry string, add bool) error {
	file := c.Path(catalog)
	var lines []string
	if c.FS.IsFile(file) {
		pattern, err := regexp.Compile(entry)
		if err != nil {
			return c.Unhonoured("the entry %q is no pattern: %v", entry, err)
		}
		text, err := c.FS.ReadFile(file)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSuffix(line, "\n"); !pattern.MatchString(line) {
				lines = append(lines, line)
			}
		}
		if err := c.FS.Rename(file, file+".old"); err != nil {
			return err
		}
	} else {
		text, err := c.FS.ReadFile("/usr/share/sgml-base/catalog.centralized")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, strings.Replace(strings.TrimSuffix(line, "\n"), "CATALOG", catalog, 1))
		}
	}
	if add {
		lines = append(lines, "CATALOG "+entry)
	}
	return c.FS.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

func updateSuperCatalog(c *command.Call, quiet bool) error {
	entries, err := c.FS.ReadDir("/etc/sgml")
	if err != nil {
		return err
	}
	text := "--\n## This file is created by update-catalog with update-super.\n## Please see update-catalog(8) for how to modify this file.\n--\n"
	for _, e := range entries { // sorted by name
		if strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), ".cat") || len(e.Name()) < 5 {
			continue
		}
		if catalog := "/etc/sgml/" + e.Name(); wholeCatalog(c, catalog) {
			text += "CATALOG " + catalog + "\n"
		} else if !quiet {
			c.Say("Warning ignoring catalog `%s' which references non-existent catalogs. See man update-catalog for details.", catalog)
		}
	}
	if c.FS.Present(superCatalog) {
		if err := c.FS.Rename(superCatalog, superCatalog+".old"); err != nil {
			return err
		}
	}
	return c.FS.WriteFile(superCatalog, []byte(text), 0o644)
}

var catalogToken = regexp.MustCompile(`(?s)(?:\s+|--.*?--)+|'.*?'|".*?"|\S+`)

// wholeCatalog reports whether all catalogs are there that a catalog refers to
// (OASIS TR 9401).
func wholeCatalog(c *command.Call, catalog string) bool {
	text, err := c.FS.ReadFile(catalog)
	if err != nil {
		return false
	}
	base, before := command.DirName(catalog), ""
	for _, token := range catalogToken.FindAllString(string(text), -1) {
		blank := strings.ContainsAny(token[:1], " \t\r\n\f\v") || strings.HasPrefix(token, "--")
		if before == "" {
			if word := strings.ToLower(token); word == "catalog" || word == "base" {
				before = word
			}
			continue
		}
		if blank {
			continue
		}
		if n := len(token); n > 1 && (token[0] == '\'' || token[0] == '"') && token[n-1] == token[0] {
			token = token[1 : n-1]
		}
		if before == "base" {
			base = token
		} else if !strings.HasPrefix(token, "/") && !c.FS.IsFile(base+"/"+token) || strings.HasPrefix(token, "/") && !c.FS.IsFile(token) {
			return false
		}
		before = ""
	}
	return true
}

// InstallSGMLCatalog is install-sgmlcatalog(8), of which only the removal of a
// package's part of the transitional catalog is left.
func InstallSGMLCatalog(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("quiet remove=")
	if err != nil {
		return 1, err
	}
	if !o.Has("remove") {
		return c.Complain(255, "Usage:\n    install-sgmlcatalog --remove package")
	}
	if c.FS.IsFile("/etc/sgml/transitional.cat") {
		return 1, c.Unhonoured("a transitional catalog is of a system that was upgraded")
	}
	return 0, nil
}
