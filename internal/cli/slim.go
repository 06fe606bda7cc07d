package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/closure"
	"kiln/internal/recipe"
	"kiln/internal/slim"
	"kiln/internal/tree"
)

func (a *app) slimCommand() *cobra.Command {
	var f explainFlags
	var traces []string
	var all bool
	cmd := &cobra.Command{
		Use:   "slim [RECIPE]",
		Short: "Propose what an image could do without",
		Long: `Propose what the image of a recipe (default the one of the current folder) could do
without: packages that nothing needs, and programs, libraries and files of the
others. Each proposal says what to write in the recipe, what it saves of the
unpacked image, what it is based on, and what may be wrong with it. Nothing is
changed.

What is needed: what the container and enabled units start, programs of the recipe
itself, programs and libraries of the packages that it names; and by way of
interpreters, libraries and PAM modules all that these need. What a program opens
or calls by itself is not seen, so that without a trace only programs, libraries
and whole packages of these are proposed.

--trace-file FILE (may be repeated) adds what a real run used, and then all files
count: a list of paths, one in each line; what "strace -f -e trace=%file" prints;
or what fatrace prints. The paths are those inside of the image.`,
		Example: `  kiln slim web
  strace -f -e trace=%file -o web.strace chroot web.root /usr/bin/app --self-test
  kiln slim web --trace-file web.strace`,
		Args:              atMost(1),
		ValidArgsFunction: completeRecipe,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.slim(cmd, recipeArg(args), f, traces, all) },
	}
	f.register(cmd)
	cmd.Flags().StringArrayVar(&traces, "trace-file", nil, "count what the record of a run in `FILE` names as needed; may be repeated")
	cmd.Flags().BoolVar(&all, "all", false, "print everything, not just what saves most; --json always does")
	return cmd
}

// slimReport is what kiln slim tells, in the shape that --json prints.
type slimReport struct {
	Recipe    string          `json:"recipe"`
	Platform  kiln.Platform   `json:"platform"`
	Bytes     int64           `json:"bytes"` // of all files of the image
	Saved     int64           `json:"saved"` // of these, by all proposals
	Roots     []string        `json:"roots"` // what the proposals go by
	Traces    []slimTrace     `json:"traces,omitempty"`
	Proposals []slim.Proposal `json:"proposals"`
}

// slimTrace tells of one trace.
type slimTrace struct {
	File     string `json:"file"`
	Paths    int    `json:"paths"`
	Found    int    `json:"found"`              // of these, files of the image
	Relative int    `json:"relative,omitempty"` // left out: nobody knows in which folder
}

func (a *app) slim(cmd *cobra.Command, path string, f explainFlags, traces []string, all bool) error {
	r, err := recipe.Load(path)
	if err != nil {
		return err
	}
	p, err := onePlatform(r, f.platform)
	if err != nil {
		return err
	}
	family, st, err := a.family(f.source)
	if err != nil {
		return err
	}
	defer st.Close()
	update, err := f.source.update()
	if err != nil {
		return err
	}
	e, err := bake.Explain(cmd.Context(), bake.LockOptions{
		Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.locked, Update: update, Sink: a.ui.sink, Workshop: workshop(family, nil),
	}, p)
	if err != nil {
		return err
	}
	in, err := bake.ClosureOf(cmd.Context(), st, r, p, &e.Root)
	if err != nil {
		return err
	}
	report := &slimReport{Recipe: r.Path(), Platform: p, Roots: startsOf(in)}
	for _, file := range traces {
		if err := report.trace(&in, file); err != nil {
			return err
		}
	}
	report.propose(e, in, len(traces) > 0)
	return a.ui.result(report, func(w io.Writer) { report.print(w, all) })
}

// startsOf lists what the image starts, in words.
func startsOf(in closure.Input) []string {
	var list []string
	for _, c := range in.Commands {
		list = append(list, fmt.Sprintf("%s (%s)", c.Recipe, strings.Join(c.Words, " ")))
	}
	for _, u := range in.Units {
		list = append(list, "the unit "+u)
	}
	return append(list, "programs and libraries of the packages that the recipe names")
}

