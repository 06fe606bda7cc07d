package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/policy"
	"kiln/internal/recipe"
)

// listedPolicy is a policy that comes with kiln, in the shape that --json prints.
type listedPolicy struct {
	Name    string         `json:"name"` // as a recipe names it
	Summary string         `json:"summary"`
	Params  []policy.Param `json:"params,omitempty"`
	Rules   []listedRule   `json:"rules"`
}

type listedRule struct {
	Name     string `json:"name"`
	For      string `json:"for,omitempty"`
	Severity string `json:"severity"`
	Why      string `json:"why"`
}

func (a *app) policyListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the policies that come with kiln",
		Long: `List the policies that come with kiln, with their rules. A recipe names one by
builtin:NAME, and kiln policy show prints it, to copy and change.`,
		Example:           `  kiln policy list`,
		Args:              atMost(0),
		ValidArgsFunction: words(),
		RunE: func(*cobra.Command, []string) error {
			var all []listedPolicy
			for _, name := range policy.Builtins() {
				p, err := loadPolicy(recipe.BuiltinPolicy + name)
				if err != nil {
					return err
				}
				l := listedPolicy{Name: recipe.BuiltinPolicy + name, Summary: p.Summary, Params: p.Params}
				for _, r := range p.Rules {
					l.Rules = append(l.Rules, listedRule{r.Name, r.For, r.Severity, r.Why})
				}
				all = append(all, l)
			}
			return a.ui.result(struct {
				Policies []listedPolicy `json:"policies"`
			}{all}, func(w io.Writer) { printPolicies(w, all) })
		},
	}
}

func printPolicies(w io.Writer, all []listedPolicy) {
	for _, p := range all {
		fmt.Fprintf(w, "%s  %s\n", p.Name, p.Summary)
		for _, r := range p.Rules {
			severity := ""
			if r.Severity != "deny" {
				severity = " (" + r.Severity + ")"
			}
			fmt.Fprintf(w, "  %-20s %s%s\n", r.Name, r.Why, severity)
		}
	}
}

func (a *app) policyShowCommand() *cobra.Command {
	var tests bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a policy that comes with kiln, to copy and change",
		Long: `Print the file of a policy: of one that comes with kiln by its name, with or without
builtin:, or of a file that is there. --tests prints its test cases instead.`,
		Example: `  kiln policy show minimal
  kiln policy show builtin:size > policies/size.yaml
  kiln policy show --tests minimal > policies/minimal.test.yaml`,
		Args:              exactly(1, "the name of a policy, such as minimal"),
		ValidArgsFunction: completeBuiltins,
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := shownPolicy(args[0], tests)
			if err != nil {
				return err
			}
			return a.ui.result(struct {
				Name string `json:"name"`
				Text string `json:"text"`
			}{args[0], string(text)}, func(w io.Writer) { fmt.Fprint(w, string(text)) })
		},
	}
	cmd.Flags().BoolVar(&tests, "tests", false, "print the test cases of the policy")
	return cmd
}

// shownPolicy is the text of a policy, or of its test cases.
func shownPolicy(arg string, tests bool) ([]byte, error) {
	name := builtinName(arg)
	if name == "" {
		if tests {
			return nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("%q is no policy that comes with kiln", arg), Hints: []string{"kiln policy list"}}
		}
		return policyText(arg)
	}
	if tests {
		return policy.BuiltinTests(name)
	}
	return policy.BuiltinText(name)
}

// builtinName is the name of a policy that comes with kiln; empty for what is none.
func builtinName(arg string) string {
	for _, name := range policy.Builtins() {
		if arg == name || arg == recipe.BuiltinPolicy+name {
			return name
		}
	}
	return ""
}

func completeBuiltins(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return policy.Builtins(), cobra.ShellCompDirectiveNoFileComp
}
