package gschema

import (
	"fmt"
	"strings"
)

// override sets the defaults of one override file, a key file of GLib's: groups
// "[schema]" or "[schema:desktop]" of "key=value". What it says of schemas and keys
// that are not there is passed over, as vendors count on.
func (s *schemas) override(f File) error {
	var in *schema
	group, desktop := "", ""
	for n, line := range strings.Split(string(f.Data), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[' && line[len(line)-1] == ']':
			group = line[1 : len(line)-1]
			var id string
			id, desktop, _ = strings.Cut(group, ":")
			in = s.byID[id]
		default:
			name, text, ok := strings.Cut(line, "=")
			if !ok || group == "" {
				return fmt.Errorf("line %d is no part of a key file", n+1)
			}
			if in != nil {
				s.overrideKey(in, place{f.Name, group, desktop}, strings.TrimSpace(name), strings.TrimSpace(text))
			}
		}
	}
	return nil
}

// place is where an override stands.
type place struct{ file, group, desktop string }

func (s *schemas) overrideKey(in *schema, at place, name, text string) {
	k := in.keys[name]
	if k == nil {
		s.warn("No such key “%s” in schema “%s” as specified in override file “%s”; ignoring override for this key.", name, at.group, at.file)
		return
	}
	if at.desktop != "" && k.l10n != 0 {
		s.warn("Cannot provide per-desktop overrides for localized key “%s” in schema “%s” (override file “%s”); ignoring override for this key.", name, at.group, at.file)
		return
	}
	v, err := parse(k.kind, text)
	if err == nil {
		err = k.check(v)
	}
	if err != nil {
		s.warn("Error parsing key “%s” in schema “%s” as specified in override file “%s”: %v. Ignoring override for this key.", name, at.group, at.file, err)
		return
	}
	if at.desktop == "" {
		k.byDefault = v
		return
	}
	for i := range k.overrides {
		if k.overrides[i].desktop == at.desktop {
			k.overrides[i].value = v
			return
		}
	}
	k.overrides = append(k.overrides, desktopValue{at.desktop, v})
}
