package debconf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Files is debconf's database as debconf.conf of Debian places it in
// /var/cache/debconf.
type Files struct {
	Config    []byte // config.dat, mode 0644
	Templates []byte // templates.dat, mode 0644
	Passwords []byte // passwords.dat, mode 0600
}

// Read fills an empty DB from the files.
func (db *DB) Read(f Files) error {
	for _, part := range []struct {
		file     string
		text     []byte
		into     map[string]*item
		password bool
	}{
		{"config.dat", f.Config, db.config, false},
		{"passwords.dat", f.Passwords, db.config, true},
		{"templates.dat", f.Templates, db.templates, false},
	} {
		for n, stanza := range strings.Split(string(part.text), "\n\n") {
			name, it, err := readItem(stanza)
			if err != nil {
				return fmt.Errorf("cannot read entry %d of debconf's %s: %w", n+1, part.file, err)
			}
			if name != "" {
				it.password = part.password
				part.into[name] = it
			}
		}
	}
	return nil
}

func readItem(stanza string) (string, *item, error) {
	it, name, vars := newItem(), "", false
	for line := range strings.Lines(stanza) {
		line = strings.TrimSuffix(line, "\n")
		if vars && strings.HasPrefix(line, " ") {
			v, value, _ := strings.Cut(strings.TrimLeft(line, space), "=")
			it.variables[strings.TrimRight(v, space)] = unescapeLine(strings.TrimPrefix(value, " "))
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok && line != "" {
			return "", nil, fmt.Errorf("%q is no field", line)
		}
		vars = it.set(&name, strings.ToLower(key), strings.TrimPrefix(value, " "))
	}
	return name, it, nil
}

// set takes one field and reports whether variables follow.
func (it *item) set(name *string, key, value string) bool {
	switch key {
	case "":
	case "name":
		*name = value
	case "owners":
		for o := range strings.SplitSeq(value, ", ") {
			it.owners[o] = true
		}
	case "flags":
		for f := range strings.SplitSeq(value, ", ") {
			it.flags[f] = "true"
		}
	case "variables":
		return true
	default:
		it.fields[key] = unescapeLine(value)
	}
	return false
}

func unescapeLine(s string) string { return strings.ReplaceAll(s, `\n`, "\n") }
func escapeLine(s string) string   { return strings.ReplaceAll(s, "\n", `\n`) }

// Write returns the files as debconf writes them: entries and fields sorted.
func (db *DB) Write() Files {
	return Files{
		Config:    write(db.config, func(it *item) bool { return !it.password }),
		Passwords: write(db.config, func(it *item) bool { return it.password }),
		Templates: write(db.templates, func(*item) bool { return true }),
	}
}

func write(items map[string]*item, keep func(*item) bool) []byte {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(items)) {
		if keep(items[name]) {
			items[name].write(&b, name)
		}
	}
	return []byte(b.String())
}

func (it *item) write(b *strings.Builder, name string) {
	fmt.Fprintf(b, "Name: %s\n", name)
	for _, f := range slices.Sorted(maps.Keys(it.fields)) {
		fmt.Fprintf(b, "%s: %s\n", strings.ToUpper(f[:1])+f[1:], escapeLine(it.fields[f]))
	}
	if len(it.owners) > 0 {
		fmt.Fprintf(b, "Owners: %s\n", strings.Join(slices.Sorted(maps.Keys(it.owners)), ", "))
	}
	if flags := it.raised(); len(flags) > 0 {
		fmt.Fprintf(b, "Flags: %s\n", strings.Join(flags, ", "))
	}
	if len(it.variables) > 0 {
		b.WriteString("Variables:\n")
		for _, v := range slices.Sorted(maps.Keys(it.variables)) {
			fmt.Fprintf(b, " %s = %s\n", v, escapeLine(it.variables[v]))
		}
	}
	b.WriteString("\n")
}

func (it *item) raised() []string {
	var names []string
	for _, f := range slices.Sorted(maps.Keys(it.flags)) {
		if it.flags[f] == "true" {
			names = append(names, f)
		}
	}
	return names
}
