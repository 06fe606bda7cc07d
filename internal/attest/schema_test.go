package attest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	generate "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"kiln/internal/attest"
)

var update = flag.Bool("update", false, "write the schema anew")

const schemaPath = "../../schema/trust.v1.schema.json"

// The published schema is generated here, so that the generator is no part of the
// kiln binary. After a change: go test ./internal/attest -run Schema -update
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
		t.Errorf("the schema is stale: go test ./internal/attest -run Schema -update (-want +got):\n%s", diff)
	}
}

func schema(t *testing.T) []byte {
	t.Helper()
	// A text may be written like a number or a boolean: kiln takes what stands in the file.
	text := func() *generate.Schema { return &generate.Schema{Ref: "#/$defs/Text"} }
	r := &generate.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true,
		Mapper: func(typ reflect.Type) *generate.Schema {
			switch {
			case typ.Kind() == reflect.String:
				return text()
			case typ == reflect.TypeFor[map[string]string]():
				return &generate.Schema{Type: "object", AdditionalProperties: text()}
			}
			return nil
		}}
	if err := r.AddGoComments("kiln/internal/attest", "."); err != nil {
		t.Fatal(err)
	}
	for k, c := range r.CommentMap {
		r.CommentMap[k] = strings.TrimSpace(strings.ReplaceAll(c, "\n", " "))
	}
	s := r.Reflect(&attest.Policy{})
	s.ID, s.Title = "urn:kiln:trust:v1", "kiln trust policy, format v1"
	s.Definitions["Text"] = &generate.Schema{Extras: map[string]any{"type": []string{"string", "number", "boolean"}}}
	set := func(s *generate.Schema, key string, values ...any) {
		p, ok := s.Properties.Get(key)
		if !ok {
			t.Fatalf("the schema has no key %q", key)
		}
		p.Enum = values
	}
	set(s, "trust", "v1")
	set(s.Definitions["Requirement"], "of", attest.OfImage, attest.OfPlatforms)
	s.Definitions["Key"].OneOf = []*generate.Schema{{Required: []string{"key"}}, {Required: []string{"file"}}}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestSchemaAgreesWithTheParser(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("trust", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("trust")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range policyRows() {
		var v any
		if yaml.Load([]byte(row.text()), &v) != nil {
			continue // no YAML at all
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		err = s.Validate(value)
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: the schema refuses it: %v", row.summary, err)
		case row.form && err == nil:
			t.Errorf("%s: the schema takes it", row.summary)
		}
	}
}
