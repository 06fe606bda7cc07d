package command

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// UpdateXMLCatalog is update-xmlcatalog(8) of xml-core: entries of the root
// catalog, of a package's or of a local one. It keeps what it knows of a catalog in
// /var/lib/xml-core, and writes the catalog anew from that. Entries are always
// sorted; without --sort, the real tool's order is one of chance.
func UpdateXMLCatalog(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "add del file= id= local= package= root type= verbose sort")
	if err != nil {
		return 1, err
	}
	x := &xmlCatalog{Call: c, options: o}
	if problem := x.check(); problem != "" {
		return complain(c, 1, "error: %s", problem)
	}
	x.name()
	if err := x.read(); err != nil {
		return 1, err
	}
	old, known := x.entries[x.key]
	switch {
	case o.has("add") && known && old != x.entry:
		return complain(c, 1, "error: entity already registered with a different value\n Entity   : [%s]\n Old value: [%s]\n New value: [%s]", x.key, old, x.entry)
	case o.has("add"):
		x.entries[x.key] = x.entry
	case !known:
		return complain(c, 1, "error: entity not registered")
	default:
		delete(x.entries, x.key)
	}
	return 0, x.write()
}

type xmlCatalog struct {
	*Call
	options    options
	file, data string // the catalog, and where its entries are kept
	key, entry string
	entries    map[string]string
}

// check returns what is wrong with the options.
func (x *xmlCatalog) check() string {
	o := x.options
	switch kind := o.value("type", ""); {
	case o.has("add") == o.has("del"):
		return "one of 'add' and 'del' must be given"
	case !slices.Contains([]string{"public", "system", "uri"}, kind):
		return "wrong type"
	case !o.has("id"):
		return "id not given"
	case !o.has("root") && !o.has("package") && !o.has("local"):
		return "catalog not given"
	case o.has("add"):
		return x.checkAdd()
	}
	if name, _ := x.places(); !isFile(x.FS, name) {
		return "catalog " + name + " not found"
	}
	return ""
}

func (x *xmlCatalog) checkAdd() string {
	o := x.options
	needed, file := "local", o.value("local", "")
	switch {
	case o.has("root"):
		needed, file = "package", "/etc/xml/"+o.value("package", "")+".xml"
	case !o.has("package"):
		needed, file = "file", o.value("file", "")
	}
	if !o.has(needed) {
		return needed + " not given"
	}
	if !isFile(x.FS, x.path(file)) {
		return file + " not found"
	}
	return ""
}

// places are the catalog's file and the one of its entries.
func (x *xmlCatalog) places() (file, data string) {
	o := x.options
	name := o.value("package", "")
	switch {
	case o.has("root"):
		return "/etc/xml/catalog", "/var/lib/xml-core/catalog"
	case o.has("package"):
		return "/etc/xml/" + name + ".xml", "/var/lib/xml-core/" + name
	}
	local := o.value("local", "")
	return x.path(local), "/var/lib/xml-core/" + strings.ReplaceAll(local, "/", "_")
}

// name works out the entry's key and value.
func (x *xmlCatalog) name() {
	o := x.options
	x.file, x.data = x.places()
	kind, id := o.value("type", ""), o.value("id", "")
	attribute := kind + "Id"
	if !o.has("root") && !o.has("package") {
		if kind == "uri" {
			attribute = "name"
		}
		x.key, x.entry = kind+" "+attribute+`="`+id+`"`, `uri="`+o.value("file", "")+`"`
		return
	}
	element := "delegate" + strings.ToUpper(kind[:1]) + kind[1:]
	if kind == "uri" {
		attribute, element = "uri", "delegateURI"
	}
	x.key = element + " " + attribute + `StartString="` + id + `"`
	x.entry = `catalog="file://` + o.value("local", "") + `"`
	if o.has("root") {
		x.entry = `catalog="file:///etc/xml/` + o.value("package", "") + `.xml"`
	}
}

