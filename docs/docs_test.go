// Package docs_test holds the documents to what they say: their recipes parse,
// their links lead somewhere, and no key of a recipe is missing.
package docs_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"kiln/internal/attest"
	"kiln/internal/machine"
	"kiln/internal/policy"
	"kiln/internal/recipe"
)

// documents are the pages that a reader of the repository comes by.
func documents(t *testing.T) []string {
	t.Helper()
	list := []string{"../README.md", "../CONTRIBUTING.md"}
	for _, pattern := range []string{"*.md", "*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is a fenced block of a document.
type block struct {
	place, info, text string
}

func blocks(name, text string) []block {
	var list []block
	var open *block
	for i, line := range strings.Split(text, "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{place: fmt.Sprintf("%s:%d", name, i+1), info: info}
		case fence:
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return list
}

// Every YAML block is a recipe, or some of its top-level keys: "yaml fragment"; or a
// trust policy: "yaml trust".
// Pages of docs/design record what was argued at the time and are left as they are.
func TestRecipesParse(t *testing.T) {
	seen := map[string]int{}
	for _, doc := range documents(t) {
		if strings.HasPrefix(doc, "design/") {
			continue
		}
		for _, b := range blocks(doc, read(t, doc)) {
			if !strings.HasPrefix(b.info, "yaml") {
				continue
			}
			seen[b.info]++
			src := b.text
			switch b.info {
			case "yaml":
			case "yaml fragment":
				src = completed(t, b)
			case "yaml trust":
				if _, err := attest.ParsePolicy(b.place, []byte(src), newPublicKey); err != nil {
					t.Error(err)
				}
				continue
			case "yaml checks":
				if _, err := machine.ParseChecks(b.place, []byte(b.text)); err != nil {
					t.Error(err)
				}
				continue
			case "yaml policy":
				if _, problems := policy.Load(b.place, []byte(src)); problems != nil {
					t.Errorf("%s:\n%v", b.place, problems)
				}
				continue
			case "yaml policy test":
				if _, problems := policy.LoadTests(b.place, []byte(src)); problems != nil {
					t.Errorf("%s:\n%v", b.place, problems)
				}
				continue
			default:
				t.Errorf("%s: the block is called %q: want \"yaml\", \"yaml fragment\", \"yaml checks\", \"yaml policy\", \"yaml policy test\" or \"yaml trust\"", b.place, b.info)
			}
			if _, problems := recipe.Parse(b.place, []byte(src)); len(problems) > 0 {
				t.Errorf("%s:\n%v", b.place, problems)
			}
		}
	}
	if seen["yaml"] == 0 || seen["yaml fragment"] == 0 {
		t.Errorf("no blocks were looked at: %v", seen)
	}
}

// newPublicKey is a key that no other is the same as, for a file that a policy names.
func newPublicKey(string) ([]byte, error) {
	k, err := attest.Generate(attest.Ed25519, rand.Reader)
	if err != nil {
		return nil, err
	}
	return k.Public().PEM(), nil
}

// completed adds to a fragment what every recipe must have.
func completed(t *testing.T, b block) string {
	t.Helper()
	var have map[string]any
	if err := yaml.Unmarshal([]byte(b.text), &have); err != nil {
		t.Fatalf("%s: %v", b.place, err)
	}
	src := b.text
	for _, l := range [][2]string{
		{"kiln", "v1"}, {"name", "fragment"}, {"platforms", "[linux/amd64]"},
		{"sources", "[{archive: debian, suite: trixie}]"}, {"layers", "[{name: base}]"},
	} {
		if _, ok := have[l[0]]; !ok {
			src += l[0] + ": " + l[1] + "\n"
		}
	}
	return src
}

// The recipe's page names every key that there is.
func TestRecipeNamesEveryKey(t *testing.T) {
	text := read(t, "recipe.md")
	for _, key := range keysOf(reflect.TypeFor[recipe.Recipe](), nil) {
		if !strings.Contains(text, "`"+key+"`") {
			t.Errorf("docs/recipe.md does not name the key %q", key)
		}
	}
	for _, rule := range recipe.RuleNames() {
		if !strings.Contains(text, "| `"+rule+"` |") {
			t.Errorf("docs/recipe.md does not name the rule %q", rule)
		}
	}
}

// keysOf lists the YAML keys of a type and of those within it.
func keysOf(t reflect.Type, list []string) []string {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return list
	}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			list = keysOf(t.Field(i).Type, append(list, key))
		}
	}
	return list
}

// Links to files of the repository lead to files, and those to headings to headings.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	checked := 0
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			file, heading, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(doc), file)
			if file == "" {
				target = doc
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %q: %v", doc, m[1], err)
			} else if heading != "" && !hasHeading(read(t, target), heading) {
				t.Errorf("%s links to %q, and there is no such heading", doc, m[1])
			}
		}
	}
	if checked == 0 {
		t.Error("no link was looked at")
	}
}

// hasHeading tells whether a heading of the text has the anchor that hosts of
// repositories give it: small letters, blanks as dashes, no other marks.
func hasHeading(text, anchor string) bool {
	marks := regexp.MustCompile(`[^a-z0-9 _-]`)
	for line := range strings.Lines(text) {
		title := strings.TrimLeft(line, "#")
		if title == line {
			continue
		}
		slug := marks.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
		if strings.ReplaceAll(slug, " ", "-") == anchor {
			return true
		}
	}
	return false
}
