package command

import (
	"context"
	"slices"
	"strings"
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
func DictionaryConfig(_ context.Context, c *Call) (int, error) {
	note(c, "debconf", "dictionaries-common/default-wordlist is not asked")
	return 0, nil
}

// UpdateDictcommon is update-dictcommon-aspell(8) and -hunspell(8).
func UpdateDictcommon(ctx context.Context, c *Call) (int, error) {
	if _, err := parseOptions(c, ""); err != nil {
		return 1, err
	}
	note(c, "cache", dictionaryCache)
	if strings.HasSuffix(c.Name, "aspell") {
		return AspellAutobuildhash(ctx, c)
	}
	return 0, nil
}

// AspellAutobuildhash is aspell-autobuildhash(8) where no dictionary asks for a hash
// by a .compat file.
func AspellAutobuildhash(_ context.Context, c *Call) (int, error) {
	if _, err := parseOptions(c, "triggered"); err != nil {
		return 1, err
	}
	if files := c.FS.Glob(aspellCompatFiles); len(files) > 0 {
		return 1, unhonoured(c, "kiln cannot compile the dictionary of %s, and aspell cannot do without", files[0])
	}
	return 0, nil
}

// UpdateDefaultWordlist is update-default-wordlist(8): it leaves the work for a
// trigger, and when that comes makes the one word list that there is the default.
func UpdateDefaultWordlist(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "rebuild triggered skip-symlinks")
	if err != nil {
		return 1, err
	}
	lists, err := c.dictionaries("wordlist")
	if err != nil {
		return 1, err
	}
	note(c, "cache", dictionaryCache)
	if err := c.wordlistLinks(len(lists) > 0); err != nil {
		return 1, err
	}
	switch {
	case !o.has("triggered"):
		return 0, c.dictionaryTrigger()
	case len(lists) == 0:
		return 0, c.removeIfThere(defaultWordlist)
	case len(lists) > 1:
		return 1, unhonoured(c, "there is more than one word list, and the default depends on locale and answers")
	}
	list := lists[0]
	if err := c.FS.WriteFile(defaultWordlist, []byte(list.language), 0o644); err != nil || o.has("skip-symlinks") {
		return 0, err
	}
	file := wordlistFolder + list.file
	if !exists(c.FS, file) {
		return complain(c, 2, "Could not make the default symlink to \"%s\".", file)
	}
	return 0, replaceLink(c.FS, file, dictionaryEtc+"words")
}

// UpdateDefaultIspell is update-default-ispell(8) where there is no dictionary of
// ispell's.
func UpdateDefaultIspell(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "rebuild triggered skip-symlinks")
	if err != nil {
		return 1, err
	}
	lists, err := c.dictionaries("ispell")
	switch {
	case err != nil:
		return 1, err
	case len(lists) > 0:
		return 1, unhonoured(c, "kiln cannot make the hashes of ispell")
	}
	note(c, "cache", dictionaryCache)
	if !o.has("triggered") {
		return 0, c.dictionaryTrigger()
	}
	if err := c.removeIfThere(dictionaryEtc + "ispell-default"); err != nil {
		return 1, err
	}
	return 0, c.FS.WriteFile(dictionaryEtc+"ispell-default", nil, 0o644)
}

// dictionary is what a package says of one.
type dictionary struct{ language, file string }

// dictionaries reads what packages say of the dictionaries of a class.
func (c *Call) dictionaries(class string) ([]dictionary, error) {
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
func (c *Call) dictionaryTrigger() error {
	if !slices.Contains(c.Machine.Triggers, c.Name) {
		c.Machine.Triggers = append(c.Machine.Triggers, c.Name)
	}
	return nil
}

func (c *Call) removeIfThere(p string) error {
	if !present(c.FS, p) {
		return nil
	}
	return c.FS.Remove(p)
}

// wordlistLinks makes /usr/share/dict/words lead to the default, or removes links
// that lead nowhere where there is no list.
func (c *Call) wordlistLinks(any bool) error {
	words := wordlistFolder + "words"
	if any {
		if present(c.FS, words) {
			return nil
		}
		return c.FS.Symlink(dictionaryEtc+"words", words)
	}
	for _, link := range []string{dictionaryEtc + "words", words} {
		if isLink(c.FS, link) && !exists(c.FS, link) {
			if err := c.FS.Remove(link); err != nil {
				return err
			}
		}
	}
	return nil
}
