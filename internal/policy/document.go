package policy

import (
	"kiln/internal/recipe"
)

// document is the file of a policy, format v1.
type document struct {
	Policy    string     `yaml:"policy" jsonschema:"required" need:"the format of the policy: policy: v1"`                            // format of the document: "v1"
	Name      string     `yaml:"name" jsonschema:"required" need:"what findings call the policy, such as name: base"`                 // of the policy: small letters and digits, joined by -
	Summary   string     `yaml:"summary" jsonschema:"required" need:"what the policy is for, in one sentence: summary: ..."`          // what it is for, in one sentence
	Params    []param    `yaml:"params"`                                                                                              // values that whoever uses the policy may set: params.NAME
	Variables []variable `yaml:"variables"`                                                                                           // expressions that rules share: variables.NAME
	Rules     []rule     `yaml:"rules" jsonschema:"required" need:"at least one: - {name: ..., assert: ..., message: ..., why: ...}"` // what must hold
}

// param is a value that whoever uses the policy may set.
type param struct {
	Name    string        `yaml:"name" jsonschema:"required" need:"as expressions call it after params., such as name: budget"` // small letters, digits and _
	Type    string        `yaml:"type" jsonschema:"required" need:"one of text, texts, number, size, time-span, switch"`        // text, texts (a list), number, size (80MB), time-span (30d) or switch (true, false)
	Default recipe.Values `yaml:"default"`                                                                                      // without one, it must be set
	Summary string        `yaml:"summary"`                                                                                      // what it is for
}

// variable is an expression that rules share. It is worked out once for an image.
type variable struct {
	Name  string `yaml:"name" jsonschema:"required" need:"as expressions call it after variables., such as name: shells"` // small letters, digits and _
	Value string `yaml:"value" jsonschema:"required" need:"an expression in CEL"`                                         // in CEL; it may use variables above it
}

// rule is one thing that must hold, of the image or of each of something.
type rule struct {
	Name     string      `yaml:"name" jsonschema:"required" need:"what findings call the rule, such as name: no-setuid"`         // small letters and digits, joined by -
	For      string      `yaml:"for"`                                                                                            // what the rule goes through: files, packages, users... Default the image as a whole
	When     string      `yaml:"when"`                                                                                           // in CEL, true or false: which of them are looked at. Default all
	Assert   string      `yaml:"assert" jsonschema:"required" need:"an expression in CEL that is true where all is well"`        // in CEL: true where all is well
	Message  string      `yaml:"message" jsonschema:"required" need:"what is wrong, such as message: \"{file.path} is setuid\""` // what is wrong; {EXPRESSION} is replaced by its value
	Fix      string      `yaml:"fix"`                                                                                            // what to change, or to type; as message
	Severity string      `yaml:"severity"`                                                                                       // deny (the default) stops the build, warn does not
	Why      string      `yaml:"why" jsonschema:"required"`                                                                      // why it must hold
	Except   []exception `yaml:"except"`                                                                                         // what need not keep the rule
}

// exception is something that need not keep a rule.
type exception struct {
	Path    string      `yaml:"path"`                      // pattern of the path of a file
	Package string      `yaml:"package"`                   // pattern of the name of a package, or of the package that a file is of
	Item    string      `yaml:"item"`                      // pattern of what else the rule looks at: a user, a port, a variable
	Why     string      `yaml:"why" jsonschema:"required"` // why it may be so
	Until   recipe.Date `yaml:"until"`                     // last day, in UTC, on which it holds: 2027-06-30. Default for good
}

// The words of a policy.
const (
	formatV1 = "v1"
	deny     = "deny"
	warn     = "warn"
)

// ParamTypes lists the types of parameters.
func ParamTypes() []string { return []string{"text", "texts", "number", "size", "time-span", "switch"} }

// Severities lists the severities of rules.
func Severities() []string { return []string{deny, warn} }

// namePattern is the form of the names of policies and rules, wordPattern that of
// parameters and variables, which are CEL identifiers.
const (
	namePattern = `^[a-z0-9]+(-[a-z0-9]+)*$`
	wordPattern = `^[a-z][a-z0-9_]*$`
)
