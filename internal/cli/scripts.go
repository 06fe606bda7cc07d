package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/recipe"
)

func (a *app) scriptsCommand() *cobra.Command {
	var f explainFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "scripts [RECIPE] [PACKAGE...]",
		Short: "Tell what the maintainer scripts of an image's packages did",
		Long: `Tell what the maintainer scripts of a recipe's packages did to the image: which
ran, in which order and with which arguments, what each added (+), changed (~) and
removed (-), which users and groups it made, what it wanted of a running system
and so was not done, and which scripts the recipe skips. kiln interprets scripts
and runs nothing.

PACKAGE, NAME or NAME:ARCHITECTURE, asks about these alone; the recipe (default the
current folder) stands before them.`,
		Example: `  kiln scripts
  kiln scripts web openssh-server --all
  kiln scripts web --json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeScripts,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.scripts(cmd, args, f, all) },
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "print everything, not just the beginning of long lists; --json always does")
	return cmd
}

func (a *app) scripts(cmd *cobra.Command, args []string, f explainFlags, all bool) error {
	r, err := recipe.Load(recipeArg(args))
	if err != nil {
		return err
	}
	e, err := a.explain(cmd, r, f)
	if err != nil {
		return err
	}
	q := newInquiry(r, e)
	var names []string
	if len(args) > 1 {
		names = args[1:]
	}
	if err := q.checkNames(names); err != nil {
		return err
	}
	report := q.scripts(names)
	return a.ui.result(report, func(w io.Writer) { report.print(w, all) })
}

// checkNames refuses packages that are not in the image.
func (q *inquiry) checkNames(names []string) error {
	for _, name := range names {
		if a := q.pkg(name); a != nil && a.Absent == nil {
			continue
		}
		text, hints := q.missing(subject{name, "package", name})
		for i := range hints {
			hints[i] = strings.Replace(hints[i], "kiln why ", "kiln scripts ", 1)
			hints[i] = strings.Replace(hints[i], " package:", " ", 1)
		}
		return &kiln.Error{Code: kiln.User, Text: text, Hints: hints}
	}
	return nil
}

// completeScripts completes RECIPE, then the packages of its lock.
func completeScripts(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeRecipe(cmd, args, word)
	}
	r, err := recipe.Load(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return lockedNames(lockPath(r.Path())), cobra.ShellCompDirectiveNoFileComp
}

func (r *scriptsReport) print(w io.Writer, all bool) {
	most := mostFacts
	if all {
		most = -1
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		fmt.Fprintf(w, "%s %s %s\n", p.Name, p.Version, p.Architecture)
		for j := range p.Runs {
			p.Runs[j].print(w, most)
		}
		if len(p.Runs) == 0 {
			fmt.Fprintf(w, "  has no script that a new image needs\n")
		}
	}
	s := &r.Summary
	fmt.Fprintf(w, "%s, %s run, %d skipped, %s changed, %s not carried out\n", count(s.Packages, "package"), count(s.Run, "script"), s.Skipped,
		count(s.Entries, "entry"), count(s.Wishes, "wish"))
}

// count is a number with its noun.
func count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "h"):
		noun += "es"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func (r *scriptRun) print(w io.Writer, most int) {
	if r.Skipped != nil {
		fmt.Fprintf(w, "     - %s: skipped by %s\n", r.Script, r.Skipped)
		return
	}
	fmt.Fprintf(w, "  %4d %s: %s\n", r.Order, strings.Join(append([]string{r.Script}, shownArgs(r.Args)...), " "), r.tally())
	var lines []string
	for _, c := range r.Changes {
		lines = append(lines, c.String())
	}
	printSome(w, lines, most)
	printNames(w, "users", r.Users, most)
	printNames(w, "groups", r.Groups, most)
	lines = nil
	for i := range r.Wishes {
		lines = append(lines, r.Wishes[i].String())
	}
	printSome(w, lines, most)
}

// printNames prints the accounts that a script made in one line.
func printNames(w io.Writer, what string, names []string, most int) {
	if len(names) == 0 {
		return
	}
	text := strings.Join(names, ", ")
	if most >= 0 && len(names) > most+1 {
		text = fmt.Sprintf("%s and %d more: --all prints them", strings.Join(names[:most], ", "), len(names)-most)
	}
	fmt.Fprintf(w, "         %s: %s\n", what, text)
}

// shownArgs makes an empty argument visible, as dpkg passes one to a postinst.
func shownArgs(args []string) []string {
	var shown []string
	for _, a := range args {
		if a == "" {
			a = `""`
		}
		shown = append(shown, a)
	}
	return shown
}

// printSome prints at most so many lines, all where most is negative.
func printSome(w io.Writer, lines []string, most int) {
	for i, line := range lines {
		if i == most && len(lines) > most+1 {
			fmt.Fprintf(w, "         and %d more: --all prints them\n", len(lines)-i)
			return
		}
		fmt.Fprintf(w, "         %s\n", line)
	}
}