func (x *xmlCatalog) read() error {
	x.entries = map[string]string{}
	text, err := readIfThere(x.FS, x.data)
	for _, line := range nonEmptyLines(text) {
		key, entry, _ := strings.Cut(line, ">")
		entry, _, _ = strings.Cut(entry, ">")
		x.entries[strings.TrimPrefix(key, "<")] = strings.TrimPrefix(entry, "<")
	}
	return err
}

func (x *xmlCatalog) write() error {
	if isFile(x.FS, x.file) {
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
func UpdateCatalog(_ context.Context, c *Call) (int, error) {
	o, err := parseLeading(c, "add remove quiet super update-super")
	if err != nil {
		return 1, err
	}
	actions := len(o.given["add"]) + len(o.given["remove"]) + len(o.given["update-super"])
	switch {
	case actions != 1:
		say(c, "Huh? You have to use precisely one out of --add --remove or --update-super.")
		return 1, nil
	case o.has("update-super"):
		return 0, c.updateSuperCatalog(o.has("quiet"))
	case o.has("super"):
		say(c, "update-catalog: Suppressing action on super catalog. Invoking trigger instead.")
		if !slices.Contains(c.Machine.Triggers, "/etc/sgml") {
			c.Machine.Triggers = append(c.Machine.Triggers, "/etc/sgml")
		}
		return 0, nil
	case len(o.rest) != 2:
		return complain(c, 1, "too many or too few arguments")
	}
	return 0, c.editCatalog(o.rest[0], o.rest[1], o.has("add"))
}

// editCatalog removes an entry, which is a pattern, and adds it again.
func (c *Call) editCatalog(catalog, entry string, add bool) error {
	file := c.path(catalog)
	var lines []string
	if isFile(c.FS, file) {
		pattern, err := regexp.Compile(entry)
		if err != nil {
			return unhonoured(c, "the entry %q is no pattern: %v", entry, err)
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

func (c *Call) updateSuperCatalog(quiet bool) error {
	entries, err := c.FS.ReadDir("/etc/sgml")
	if err != nil {
		return err
	}
	text := "--\n## This file is created by update-catalog with update-super.\n## Please see update-catalog(8) for how to modify this file.\n--\n"
	for _, e := range entries { // sorted by name
		if strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), ".cat") || len(e.Name()) < 5 {
			continue
		}
		if catalog := "/etc/sgml/" + e.Name(); c.wholeCatalog(catalog) {
			text += "CATALOG " + catalog + "\n"
		} else if !quiet {
			say(c, "Warning ignoring catalog `%s' which references non-existent catalogs. See man update-catalog for details.", catalog)
		}
	}
	if present(c.FS, superCatalog) {
		if err := c.FS.Rename(superCatalog, superCatalog+".old"); err != nil {
			return err
		}
	}
	return c.FS.WriteFile(superCatalog, []byte(text), 0o644)
}

var catalogToken = regexp.MustCompile(`(?s)(?:\s+|--.*?--)+|'.*?'|".*?"|\S+`)

// wholeCatalog reports whether all catalogs are there that a catalog refers to
// (OASIS TR 9401).
func (c *Call) wholeCatalog(catalog string) bool {
	text, err := c.FS.ReadFile(catalog)
	if err != nil {
		return false
	}
	base, before := dirName(catalog), ""
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
		} else if !strings.HasPrefix(token, "/") && !isFile(c.FS, base+"/"+token) || strings.HasPrefix(token, "/") && !isFile(c.FS, token) {
			return false
		}
		before = ""
	}
	return true
}

// InstallSGMLCatalog is install-sgmlcatalog(8), of which only the removal of a
// package's part of the transitional catalog is left.
func InstallSGMLCatalog(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "quiet remove=")
	if err != nil {
		return 1, err
	}
	if !o.has("remove") {
		return complain(c, 255, "Usage:\n    install-sgmlcatalog --remove package")
	}
	if isFile(c.FS, "/etc/sgml/transitional.cat") {
		return 1, unhonoured(c, "a transitional catalog is of a system that was upgraded")
	}
	return 0, nil
}
