package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/harden"
)

func (a *app) hardenCommand() *cobra.Command {
	var list bool
	cmd := &cobra.Command{
		Use:   "harden",
		Short: "Explain the rules that make an image harder to break into",
		Long: `Explain the rules that a recipe may name under harden:, what each does, and which
items of the CIS Debian Linux 12 Benchmark and of DISA's STIG for Ubuntu 24.04 it
answers. An item is named where the file or setting that it asks for is in the image
then; what it asks of a running system besides, no image can answer.

To harden an image, write the names into its recipe:
  harden: [no-setuid, no-package-manager, noninteractive]
and see with kiln why what a rule left out or changed.`,
		Example: `  kiln harden --list
  kiln harden show sshd
  kiln harden --list --json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 || !list {
				return helpOrUnknown(cmd, args)
			}
			return a.hardenRules(harden.Rules())
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "print all rules")
	cmd.AddCommand(a.hardenShowCommand())
	return cmd
}

func (a *app) hardenShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show RULE",
		Short:   "Explain one rule, with all that it sets",
		Long:    "Explain one rule: what it does, each path it leaves out or each setting it makes, and the items of benchmarks that it answers.",
		Example: "  kiln harden show sysctl\n  kiln harden show no-shells --json",
		Args:    exactly(1, "the name of a rule, such as sshd"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return ruleNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, ok := harden.Find(args[0])
			if !ok {
				return &kiln.Error{
					Code:  kiln.User,
					Text:  fmt.Sprintf("cannot show the rule %q: there is none of that name", args[0]),
					Hints: []string{"the rules are: " + strings.Join(ruleNames(), ", "), "kiln harden --list"},
				}
			}
			return a.ui.result(r, func(w io.Writer) { printRule(w, &r, true) })
		},
	}
}

func ruleNames() []string {
	var names []string
	for _, r := range harden.Rules() {
		names = append(names, r.Name)
	}
	return names
}

func (a *app) hardenRules(list []harden.Rule) error {
	return a.ui.result(struct {
		Rules []harden.Rule `json:"rules"`
	}{list}, func(w io.Writer) {
		for i := range list {
			if i > 0 {
				fmt.Fprintln(w)
			}
			printRule(w, &list[i], false)
		}
	})
}

// printRule prints a rule, with full also each path and setting.
func printRule(w io.Writer, r *harden.Rule, full bool) {
	fmt.Fprintf(w, "%s\n  %s\n  why: %s\n", r.Name, r.Does, r.Why)
	if r.Notes != "" {
		fmt.Fprintf(w, "  note: %s\n", r.Notes)
	}
	if r.Except != "none" {
		fmt.Fprintf(w, "  except: %s that it leaves as they are\n", r.Except)
	}
	if full {
		printEach(w, "leaves out", r.Drop)
		printEach(w, "but not", r.Keep)
		printEach(w, "sets", r.Sets)
	}
	short := map[string]string{harden.CIS: "CIS", harden.STIG: "STIG"}
	if !full {
		for _, benchmark := range []string{harden.CIS, harden.STIG} {
			var ids []string
			for _, i := range r.Answers {
				if i.Benchmark == benchmark {
					ids = append(ids, i.ID)
				}
			}
			if ids != nil {
				fmt.Fprintf(w, "  %s: %s\n", short[benchmark], strings.Join(ids, ", "))
			}
		}
		return
	}
	for _, i := range r.Answers {
		fmt.Fprintf(w, "  %s %s: %s\n", short[i.Benchmark], i.ID, i.Title)
	}
}

func printEach(w io.Writer, noun string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "  %s:\n", noun)
	for _, s := range list {
		fmt.Fprintf(w, "    %s\n", s)
	}
}
