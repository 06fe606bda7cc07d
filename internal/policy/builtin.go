package policy

import (
	"embed"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/recipe"
)

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// Builtins are the names of the policies that come with kiln, in the order to show
// them.
func Builtins() []string {
	return []string{"minimal", "non-root", "permissions", "no-secrets", "licences", "size", "freshness"}
}

// BuiltinText is the file of a policy that comes with kiln.
func BuiltinText(name string) ([]byte, error) { return builtinFile(name, ".yaml") }

// BuiltinTests is the file of test cases of a policy that comes with kiln.
func BuiltinTests(name string) ([]byte, error) { return builtinFile(name, ".test.yaml") }

func builtinFile(name, ending string) ([]byte, error) {
	if !slices.Contains(Builtins(), name) {
		e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("no policy %q comes with kiln", name), Hints: []string{"kiln policy list"}}
		if near := recipe.Nearest(name, Builtins()); near != "" {
			e.Hints = append([]string{recipe.BuiltinPolicy + near}, e.Hints...)
		}
		return nil, e
	}
	return builtinFiles.ReadFile("builtin/" + name + ending)
}