// trace reads one trace.
func (r *slimReport) trace(in *closure.Input, file string) error {
	src, err := os.Open(file)
	if err != nil {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the trace %q: %v", file, err), Err: err}
	}
	defer src.Close()
	t, err := slim.ReadTrace(src)
	if err != nil {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("%q: %v", file, err), Err: err}
	}
	told := slimTrace{File: file, Paths: len(t.Paths), Relative: t.Relative}
	for _, p := range t.Paths {
		if real, err := in.Tree.Resolve(p); err == nil {
			if e, _ := in.Tree.Lookup(real); e.Type == tree.File {
				told.Found++
			}
		}
		in.Roots = append(in.Roots, closure.Root{Path: p, Why: "the trace " + filepath.Base(file)})
	}
	if told.Found == 0 {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot use the trace %q: of its paths (%d) none is a file of the image", file, len(t.Paths)),
			Hints: []string{"the paths must be as the program in the image saw them: trace inside of the container, or in a chroot"},
		}
	}
	r.Traces = append(r.Traces, told)
	return nil
}

func (r *slimReport) propose(e *bake.Explanation, in closure.Input, traced bool) {
	var packages []slim.Package
	for _, p := range e.Packages {
		packages = append(packages, slim.Package{Name: p.Name, Recipe: p.Recipe, Why: p.Why, RequiredBy: p.RequiredBy})
	}
	r.Proposals = slim.Propose(slim.Input{Tree: e.Tree, Packages: packages, Facts: in.Facts, Needed: slim.Needed(in, packages, traced), Traced: traced})
	for _, p := range r.Proposals {
		r.Saved += p.Bytes
	}
	for entry := range e.Tree.All() {
		if entry.Type == tree.File && !entry.Hard {
			r.Bytes += entry.Size
		}
	}
}

// mostProposals and mostPatterns bound what is printed without --all.
const (
	mostProposals = 15
	mostPatterns  = 5
)

func (r *slimReport) print(w io.Writer, all bool) {
	fmt.Fprintf(w, "%s %s: %s of %s could go\n", r.Recipe, r.Platform, size(r.Saved), size(r.Bytes))
	fmt.Fprintf(w, "needed: %s\n", strings.Join(r.Roots, "; "))
	for _, t := range r.Traces {
		fmt.Fprintf(w, "trace %s: paths: %d, of them files of the image: %d", t.File, t.Paths, t.Found)
		if t.Relative > 0 {
			fmt.Fprintf(w, "; %d relative ones are left out", t.Relative)
		}
		fmt.Fprintln(w)
	}
	basis, risk := "", ""
	for i, p := range r.Proposals {
		if i == mostProposals && !all && len(r.Proposals) > mostProposals+1 {
			var rest int64
			for _, p := range r.Proposals[i:] {
				rest += p.Bytes
			}
			fmt.Fprintf(w, "\nand %d more, %s: --all prints them\n", len(r.Proposals)-i, size(rest))
			break
		}
		printProposal(w, p, all)
		if p.Basis != basis || p.Risk != risk {
			basis, risk = p.Basis, p.Risk
			fmt.Fprintf(w, "  based on:  %s\n  risk:      %s\n", basis, risk)
		}
	}
	if r.Traces == nil {
		fmt.Fprintln(w, "\ntrace a run to have all files judged: --trace-file")
	}
}

func printProposal(w io.Writer, p slim.Proposal, all bool) {
	fmt.Fprintf(w, "\n%s  %s, %s\n", size(p.Bytes), p.Package, count(p.Files, "file"))
	if p.Along != nil {
		fmt.Fprintf(w, "  with it:   %s\n", strings.Join(p.Along, ", "))
	}
	switch p.Action {
	case slim.Remove:
		fmt.Fprintf(w, "  take out:  %s\n", p.Recipe)
	case slim.Without:
		for _, by := range p.From {
			fmt.Fprintf(w, "  write:     - %s: {why: ..., without: {%s: ...}}\n", by, p.Package)
		}
		if p.Recipe != "" {
			fmt.Fprintf(w, "  take out:  %s\n", p.Recipe)
		}
	case slim.Drop:
		for i, pattern := range p.Patterns {
			if i == mostPatterns && !all && len(p.Patterns) > mostPatterns+1 {
				fmt.Fprintf(w, "             and %d more: --all prints them\n", len(p.Patterns)-i)
				break
			}
			label := ""
			if i == 0 {
				label = "drop:"
			}
			fmt.Fprintf(w, "  %-10s - %s: ...  (%s)\n", label, pattern.Path, size(pattern.Bytes))
		}
	}
}
