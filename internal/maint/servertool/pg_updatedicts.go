package servertool

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"kiln/internal/maint/command"
)

const (
	pgDictionaries = "/var/cache/postgresql/dicts"
	pgShare        = "/usr/share/postgresql"
)

var pgEncoding = regexp.MustCompile(`(?m)^SET ([\w-]+)\s*$`)

// PgUpdatedicts is pg_updatedicts(8): the dictionaries of hunspell and myspell, in
// UTF-8, with links to them where each version of PostgreSQL looks for them.
func PgUpdatedicts(ctx context.Context, c *command.Call) (int, error) {
	if len(c.Args) > 0 {
		return 0, c.Unhonoured("it takes no arguments")
	}
	if err := c.FS.MkdirAll(pgDictionaries, 0o755); err != nil {
		return 1, err
	}
	c.Say("Building PostgreSQL dictionaries from installed myspell/hunspell packages...")
	current := map[string]bool{}
	for _, dir := range []string{"/usr/share/hunspell", "/usr/share/myspell/dicts"} {
		for _, affixes := range c.FS.Glob(dir + "/*.aff") {
			if c.FS.IsLink(affixes) {
				continue
			}
			if err := pgDictionary(c, ctx, affixes, current); err != nil {
				return 1, err
			}
		}
	}
	c.Say("Removing obsolete dictionary files:")
	old := c.FS.Glob(pgDictionaries + "/*")
	for _, pattern := range []string{"/*/tsearch_data/*.affix", "/*/tsearch_data/*.dict"} {
		for _, f := range c.FS.Glob(pgShare + pattern) {
			if c.FS.IsLink(f) {
				old = append(old, f)
			}
		}
	}
	for _, f := range old {
		if current[f] {
			continue
		}
		c.Say("  %s", f)
		if err := c.FS.Unlink(f); err != nil {
			return 1, err
		}
	}
	return 0, nil
}

// pgDictionary takes over one dictionary; current gets what it makes.
func pgDictionary(c *command.Call, ctx context.Context, affixes string, current map[string]bool) error {
	words := strings.TrimSuffix(affixes, "aff") + "dic"
	if !c.FS.IsFile(words) {
		_, err := fmt.Fprintf(c.Stderr, "ERROR: %s does not have corresponding %s, ignoring\n", affixes, words)
		return err
	}
	text, err := c.FS.ReadFile(affixes)
	if err != nil {
		return err
	}
	encoding := pgEncoding.FindSubmatch(text)
	if encoding == nil {
		_, err := fmt.Fprintf(c.Stderr, "ERROR: no encoding defined in %s, ignoring\n", affixes)
		return err
	}
	locale := strings.ToLower(strings.TrimSuffix(path.Base(affixes), ".aff"))
	pair := []string{locale + ".affix", locale + ".dict"}
	c.Say("  %s", locale)
	for i, from := range []string{affixes, words} {
		to := pgDictionaries + "/" + pair[i]
		current[to] = true
		status, err := c.Exec(ctx, []string{"iconv", "-f", string(encoding[1]), "-t", "UTF-8", "-o", to, from}, c.Stdin, c.Stdout, c.Stderr)
		if err != nil {
			return err
		}
		if status != 0 {
			return c.Unhonoured("%s cannot be converted from %s", from, encoding[1])
		}
	}
	return pgLinks(c, pair, current)
}

// pgLinks makes the links of one dictionary in every version from 8.3 on, which are
// all that there are. What is no link is left alone.
func pgLinks(c *command.Call, pair []string, current map[string]bool) error {
	for _, server := range c.FS.Glob("/usr/lib/postgresql/*/bin/postgres") {
		dest := pgShare + "/" + path.Base(path.Dir(path.Dir(server))) + "/tsearch_data"
		if !c.FS.IsDir(dest) {
			continue
		}
		own := false
		for _, name := range pair {
			current[dest+"/"+name] = true
			own = own || c.FS.Exists(dest+"/"+name) && !c.FS.IsLink(dest+"/"+name)
		}
		for _, name := range pair {
			if own {
				break
			}
			if err := c.FS.ReplaceLink(pgDictionaries+"/"+name, dest+"/"+name); err != nil {
				return err
			}
		}
	}
	return nil
}
