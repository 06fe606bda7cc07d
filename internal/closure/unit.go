package closure

import (
	"path"
	"slices"
	"strings"
)

// Unit is what a unit file of systemd, or a file beside one that adds to it, says
// of programs (systemd.service(5), systemd.unit(5)).
type Unit struct {
	Exec       []Setting `json:"exec,omitempty"`       // ExecStart= and the like, in order; an empty value takes back those before it
	Conditions []Setting `json:"conditions,omitempty"` // ConditionPathExists= and ConditionFileIsExecutable=
	Elsewhere  bool      `json:"elsewhere,omitempty"`  // it runs in another root: RootDirectory=, RootImage=
}

// Setting is one line of a unit file.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
	Line  int    `json:"line"` // from 1
}

func execKeys() []string {
	return []string{"ExecCondition", "ExecReload", "ExecStart", "ExecStartPost", "ExecStartPre", "ExecStop", "ExecStopPost", "ExecStopPre"}
}

func conditionKeys() []string {
	return []string{"AssertFileIsExecutable", "AssertPathExists", "ConditionFileIsExecutable", "ConditionPathExists"}
}

// unitFolders are where systemd looks for units in an image, first come first
// served. What is below /run is not there yet.
func unitFolders(manager string) []string {
	return []string{"etc/systemd/" + manager, "usr/local/lib/systemd/" + manager, "usr/lib/systemd/" + manager}
}

func managers() []string { return []string{system, "user"} }

// unitSuffixes are of the types of units that run programs.
func unitSuffixes() []string { return []string{".service", ".socket", ".mount", ".swap"} }

// isUnit reports whether a path is that of a unit file that may run a program, or
// of a file in a folder NAME.d that adds to one.
func isUnit(p string) bool {
	if !strings.Contains(p, "systemd/") {
		return false
	}
	for _, m := range managers() {
		for _, dir := range unitFolders(m) {
			rest, ok := strings.CutPrefix(p, dir+"/")
			if !ok {
				continue
			}
			name := rest
			if folder, file, deep := strings.Cut(rest, "/"); deep {
				name = strings.TrimSuffix(folder, ".d")
				if name == folder || !strings.HasSuffix(file, ".conf") {
					return false
				}
			}
			return slices.Contains(unitSuffixes(), path.Ext(name))
		}
	}
	return false
}

// readUnit returns nil for a file that names no program and no condition.
func readUnit(content []byte) *Unit {
	u := &Unit{}
	number := 0
	var held Setting
	continued := false
	for text := range strings.Lines(string(content)) {
		number++
		text = strings.TrimSpace(text)
		if text == "" && !continued || strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";") {
			continue // also between the lines of one that goes on
		}
		rest, more := strings.CutSuffix(text, "\\")
		if continued {
			held.Value += " " + rest
		} else {
			key, value, _ := strings.Cut(rest, "=")
			held = Setting{Key: strings.TrimSpace(key), Value: value, Line: number}
		}
		if continued = more; !more {
			u.add(held)
		}
	}
	if u.Exec == nil && u.Conditions == nil && !u.Elsewhere {
		return nil
	}
	return u
}

func (u *Unit) add(s Setting) {
	s.Value = strings.TrimSpace(s.Value)
	switch {
	case slices.Contains(execKeys(), s.Key):
		u.Exec = append(u.Exec, s)
	case slices.Contains(conditionKeys(), s.Key):
		u.Conditions = append(u.Conditions, s)
	case (s.Key == "RootDirectory" || s.Key == "RootImage") && s.Value != "" && s.Value != "/":
		u.Elsewhere = true
	}
}

// unitPath is where systemd looks for a program that is named without a folder
// (systemd.exec(5), "Command lines").
const unitPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

// program returns the program that a line runs for the unit called name. It is
// empty where the line names none that can be known here, or allows that it fails.
func (s Setting) program(name string) string {
	value := s.Value
	for value != "" && strings.ContainsRune("@-:+!|", rune(value[0])) {
		if value[0] == '-' {
			return ""
		}
		value = strings.TrimSpace(value[1:])
	}
	word := firstWord(value)
	if strings.Contains(word, "$") {
		return ""
	}
	return expand(word, name)
}

// firstWord is the first word of a command line, out of its quotes.
func firstWord(s string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// expand replaces specifiers (systemd.unit(5)); the result is empty where there is
// one that only the running system knows, or the instance of a template.
func expand(word, name string) string {
	if !strings.Contains(word, "%") {
		return word
	}
	stem := strings.TrimSuffix(name, path.Ext(name))
	prefix, instance, template := strings.Cut(stem, "@")
	known := map[byte]string{
		'%': "%", 'n': name, 'N': stem, 'p': prefix, 'i': instance,
		't': "/run", 'S': "/var/lib", 'C': "/var/cache", 'L': "/var/log", 'E': "/etc", 'T': "/tmp", 'V': "/var/tmp",
	}
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		if word[i] != '%' || i+1 == len(word) {
			b.WriteByte(word[i])
			continue
		}
		i++
		value, ok := known[word[i]]
		if !ok || template && instance == "" && strings.IndexByte("nNi", word[i]) >= 0 {
			return ""
		}
		b.WriteString(value)
	}
	return b.String()
}
