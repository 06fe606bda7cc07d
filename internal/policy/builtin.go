package policy

import (
	"embed"
	"fmt"
	"path"
	"strings"

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
func BuiltinText(name string) ([]byte, error) {
	text, err := builtinFiles.ReadFile(path.Join("builtin", name+".yaml"))
	if err != nil || strings.ContainsAny(name, "./") {
		e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("no policy %q comes with kiln", name), Hints: []string{"kiln policy list"}}
		if near := recipe.Nearest(name, Builtins()); near != "" {
			e.Hints = append([]string{recipe.BuiltinPolicy + near}, e.Hints...)
		}
		return nil, e
	}
	return text, nil
}

// BuiltinTests is the file of test cases of a policy that comes with kiln.
func BuiltinTests(name string) ([]byte, error) { return BuiltinText(name + testSuffix) }

// testSuffix is what the name of a file of test cases has before its ending.
const testSuffix = ".test"
