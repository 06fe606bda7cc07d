// Package dropintool is systemd-sysusers and systemd-tmpfiles: what packages ask
// for in lines of sysusers.d(5) and tmpfiles.d(5).
package dropintool

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
)

// readLines reads the text of a file of sysusers.d or tmpfiles.d: what parse makes of
// each line, but for empty ones and comments.
func readLines[Line any](text string, parse func(line string) (Line, error)) ([]Line, error) {
	var all []Line
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		l, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// splitQuoted splits a line of sysusers.d or tmpfiles.d at white space into at
// most limit words, the last of which takes the rest as it is. Quotes group; a
// backslash keeps the next character.
func splitQuoted(line string, limit int) ([]string, error) {
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if limit > 0 && len(words) == limit-1 {
			return append(words, line), nil
		}
		word, rest, err := quotedWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), rest
	}
	return words, nil
}

func quotedWord(line string) (word, rest string, err error) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), line[i:], nil
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", "", fmt.Errorf("a quote is not closed in %q", line)
	}
	return b.String(), "", nil
}

// errRuntime marks a specifier that only a running system can tell.
type errRuntime byte

func (e errRuntime) Error() string {
	return fmt.Sprintf("the specifier %%%c is known on a running system only", byte(e))
}

// expandSpecifiers replaces the specifiers of sysusers.d(5) and tmpfiles.d(5)
// that say the same in an image as on the system that it becomes.
func expandSpecifiers(c *command.Call, s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		v, err := specifier(c, s[i])
		if err != nil {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

func specifier(c *command.Call, name byte) (string, error) {
	fixed := map[byte]string{
		'%': "%", 'T': "/tmp", 'V': "/var/tmp", 't': "/run", 'S': "/var/lib", 'C': "/var/cache", 'L': "/var/log",
		'h': "/root", 'u': "root", 'U': "0", 'g': "root", 'G': "0", 'a': systemdArch(c.Machine.Arch),
	}
	if v, ok := fixed[name]; ok {
		return v, nil
	}
	fields := map[byte]string{'o': "ID", 'w': "VERSION_ID", 'W': "VARIANT_ID", 'B': "BUILD_ID", 'M': "IMAGE_ID", 'A': "IMAGE_VERSION"}
	if f, ok := fields[name]; ok {
		return osRelease(c.FS, f)
	}
	if strings.IndexByte("mbHlqv", name) >= 0 {
		return "", errRuntime(name)
	}
	return "", fmt.Errorf("the specifier %%%c is not known", name)
}

func systemdArch(debian string) string {
	names := map[string]string{"amd64": "x86-64", "i386": "x86", "armhf": "arm", "ppc64el": "ppc64-le"}
	if n, ok := names[debian]; ok {
		return n
	}
	return debian
}

func osRelease(f *vfs.FS, field string) (string, error) {
	text, err := f.ReadIfThere("/usr/lib/os-release")
	if err != nil {
		return "", err
	}
	for _, line := range command.NonEmptyLines(text) {
		if v, ok := strings.CutPrefix(line, field+"="); ok {
			return strings.Trim(v, `"'`), nil
		}
	}
	return "", nil
}

// configFolders are where systemd looks for a kind of configuration, the first
// winning for files of one name.
func configFolders(kind string) []string {
	return []string{"/etc/" + kind, "/run/" + kind, "/usr/local/lib/" + kind, "/usr/lib/" + kind}
}

// configFiles returns the files that args name, or all of the kind: sorted by
// name, each once. missing is the first that is not there.
func configFiles(f *vfs.FS, kind string, args []string) (files []string, missing string, err error) {
	for _, a := range args {
		found := ""
		if strings.HasPrefix(a, "/") && f.Exists(a) {
			found = a
		}
		for _, dir := range configFolders(kind) {
			if found == "" && !strings.HasPrefix(a, "/") && f.Exists(dir+"/"+a) {
				found = dir + "/" + a
			}
		}
		if found == "" {
			return files, a, nil
		}
		files = append(files, found)
	}
	if len(args) > 0 {
		return files, "", nil
	}
	byName := map[string]string{}
	for _, dir := range slices.Backward(configFolders(kind)) {
		for _, p := range f.Glob(dir + "/*.conf") {
			byName[path.Base(p)] = p
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		files = append(files, byName[name])
	}
	return files, "", nil
}
