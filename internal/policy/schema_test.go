package policy_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	generate "github.com/invopop/jsonschema"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"kiln/internal/facts"
	"kiln/internal/policy"
	"kiln/internal/recipe"
)

// published are the schemas of the three documents: a policy, its test cases, and the
// facts that kiln policy facts prints.
func published() map[string]struct {
	of    any
	tag   string
	title string
} {
	type schema = struct {
		of    any
		tag   string
		title string
	}
	return map[string]schema{
		"kiln-policy.v1":      {policy.Document(), "yaml", "kiln policy, format v1"},
		"kiln-policy-test.v1": {policy.CaseDocument(), "yaml", "kiln policy test cases, format v1"},
		"kiln-facts.v1":       {&facts.Facts{}, "json", "facts of an image, as kiln policy facts prints them"},
	}
}

// The published schemas are generated here. After a change:
// go test ./internal/policy -run Schema -update
func TestSchemasAreCurrent(t *testing.T) {
	for name := range published() {
		path := "../../schema/" + name + ".schema.json"
		want := schema(t, name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is stale: go test ./internal/policy -run Schema -update (-want +got):\n%s", name, diff)
		}
	}
}

func schema(t *testing.T, name string) []byte {
	t.Helper()
	doc := published()[name]
	r := &generate.Reflector{FieldNameTag: doc.tag, RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true, Mapper: mapped(doc.tag)}
	r.CommentMap = map[string]string{}
	for k, text := range comments(t) {
		r.CommentMap[k] = text
	}
	s := r.Reflect(doc.of)
	s.ID, s.Title = generate.ID("urn:kiln:"+strings.NewReplacer("kiln-", "", ".", ":").Replace(name)), doc.title
	if doc.tag == "yaml" {
		s.Definitions["Text"] = &generate.Schema{Extras: map[string]any{"type": []string{"string", "number", "boolean"}}}
		refine(s)
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// comments are what the sources say of types and fields, those that are not exported
// included, which the generator passes over.
func comments(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, file := range []string{"document.go", "cases.go", "../facts/facts.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			fields, ok := spec.Type.(*ast.StructType)
			for i := 0; ok && i < len(fields.Fields.List); i++ {
				field := fields.Fields.List[i]
				for _, name := range field.Names {
					all["kiln/internal/"+f.Name.Name+"."+spec.Name.Name+"."+name.Name] = strings.TrimSpace(field.Comment.Text())
				}
			}
			return false
		})
	}
	return all
}

// mapped gives the types that are no objects to the schema.
func mapped(tag string) func(reflect.Type) *generate.Schema {
	return func(t reflect.Type) *generate.Schema {
		switch {
		case t == reflect.TypeFor[recipe.Date]():
			return &generate.Schema{Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`}
		case t == reflect.TypeFor[facts.Time]():
			return &generate.Schema{Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}`}
		case t == reflect.TypeFor[recipe.Values]():
			return &generate.Schema{OneOf: []*generate.Schema{text(), {Type: "array", Items: text()}}}
		case tag == "yaml" && t.Kind() == reflect.String:
			return text()
		case tag == "yaml" && t == reflect.TypeFor[map[string]string]():
			return &generate.Schema{Type: "object", AdditionalProperties: text()}
		}
		return nil
	}
}

func text() *generate.Schema { return &generate.Schema{Ref: "#/$defs/Text"} }

// refine says what the types of a policy cannot: forms of words, and short forms.
func refine(s *generate.Schema) {
	words := func(def *generate.Schema, key string, values []string) {
		if def == nil {
			return
		}
		if p, ok := def.Properties.Get(key); ok {
			for _, v := range values {
				p.Enum = append(p.Enum, v)
			}
		}
	}
	words(s, "policy", map[bool][]string{true: {"v1"}}[s.Definitions["rule"] != nil])
	words(s, "test", []string{"v1"})
	words(s.Definitions["rule"], "for", policy.Lists())
	words(s.Definitions["rule"], "severity", policy.Severities())
	words(s.Definitions["param"], "type", policy.ParamTypes())
	for name, pattern := range policy.Patterns() {
		def, key, _ := strings.Cut(name, ".")
		of := s.Definitions[def]
		if def == "document" && s.Definitions["rule"] != nil {
			of = s
		}
		if of == nil {
			continue
		}
		if p, ok := of.Properties.Get(key); ok {
			p.Pattern = pattern
		}
	}
	if long := s.Definitions["expectation"]; long != nil {
		s.Definitions["expectationDetail"] = long
		s.Definitions["expectation"] = &generate.Schema{OneOf: []*generate.Schema{text(), {Ref: "#/$defs/expectationDetail"}}}
	}
}

func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
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

func TestSchemasTakeAndRefuse(t *testing.T) {
	policies, cases := compiled(t, "kiln-policy.v1"), compiled(t, "kiln-policy-test.v1")
	for _, name := range policy.Builtins() {
		src, err := policy.BuiltinText(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, policies, src); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if src, err = policy.BuiltinTests(name); err != nil {
			t.Fatal(err)
		}
		if err := validate(t, cases, src); err != nil {
			t.Errorf("the cases of %s: %v", name, err)
		}
	}
	archive, err := txtar.ParseFile("testdata/load.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "keys.yaml" && validate(t, policies, f.Data) == nil {
			t.Error("the schema takes keys.yaml")
		}
	}
	for _, line := range []string{"deny: [{rules: a}]", "facts: {file: []}", "facts: {files: [{path: /a, setiud: true}]}"} {
		if validate(t, cases, []byte("test: v1\npolicy: a\ncases:\n  - name: x\n    "+line+"\n")) == nil {
			t.Errorf("the schema of cases takes %s", line)
		}
	}
}

// What is printed as facts fits the schema that is published of it.
func TestFactsFitTheirSchema(t *testing.T) {
	b, err := json.Marshal(small(t))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled(t, "kiln-facts.v1").Validate(doc); err != nil {
		t.Error(err)
	}
}
