package recipe_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	generate "github.com/invopop/jsonschema"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"kiln"
	"kiln/examples"
	"kiln/internal/recipe"
)

const schemaPath = "../../schema/kiln.v1.schema.json"

// The published schema is generated here, so that the generator is no part of the
// kiln binary. After a change: go test ./internal/recipe -run Schema -update
func TestSchemaIsCurrent(t *testing.T) {
	want := schema(t)
	if *update {
		if err := os.WriteFile(schemaPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the schema is stale: go test ./internal/recipe -run Schema -update (-want +got):\n%s", diff)
	}
}

func schema(t *testing.T) []byte {
	t.Helper()
	r := &generate.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true, Mapper: mapped}
	if err := r.AddGoComments("kiln/internal/recipe", "."); err != nil {
		t.Fatal(err)
	}
	for k, text := range r.CommentMap {
		r.CommentMap[k] = strings.TrimSpace(strings.ReplaceAll(text, "\n", " "))
	}
	s := r.Reflect(&recipe.Recipe{})
	s.ID = "urn:kiln:recipe:v1"
	s.Title = "kiln recipe, format v1"
	refine("Recipe", s)
	for _, name := range []string{"Source", "Layer", "File", "User", "Group", "Skip", "Rules", "Container", "Healthcheck", "Answer", "System", "Kernel", "Argument", "Modules", "Module", "Disk", "State", "SecureBoot", "Update", "Mutable", "Services", "Unit", "Closure", "Accept", "Secrets", "AcceptSecret", "Harden", "Package", "Glob", "RuleOff", "Policy", "Exception"} {
		if s.Definitions[name] == nil {
			t.Fatalf("the schema has no definition %q", name)
		}
		refine(name, s.Definitions[name])
	}
	s.Definitions["Text"] = &generate.Schema{Extras: map[string]any{"type": []string{"string", "number", "boolean"}}}
	s.Definitions["Source"].OneOf = oneKey("archive", "url", "deb")
	s.Definitions["File"].OneOf = oneKey("from", "content", "concat", "link", "directory")
	item(s.Definitions, "Package", "the package, with an optional :architecture, and why it is wanted", "PackageDetail")
	item(s.Definitions, "Glob", "a path pattern, and why", "")
	item(s.Definitions, "RuleOff", "a default rule, and why it is off", "")
	s.Definitions["PolicyDetail"] = s.Definitions["Policy"]
	s.Definitions["Policy"] = &generate.Schema{OneOf: []*generate.Schema{text(), {Ref: "#/$defs/PolicyDetail"}}, Description: "rules that the image must keep: a file, builtin:NAME, or one with values and exceptions"}
	s.Definitions["RuleOff"].PropertyNames = &generate.Schema{Enum: anys(recipe.RuleNames())}
	hardenItem(s.Definitions)
	set(s, "kiln", func(p *generate.Schema) { p.Enum = []any{"v1"} })
	set(s.Definitions["Skip"], "scripts", func(p *generate.Schema) { p.Items = &generate.Schema{Enum: []any{"preinst", "postinst"}} })
	for key, words := range map[string][]string{"System.profile": recipe.Profiles(), "Mutable.class": recipe.Classes(), "State.encrypt": {recipe.EncryptNone, recipe.EncryptTPM2}} {
		def, name, _ := strings.Cut(key, ".")
		set(s.Definitions[def], name, func(p *generate.Schema) { p.Ref, p.Enum = "", anys(words) })
	}
	set(s.Definitions["Closure"], "strict", func(p *generate.Schema) { p.Items = &generate.Schema{Enum: anys(recipe.StrictKinds())} })
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// mapped gives the types that are no objects to the schema. A text may be written
// like a number or a boolean: kiln takes what stands in the file.
func mapped(t reflect.Type) *generate.Schema {
	switch {
	case t == reflect.TypeFor[kiln.Platform]():
		var names []any
		for _, p := range kiln.Platforms() {
			names = append(names, p.String())
			if p.Variant != "" {
				names = append(names, p.OS+"/"+p.Architecture)
			}
		}
		return &generate.Schema{Type: "string", Enum: names}
	case t == reflect.TypeFor[recipe.Date]():
		return &generate.Schema{Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`}
	case t == reflect.TypeFor[recipe.Values]():
		return &generate.Schema{OneOf: []*generate.Schema{text(), {Type: "array", Items: text()}}}
	case t.Kind() == reflect.String:
		return text()
	case t == reflect.TypeFor[map[string]string]():
		return &generate.Schema{Type: "object", AdditionalProperties: text()}
	}
	return nil
}

func text() *generate.Schema { return &generate.Schema{Ref: "#/$defs/Text"} }

// refine takes out the fields that are no keys, and gives words their forms.
func refine(name string, s *generate.Schema) {
	for _, f := range []string{"Name", "Path", "Why", "Place"} {
		s.Properties.Delete(f)
	}
	patterns := recipe.Patterns()
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		if pattern, ok := patterns[name+"."+p.Key]; ok {
			p.Value.Pattern = pattern
		}
		if p.Key == "why" {
			one := uint64(1)
			p.Value.MinLength = &one
		}
	}
}

func set(s *generate.Schema, key string, change func(*generate.Schema)) {
	p, ok := s.Properties.Get(key)
	if !ok {
		panic("bug: the schema has no key " + key)
	}
	change(p)
}

func oneKey(keys ...string) []*generate.Schema {
	var list []*generate.Schema
	for _, k := range keys {
		list = append(list, &generate.Schema{Required: []string{k}})
	}
	return list
}

func anys(list []string) []any {
	var out []any
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

// item replaces a definition by that of the short form "NAME: why", and keeps the
// long form, if there is one, under the name detail.
func item(defs generate.Definitions, name, description, detail string) {
	one := uint64(1)
	why := text()
	why.MinLength, why.Description = &one, "why"
	short := &generate.Schema{
		Type: "object", Description: description, MinProperties: &one, MaxProperties: &one,
		AdditionalProperties: why,
	}
	if pattern, ok := recipe.Patterns()[name]; ok {
		short.PropertyNames = &generate.Schema{Pattern: pattern}
	}
	if detail != "" {
		defs[detail] = defs[name]
		short.AdditionalProperties = &generate.Schema{OneOf: []*generate.Schema{why, {Ref: "#/$defs/" + detail}}}
	}
	defs[name] = short
}

// hardenItem is item for one whose name alone is enough.
func hardenItem(defs generate.Definitions) {
	item(defs, "Harden", "a rule, and why or with what exceptions", "HardenDetail")
	named := defs["Harden"]
	named.PropertyNames = &generate.Schema{Enum: anys(recipe.HardenNames())}
	defs["Harden"] = &generate.Schema{OneOf: []*generate.Schema{{Type: "string", Enum: anys(recipe.HardenNames())}, named}}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("kiln.v1.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("kiln.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate checks YAML as an editor does.
func validate(t *testing.T, s *jsonschema.Schema, src []byte) error {
	t.Helper()
	var v any
	if err := yaml.Load(src, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestSchemaTakesGoodRecipes(t *testing.T) {
	s := compiled(t)
	if err := validate(t, s, []byte(whole)); err != nil {
		t.Errorf("whole: %v", err)
	}
	for _, tm := range examples.Templates() {
		src, err := fs.ReadFile(examples.FS, path.Join(tm.Name, recipe.FileName))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, src); err != nil {
			t.Errorf("%s: %v", tm.Name, err)
		}
	}
}

// What is wrong by its form alone is wrong in an editor too. What only kiln can
// see, such as a name that is there twice, is not in the list.
func TestSchemaRefusesBadRecipes(t *testing.T) {
	s := compiled(t)
	bad := strings.Fields(`unknown-key.yaml later-key.yaml wrong-type.yaml nothing.yaml missing-key.yaml not-a-mapping.yaml
		text.yaml items.yaml head.yaml sources.yaml packages.yaml layers.yaml files.yaml accounts.yaml skip.yaml container.yaml debconf.yaml units.yaml`)
	files := map[string][]byte{}
	for _, name := range []string{"testdata/form.txtar", "testdata/meaning.txtar"} {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			files[f.Name] = f.Data
		}
	}
	for _, name := range bad {
		if files[name] == nil {
			t.Errorf("there is no case %s", name)
		} else if validate(t, s, files[name]) == nil {
			t.Errorf("the schema takes %s", name)
		}
	}
	for _, line := range []string{
		"layers: [{name: base, packages: [tzdata]}]",
		"layers: [{name: base, packages: [{tzdata: x, awk: y}]}]",
		"layers: [{name: base, packages: [{tzdata: {version: '1'}}]}]",
		"layers: [{name: base, packages: [{tzdata: ''}]}]",
		"layers: [{name: base, files: [{path: /a, why: x}]}]",
		"layers: [{name: base, files: [{path: /a, why: x, link: b, from: c}]}]",
		"layers: [{name: base, drop: [usr: x]}]",
		"layers: [{name: base}]\nsources: [{suite: trixie}]",
		"layers: [{name: base}]\nrules: {off: [no-docs: x]}",
		"layers: [{name: base}]\ndebconf: [{question: a/b, value: x}]",
		"layers: [{name: base}]\ndebconf: [{question: a/b, why: x}]",
		"layers: [{name: base}]\ndebconf: [{question: a b/c, value: x, why: x}]",
		"layers: [{name: base}]\nsystem: {services: {enable: [{unit: ssh.service}]}}",
		"layers: [{name: base}]\nsystem: {services: {enable: [{unit: ssh, why: x}]}}",
		"layers: [{name: base}]\nsystem: {services: {enable: [{unit: a/b.service, why: x}]}}",
		"layers: [{name: base}]\nsystem: {services: {disable: []}}",
		"layers: [{name: base}]\nclosure: {accept: [{path: /a}]}",
		"layers: [{name: base}]\nclosure: {accept: [{path: a, why: x}]}",
		"layers: [{name: base}]\nclosure: {strict: [scripts]}",
		"layers: [{name: base}]\npolicy: base.cel.yaml",
		"layers: [{name: base}]\npolicy: [{params: {a: b}}]",
		"layers: [{name: base}]\npolicy: [{use: a, except: [{rule: b}]}]",
		"layers: [{name: base}]\npolicy: [{use: a, except: [{rule: b, why: c, until: soon}]}]",
	} {
		src := "kiln: v1\nname: x\nplatforms: [linux/amd64]\n" + line + "\n"
		if validate(t, s, []byte(src)) == nil {
			t.Errorf("the schema takes:\n%s", src)
		}
	}
}
