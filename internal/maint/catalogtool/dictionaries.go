package catalogtool

import (
	"context"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// What dictionaries-common looks after. Of its files in /var/cache, only the name
// of the default word list is made here: the rest is what Emacs, Jed and
// SquirrelMail are told of the dictionaries, which its tools make anew.
const (
	dictionaryInfo    = "/var/lib/dictionaries-common/"
	dictionaryEtc     = "/etc/dictionaries-common/"
	dictionaryCache   = "/var/cache/dictionaries-common/"
	defaultWordlist   = dictionaryCache + "wordlist-default"
	wordlistFolder    = "/usr/share/dict/"
	aspellCompatFiles = "/var/lib/aspell/*.compat"
)

// DictionaryConfig is the debconf script of dictionaries-common and of those word
// lists that have one, which are written in perl: they ask which list or dictionary
// is to be the default. Nobody answers; the default is settled by
// UpdateDefaultWordlist.
func DictionaryConfig(_ context.Context, c *command.Call) (int, error) {
	c.Note("debconf", "dictionaries-common/default-wordlist is not asked")
	return 0, nil
}

// UpdateDictcommon is update-dictcommon-aspell(8) and -hunspell(8).
func UpdateDictcommon(ctx context.Context, c *command.Call) (int, error) {
	if _, err := c.ParseOptions(""); err != nil {
		return 1, err
	}
	c.Note("cache", dictionaryCache)
	if strings.HasSuffix(c.Name, "aspell") {
		return AspellAutobuildhash(ctx, c)
	}
	return 0, nil
}

// AspellAutobuildhash is aspell-autobuildhash(8) where no dictionary asks for a hash
// by a .compat file.
func AspellAutobuildhash(_ context.Context, c *command.Call) (int, error) {
	if _, err := c.ParseOptions("triggered"); err != nil {
		return 1, err
	}
	if files := c.FS.Glob(aspellCompatFiles); len(files) > 0 {
		return 1, c.Unhonoured("kiln cannot compile the dictionary of %s, and aspell cannot do without", files[0])
	}
	return 0, nil
}

// UpdateDefaultWordlist is update-default-wordlist(8): it leaves the work for a
// trigger, and when that comes makes the one word list that there is the default.
func UpdateDefaultWordlist(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("rebuild triggered skip-symlinks")
	if err != nil {
		return 1, err
	}
	lists, err := dictionaries(c, "wordlist")
	if err != nil {
		return 1, err
	}
	c.Note("cache", dictionaryCache)
	if err := wordlistLinks(c, len(lists) > 0); err != nil {
		return 1, err
	}
	switch {
	case !o.Has("triggered"):
		return 0, dictionaryTrigger(c)
	case len(lists) == 0:
		return 0, removeIfThere(c, defaultWordlist)
	case len(lists) > 1:
		return 1, c.Unhonoured("there is more than one word list, and the default depends on locale and answers")
	}
	list := lists[0]
	if err := c.FS.WriteFile(defaultWordlist, []byte(list.language), 0o644); err != nil || o.Has("skip-symlinks") {
		return 0, err
	}
	file := wordlistFolder + list.file
	if !c.FS.Exists(file) {
		return c.Complain(2, "Could not make the default symlink to \"%s\".", file)
	}
	return 0, c.FS.ReplaceLink(file, dictionaryEtc+"words")
}

// UpdateDefaultIspell is update-default-ispell(8) where there is no dictionary of
// ispell's.
func UpdateDefaultIspell(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("rebuild triggered skip-symlinks")
	if err != nil {
		return 1, err
	}
	lists, err := dictionaries(c, "ispell")
	switch {
	case err != nil:
		return 1, err
	case len(lists) > 0:
		return 1, c.Unhonoured("kiln cannot make the hashes of ispell")
	}
	c.Note("cache", dictionaryCache)
	if !o.Has("triggered") {
		return 0, dictionaryTrigger(c)
	}
	if err := removeIfThere(c, dictionaryEtc+"ispell-default"); err != nil {
		return 1, err
	}
	return 0, c.FS.WriteFile(dictionaryEtc+"ispell-default", nil, 0o644)
}

// dictionary is what a package says of one.
type dictionary struct{ language, file string }

// dictionaries reads what packages say of the dictionaries of a class.
func dictionaries(c *command.Call, class string) ([]dictionary, error) {
	var all []dictionary
	for _, p := range c.FS.Glob(dictionaryInfo + class + "/*") {
		text, err := c.FS.ReadFile(p)
		if err != nil {
			return nil, err
		}
		for paragraph := range strings.SplitSeq(string(text), "\n\n") {
			d := dictionary{}
			for line := range strings.Lines(paragraph) {
				field, value, _ := strings.Cut(line, ":")
				switch strings.ToLower(field) {
				case "language":
					d.language = strings.TrimSpace(value)
				case "hash-name":
					d.file = strings.TrimSpace(value)
				}
			}
			if d.language != "" {
				all = append(all, d)
			}
		}
	}
	return all, nil
}

// dictionaryTrigger activates the trigger that is called as the command.
func dictionaryTrigger(c *command.Call) error {
	if !slices.Contains(c.Machine.Triggers, c.Name) {
		c.Machine.Triggers = append(c.Machine.Triggers, c.Name)
	}
	return nil
}

func removeIfThere(c *command.Call, p string) error {
	if !c.FS.Present(p) {
		return nil
	}
	return c.FS.Remove(p)
}

// wordlistLinks makes /usr/share/dict/words lead to the default, or removes links
// that lead nowhere where there is no list.
func wordlistLinks(c *command.Call, any bool) error {
	words := wordlistFolder + "words"
	if any {
		if c.FS.Present(words) {
			return nil
		}
		return c.FS.Symlink(dictionaryEtc+"words", words)
	}
	for _, link := range []string{dictionaryEtc + "words", words} {
		if c.FS.IsLink(link) && !c.FS.Exists(link) {
			if err := c.FS.Remove(link); err != nil {
				return err
			}
		}
	}
	return nil
}
