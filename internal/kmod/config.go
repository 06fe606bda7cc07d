package kmod

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Config is what depmod.d(5) configures.
type Config struct {
	overrides []string // "updates/virtio_blk", the last one first
	searches  []string // folders, and "built-in" for all others; what comes later in the list goes first
	excludes  []string // names of folders
}

// ConfigFolders are those in which depmod looks for files *.conf; a name in an earlier one
// hides that in a later one. They are read in the order of names.
func ConfigFolders() []string {
	return []string{"/run/depmod.d", "/etc/depmod.d", "/usr/local/lib/depmod.d", "/usr/lib/depmod.d", "/lib/depmod.d"}
}

// Read adds what a file says, of the given name, for a release.
func (c *Config) Read(name string, text []byte, release string) error {
	joined := strings.ReplaceAll(string(text), "\\\n", "")
	for line := range strings.Lines(joined) {
		words := strings.Fields(line)
		if len(words) == 0 || line[0] == '#' {
			continue
		}
		switch words[0] {
		case "search":
			for _, w := range words[1:] {
				c.searches = append([]string{w}, c.searches...)
			}
		case "exclude":
			c.excludes = append(c.excludes, words[1:]...)
		case "override":
			if len(words) < 4 {
				return fmt.Errorf("%s: override needs a module, a release and a folder", name)
			}
			if matches(words[2], release) {
				c.overrides = append([]string{words[3] + "/" + words[1]}, c.overrides...)
			}
		case "include", "make_map_files": // depmod passes them over, too
		default:
			return fmt.Errorf("%s: %q is not understood here", name, words[0])
		}
	}
	return nil
}

func matches(pattern, release string) bool {
	if pattern == "*" {
		return true
	}
	re, err := regexp.CompilePOSIX(pattern)
	return err == nil && re.MatchString(release)
}

// excluded reports whether a module is in a folder that is passed over.
func (c *Config) excluded(file string) bool {
	parts := strings.Split(file, "/")
	for _, dir := range parts[:len(parts)-1] {
		if dir == "build" || dir == "source" || slices.Contains(c.excludes, dir) {
			return true
		}
	}
	return false
}

// stays reports whether the module in the file old is to be taken rather than that
// of the same name in other.
func (c *Config) stays(old, other string) bool {
	old, other = bare(old), bare(other)
	for _, o := range c.overrides {
		if o == other {
			return false
		}
		if o == old {
			return true
		}
	}
	searches := c.searches
	if len(searches) == 0 {
		searches = []string{"updates"}
	}
	builtin, before, after := -1, -1, -1
	for i, dir := range searches {
		switch {
		case dir == "built-in":
			builtin = i
		case strings.HasPrefix(other, dir+"/"):
			after = i
		case strings.HasPrefix(old, dir+"/"):
			before = i
		}
	}
	if after < 0 {
		after = builtin
	}
	if before < 0 {
		before = builtin
	}
	return after <= before
}

// ReadConfig reads depmod.d of a system: list tells the names in a folder, sorted, and read
// the content of a file, both by absolute paths.
func ReadConfig(c *Config, release string, list func(dir string) []string, read func(file string) ([]byte, error)) error {
	files := map[string]string{}
	for _, dir := range ConfigFolders() {
		for _, name := range list(dir) {
			if strings.HasSuffix(name, ".conf") && len(name) > len(".conf") && name[0] != '.' && files[name] == "" {
				files[name] = dir + "/" + name
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text, err := read(files[name])
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", files[name], err)
		}
		if err := c.Read(files[name], text, release); err != nil {
			return err
		}
	}
	return nil
}
