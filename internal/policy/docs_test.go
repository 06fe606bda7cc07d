package policy_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"kiln/internal/facts"
	"kiln/internal/policy"
)

// The tables of docs/policy.md are made of the Go declarations. After a change:
// go test ./internal/policy -run Docs -update
func TestDocsAreCurrent(t *testing.T) {
	const page = "../../docs/policy.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for name, table := range map[string]string{"functions": functionTable(), "facts": factTables(t)} {
		head, rest, ok := strings.Cut(text, "<!-- "+name+" -->\n")
		_, tail, ended := strings.Cut(rest, "<!-- end -->")
		if !ok || !ended {
			t.Fatalf("%s has no part %s", page, name)
		}
		text = head + "<!-- " + name + " -->\n" + table + "<!-- end -->" + tail
	}
	if text == string(b) {
		return
	}
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("the tables of %s are stale: go test ./internal/policy -run Docs -update", page)
}

func functionTable() string {
	var b strings.Builder
	b.WriteString("| function | what it gives |\n|---|---|\n")
	for _, f := range policy.Functions() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Form, strings.ReplaceAll(f.Summary, "|", `\|`))
	}
	return b.String()
}

func factTables(t *testing.T) string {
	said := comments(t)
	about := func(of reflect.Type, f facts.Field) string {
		text := said["kiln/internal/facts."+of.Name()+"."+of.Field(f.Index).Name]
		if text == "" {
			t.Errorf("nothing is said of %s.%s", of.Name(), f.Name)
		}
		return text
	}
	var b strings.Builder
	b.WriteString("| variable | one of it | what it is |\n|---|---|---|\n")
	top := facts.Top()
	for _, f := range top.Fields {
		each := ""
		if f.Each != "" {
			each = "`" + f.Each + "`"
		}
		fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", f.Name, unknown(f), each, about(top.Type, f))
	}
	b.WriteString("| `now` ? |  | when it is judged |\n")
	for _, s := range facts.Structs() {
		fmt.Fprintf(&b, "\n| `%s` | type | what it is |\n|---|---|---|\n", s.Name)
		for _, f := range s.Fields {
			fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", f.Name, unknown(f), kind(f.Type), about(s.Type, f))
		}
	}
	return b.String()
}

func unknown(f facts.Field) string {
	if f.Optional {
		return " ?"
	}
	return ""
}

// kind is CEL's name of a type.
func kind(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[facts.Time]():
		return "timestamp"
	case t.Kind() == reflect.Pointer:
		return kind(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list(" + kind(t.Elem()) + ")"
	case t.Kind() == reflect.Map:
		return "map(string, string)"
	case t.Kind() == reflect.Int64:
		return "int"
	}
	return t.Kind().String()
}
