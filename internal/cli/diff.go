package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/compare"
)

// diffFlags are the flags of kiln diff, as typed.
type diffFlags struct {
	explain  explainFlags
	all      bool
	markdown bool
	fail     string
}

// What --exit-code may say.
const (
	failAny  = "any"
	failRisk = "risk"
)

func (a *app) diffCommand() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Tell what differs between two recipes, locks or images",
		Long: `Tell what changed from A to B, what is risky first: files that newly run with the
rights of another (setuid, capabilities), accounts that can log in, units that are
newly enabled or listen, a container that newly runs as root, packages that went
back, maintainer scripts that newly change something (known of recipes, and of images
that kiln built). Then packages, accounts,
units, configuration, licences, modes and owners, files, and sizes.

A and B are each one of
  a recipe       its folder or kiln.yaml; its image is put together from its lock
  a lock         kiln.lock, or a copy of it from another day: packages only
  an image       oci:FOLDER, oci-archive:FILE, docker-archive:FILE, tar:FILE or
                 folder:FOLDER; without the word before the colon, what is there
                 decides. One of several in it is named at the end: oci:FOLDER:TAG.
                 Or one of a registry: REGISTRY/NAME:TAG, REGISTRY/NAME@DIGEST

Images may be of any making: every blob is checked against its digest. Nothing is
written but the store. What is not known of a side is not compared, and told.

The status is 0 where the two could be compared, whether they differ or not. With
--exit-code it is 3 where they differ, with --exit-code=risk where there is a risk.`,
		Example: `  git show HEAD~1:web/kiln.lock > old.lock && kiln diff old.lock web/kiln.lock
  kiln diff oci:web.oci web
  kiln diff docker-archive:old.tar docker-archive:new.tar --markdown
  kiln diff oci:released.oci web --exit-code=risk    # in CI
  kiln diff registry.example.org/team/web:1.4 web`,
		Args:              twoSides,
		ValidArgsFunction: completeSides,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.diff(cmd, args, f) },
	}
	f.explain.register(cmd)
	a.remote.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "print everything, not just the beginning of long lists; --json always does")
	flags.BoolVar(&f.markdown, "markdown", false, "print Markdown, as for a comment on a pull request, its lists folded")
	flags.StringVar(&f.fail, "exit-code", "", "end with status 3 `WHERE` they differ: any (the default of the flag) or risk")
	flags.Lookup("exit-code").NoOptDefVal = failAny
	complete(cmd, "exit-code", words(failAny, failRisk))
	return cmd
}

func (f *diffFlags) check(json bool) error {
	if f.fail != "" && f.fail != failAny && f.fail != failRisk {
		return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("--exit-code is any or risk, got %q", f.fail), Hints: []string{"--exit-code=risk"}}
	}
	return checkMarkdown(f.markdown, json)
}

func checkMarkdown(markdown, json bool) error {
	if markdown && json {
		return &kiln.Error{Code: kiln.Usage, Text: "--markdown and --json are two forms of one answer", Hints: []string{"leave one of the two out"}}
	}
	return nil
}

func (a *app) diff(cmd *cobra.Command, args []string, f diffFlags) error {
	if err := f.check(a.ui.json); err != nil {
		return err
	}
	s, err := a.newSides(cmd, f.explain)
	if err != nil {
		return err
	}
	defer s.close()
	before, err := s.full(args[0])
	if err != nil {
		return err
	}
	after, err := s.full(args[1])
	if err != nil {
		return err
	}
	if a, b := before.Platform, after.Platform; a != "" && b != "" && a != b && f.explain.platform == "" {
		s.app.ui.sink(kiln.Event{State: kiln.Warning, Text: fmt.Sprintf("one is for %s and the other for %s: --platform chooses, where there are several", a, b)})
	}
	report, err := compare.Sides(before, after)
	if err != nil {
		return err
	}
	if err := a.ui.result(report, func(w io.Writer) { printDiff(w, report, f) }); err != nil {
		return err
	}
	return f.verdict(report)
}

// verdict is an error where --exit-code wants one.
func (f *diffFlags) verdict(r *compare.Report) error {
	switch {
	case f.fail == failAny && !r.Equal:
		return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("%s and %s differ", r.Before.Name, r.After.Name)}
	case f.fail == failRisk && len(r.Risks) > 0:
		return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("%s from %s to %s", count(len(r.Risks), "risk"), r.Before.Name, r.After.Name)}
	}
	return nil
}

func printDiff(w io.Writer, r *compare.Report, f diffFlags) {
	parts := diffSections(r, f.all)
	title := fmt.Sprintf("from %s to %s", subjectText(r.Before), subjectText(r.After))
	note := ""
	switch {
	case r.Equal && r.After.Tree != "" && r.Before.Tree == r.After.Tree:
		note = "no difference: the tree is " + string(r.After.Tree)
	case r.Equal:
		note = "no difference"
	case len(r.Risks) == 0 && r.Before.Tree != "" && r.After.Tree != "":
		note = "no risk found"
	}
	report := sectionReport{title: title, note: note, sections: parts, notes: r.Skipped}
	if f.markdown {
		report.markdown(w)
		return
	}
	report.text(w, f.all)
}

func subjectText(s compare.Subject) string {
	text := fmt.Sprintf("the %s %s", s.Kind, s.Name)
	if s.Platform != "" {
		text += " (" + s.Platform + ")"
	}
	return text
}
