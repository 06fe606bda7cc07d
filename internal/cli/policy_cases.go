package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	imagefacts "kiln/internal/facts"
	"kiln/internal/policy"
	"kiln/internal/recipe"
)

// testEnding is how the names of files of test cases end.
const testEnding = ".test.yaml"

func (a *app) policyTestCommand() *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use:   "test FILE|FOLDER|builtin:NAME...",
		Short: "Run the test cases of policies",
		Long: `Run the test cases of policies: of a file of cases (NAME.test.yaml), of a policy
(NAME.yaml or NAME.cel.yaml, with its cases in NAME.test.yaml beside it), of all in a
folder and below it, or of a policy that comes with kiln.

A case gives facts, or names an image beside it (a folder, a tar, a layout), and says
which rules deny it, warn of it, or cannot be worked out. Every rule is to have a case
in which it finds something and one in which it looks at something and finds nothing;
what no case shows is told, and with --strict it fails.

Status 0: all came out as they say. 1: one did not.`,
		Example: `  kiln policy test policies
  kiln policy test policies/base.test.yaml --strict
  kiln policy test builtin:minimal`,
		Args:              atLeastOne("a policy, a file of test cases, or a folder with such"),
		ValidArgsFunction: completePolicies,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.policyTest(cmd, args, strict) },
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "fail where a rule lacks a case that it passes or one that it finds something in")
	return cmd
}

// atLeastOne wraps cobra's argument check in a usage error.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("%s wants %s", cmd.CommandPath(), what), Hints: []string{cmd.CommandPath() + " --help"}}
	}
}

func (a *app) policyTest(cmd *cobra.Command, args []string, strict bool) error {
	var reports []*policy.TestReport
	for _, arg := range args {
		files, err := testFiles(arg)
		if err != nil {
			return err
		}
		for _, file := range files {
			report, err := a.runTests(cmd, file)
			if err != nil {
				return err
			}
			reports = append(reports, report)
		}
	}
	if err := a.ui.result(struct {
		Tests []*policy.TestReport `json:"tests"`
	}{reports}, func(w io.Writer) { printTests(w, reports) }); err != nil {
		return err
	}
	failed, gaps := 0, 0
	for _, r := range reports {
		gaps += len(r.Gaps())
		if !r.OK() {
			failed++
		}
	}
	switch {
	case failed > 0:
		return &kiln.Error{Code: kiln.User, Text: "policies do not say what their test cases expect", Hints: []string{"correct the policy or the case; kiln policy facts IMAGE prints real facts"}}
	case strict && gaps > 0:
		return &kiln.Error{Code: kiln.User, Text: "rules lack test cases", Hints: []string{"add a case in which the rule finds something, and one in which it does not"}}
	}
	return nil
}

// testFiles are the files of test cases that an argument names.
func testFiles(arg string) ([]string, error) {
	if builtinName(arg) != "" && strings.HasPrefix(arg, recipe.BuiltinPolicy) {
		return []string{arg}, nil
	}
	info, err := os.Stat(arg)
	switch {
	case err != nil:
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read %q: %v", arg, err), Hints: []string{"kiln policy test builtin:minimal", "kiln policy test --help"}, Err: err}
	case !info.IsDir() && strings.HasSuffix(arg, testEnding):
		return []string{arg}, nil
	case !info.IsDir():
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(arg, ".yaml"), ".yml"), ".cel")
		if _, err := os.Stat(base + testEnding); err != nil {
			return nil, noTests(fmt.Sprintf("the policy %q has no test cases: there is no %q", arg, base+testEnding))
		}
		return []string{base + testEnding}, nil
	}
	var files []string
	err = filepath.WalkDir(arg, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, testEnding) {
			files = append(files, p)
		}
		return err
	})
	if err == nil && files == nil {
		err = noTests(fmt.Sprintf("in %q there is no file of test cases (NAME%s)", arg, testEnding))
	}
	slices.Sort(files)
	return files, err
}

func noTests(text string) error {
	return &kiln.Error{Code: kiln.User, Text: text, Hints: []string{"begin with one that comes with kiln: kiln policy show --tests minimal"}}
}

// runTests runs one file of test cases.
func (a *app) runTests(cmd *cobra.Command, file string) (*policy.TestReport, error) {
	text, err := testText(file)
	if err != nil {
		return nil, err
	}
	tests, problems := policy.LoadTests(file, text)
	if problems != nil {
		return nil, cannotTest(file, problems)
	}
	name := tests.Policy
	if !strings.HasPrefix(name, recipe.BuiltinPolicy) {
		name = filepath.Join(filepath.Dir(file), filepath.FromSlash(name))
	}
	p, err := loadPolicy(name)
	if err != nil {
		return nil, err
	}
	if problems := tests.Check(p); problems != nil {
		return nil, cannotTest(file, problems)
	}
	return tests.Run(cmd.Context(), p, func(image string) (*imagefacts.Facts, error) {
		if !filepath.IsLocal(filepath.FromSlash(image)) {
			return nil, errors.New("the image is to lie beside the test cases, and its path leads out of their folder")
		}
		return a.imageFacts(cmd.Context(), filepath.Join(filepath.Dir(file), filepath.FromSlash(image)), policyFlags{}, p.Asks)
	})
}

func testText(file string) ([]byte, error) {
	if strings.HasPrefix(file, recipe.BuiltinPolicy) {
		return policy.BuiltinTests(builtinName(file))
	}
	text, err := readBounded(file, maxPolicy)
	if err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the test cases %q: %v", file, err), Err: err}
	}
	return text, nil
}

func cannotTest(file string, problems recipe.Problems) error {
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the test cases %q: %v", file, problems), Err: problems}
}

func printTests(w io.Writer, reports []*policy.TestReport) {
	for _, r := range reports {
		failed := 0
		for _, c := range r.Cases {
			if c.Passed {
				continue
			}
			failed++
			fmt.Fprintf(w, "%s:%d: %s\n", r.File, c.Line, c.Name)
			for _, wrong := range c.Wrong {
				fmt.Fprintf(w, "  %s\n", printable(wrong))
			}
		}
		shown := 0
		for _, c := range r.Rules {
			if c.Passes && c.Finds {
				shown++
			}
		}
		fmt.Fprintf(w, "%s: %s, %d failed; of %s %d have a case that passes and one that does not\n", r.Policy, count(len(r.Cases), "case"), failed, count(len(r.Rules), "rule"), shown)
		for _, gap := range r.Gaps() {
			fmt.Fprintf(w, "  %s\n", gap)
		}
	}
}
