package recipe

import (
	"reflect"
	"strings"
)

// keys are the keys of one struct type, from its tags. The jsonschema tag says
// which are required, to the decoder and to the published schema alike.
type keys struct {
	names    []string // in the order of the type, for messages
	index    map[string]int
	required []string
	needs    map[string]string // what to write where a required key is missing, from the tag need
	short    int               // field that a bare scalar fills, from the tag short; -1: none
	bare     bool              // the name alone is an item
	named    bool              // the first field is the item's name
	later    []string          // what the design of the recipe has here and this kiln not yet
}

func keysOf(t reflect.Type) keys {
	k := keys{index: map[string]int{}, needs: map[string]string{}, short: -1, later: laterKeys(t), bare: t == reflect.TypeFor[Harden]()}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		switch {
		case name == "":
			k.named = k.named || i == 0
			continue
		case strings.Contains(f.Tag.Get("jsonschema"), "required"):
			k.required = append(k.required, name)
		}
		if need := f.Tag.Get("need"); need != "" {
			k.needs[name] = need
		}
		if f.Tag.Get("short") != "" {
			k.short = i
		}
		k.names = append(k.names, name)
		k.index[name] = i
	}
	return k
}

// laterKeys are the keys of a type that the design of the recipe has and this kiln
// not yet.
func laterKeys(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[Recipe]():
		return []string{"tests", "from"}
	}
	return nil
}

// needs says what to write where a required key is missing.
var needs = map[string]string{
	"kiln":      "the format of the recipe: kiln: v1",
	"why":       "say what it is for, in a few words: why: ...",
	"platforms": "such as platforms: [linux/amd64, linux/arm64]",
	"layers":    "at least one, in order: - name: base",
	"uid":       "the number of the user, such as uid: 10001",
	"gid":       "the number of the group, such as gid: 10001",
	"question":  "as debconf has it, such as question: tzdata/Areas",
	"value":     "the answer as debconf keeps it, such as value: \"true\", or value: \"\" for an empty one",
	"arg":       "one argument of the kernel, such as arg: lockdown=integrity",
	"module":    "the name of a module, such as module: rds",
	"class":     "immutable, seeded, managed or volatile",
	"url":       "such as url: https://updates.example.org/web",
	"keyring":   "the file with the keys, such as keyring: update.gpg",
	"unit":      "the name of a unit file, such as unit: ssh.service",
}
