package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/policy"
	"kiln/internal/recipe"
)

func (a *app) policyCheckCommand() *cobra.Command {
	var f policyFlags
	var policies, params []string
	cmd := &cobra.Command{
		Use:   "check IMAGE|RECIPE",
		Short: "Judge an image, or what a recipe gives",
		Long: `Judge an image by policies: any image, whoever built it, in whichever form (oci:FOLDER,
oci-archive:FILE, docker-archive:FILE, tar:FILE, folder:FOLDER, or a path alone) or of
a registry (REGISTRY/NAME:TAG), or the image of a recipe (its folder or kiln.yaml),
which is made and not written.

--policy names a file or builtin:NAME, and may be repeated. Without it, the policies
of the recipe are taken, with its exceptions. --param sets a parameter of the
policies that have it; of a list, it is given once for each value.

Licences are read, and an image is scanned for secrets as kiln secrets does, where a
policy asks for that. Signatures are known with --trust FILE alone: those that count by
that trust policy (kiln verify --policy), of requirements that are met.

A rule that asks for a fact which is not known of the image does not pass: it says
which fact, and what would make it known. Rules about ages go by --at, by default now.

Status 0: nothing is denied. 3: something is, or cannot be judged.`,
		Example: `  kiln policy check web
  kiln policy check oci:web.oci --policy builtin:minimal --policy policies/base.cel.yaml
  kiln policy check docker-archive:theirs.tar --policy builtin:non-root --json
  kiln policy check registry.example.org/team/web:1.4 --policy signed.cel.yaml --trust trust.yaml
  kiln policy check web --policy builtin:size --param budget=80MB`,
		Args:              exactly(1, "an image or a recipe, such as oci:web.oci"),
		ValidArgsFunction: completeSide,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.policyCheck(cmd, args[0], f, policies, params)
		},
	}
	f.register(cmd)
	a.remote.register(cmd)
	cmd.Flags().StringArrayVar(&policies, "policy", nil, "judge by the policy `FILE`, or builtin:NAME; may be repeated")
	cmd.Flags().StringArrayVar(&params, "param", nil, "set a parameter of the policies: `NAME=VALUE`; may be repeated")
	complete(cmd, "policy", completePolicies)
	complete(cmd, "param", words())
	return cmd
}

// checkReport is what kiln policy check tells, in the shape that --json prints.
type checkReport struct {
	Image    string            `json:"image"`
	Platform string            `json:"platform,omitempty"`
	OK       bool              `json:"ok"`
	Verdicts []*policy.Verdict `json:"verdicts"`
}

func (a *app) policyCheck(cmd *cobra.Command, arg string, f policyFlags, names, params []string) error {
	now, err := a.at(f.source)
	if err != nil {
		return err
	}
	used, err := policiesFor(arg, names, params)
	if err != nil {
		return err
	}
	found, _, err := a.subjectFacts(cmd, arg, f, asked(used))
	if err != nil {
		return err
	}
	report := &checkReport{Image: arg, Platform: found.Image.Platform, OK: true}
	for _, u := range used {
		res, err := u.Judge(cmd.Context(), found, policy.Options{Now: now, Params: u.Params})
		if err != nil {
			return err
		}
		v := u.Verdict(res, u.Except, now)
		report.OK = report.OK && v.OK()
		report.Verdicts = append(report.Verdicts, v)
	}
	if err := a.ui.result(report, report.print); err != nil {
		return err
	}
	if report.OK {
		return nil
	}
	return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("policy says no to %s", arg), Hints: denyHints(report.Verdicts)}
}

// policiesFor are the policies that were named, or those of the recipe.
func policiesFor(arg string, names, params []string) ([]bake.Used, error) {
	given, err := parseParams(params)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && sideKind(arg) == "recipe" {
		r, err := recipe.Load(arg)
		if err != nil {
			return nil, err
		}
		if used, err := bake.Policies(r); err != nil || len(used) > 0 {
			return used, err
		}
	}
	if len(names) == 0 {
		return nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot judge %q: no policy is named", arg), Hints: []string{"--policy builtin:minimal", "kiln policy list"}}
	}
	var all []bake.Used
	taken := map[string]bool{}
	for _, name := range names {
		p, err := loadPolicy(name)
		if err != nil {
			return nil, err
		}
		u := bake.Used{Policy: p, Params: map[string]recipe.Values{}}
		for _, param := range p.Params {
			if v, ok := given[param.Name]; ok {
				u.Params[param.Name], taken[param.Name] = v, true
			}
		}
		if bad := p.CheckParams(u.Params); bad != nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot use the policy %q: %s", name, bad[0].Text), Hints: []string{fmt.Sprintf("--param %s=...", bad[0].Name), "kiln policy show " + name}}
		}
		all = append(all, u)
	}
	for name := range given {
		if !taken[name] {
			return nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("none of the policies has a parameter %q", name), Hints: []string{"kiln policy show " + names[0]}}
		}
	}
	return all, nil
}

func denyHints(all []*policy.Verdict) []string {
	var hints []string
	for _, v := range all {
		if !v.OK() {
			hints = append(hints, "kiln policy show "+v.File)
		}
	}
	return hints
}

// mostShown bounds how many findings of a policy are printed; --json has all.
const mostShown = 40

func (r *checkReport) print(w io.Writer) {
	for _, v := range r.Verdicts {
		var parts []string
		for _, p := range []struct {
			list []policy.Finding
			word string
		}{{v.Denied, "denied"}, {v.Warned, "warned of"}, {v.Accepted, "accepted"}} {
			if len(p.list) > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", len(p.list), p.word))
			}
		}
		if parts == nil {
			parts = []string{"nothing found"}
		}
		fmt.Fprintf(w, "%s: %s, %s\n", v.Policy, count(v.Rules, "rule"), strings.Join(parts, ", "))
		printFindings(w, "denied", v.Denied)
		printFindings(w, "warned of", v.Warned)
		for _, f := range v.Accepted {
			fmt.Fprintf(w, "  accepted: %s/%s %s: %s\n", f.Policy, f.Rule, printable(f.Item), printable(f.Accepted))
		}
		if v.More > 0 {
			fmt.Fprintf(w, "  and %d more\n", v.More)
		}
	}
}

func printFindings(w io.Writer, title string, list []policy.Finding) {
	if len(list) > 0 {
		fmt.Fprintf(w, " %s\n", title)
	}
	for i, f := range list {
		if i == mostShown && len(list) > mostShown+1 {
			fmt.Fprintf(w, "  and %d more: --json has them\n", len(list)-i)
			return
		}
		fmt.Fprintln(w, f)
	}
}

func (a *app) policyFactsCommand() *cobra.Command {
	var f policyFlags
	cmd := &cobra.Command{
		Use:   "facts IMAGE|RECIPE",
		Short: "Print the facts that policies are about, as JSON",
		Long: `Print what policies can ask of an image, as JSON: its packages, files, users, groups,
units, ports, configuration, layers, recipe and Release files. What is not known of
it is left out, and "unknown" says why, and what would make it known.

The facts of a policy's test case are written in the same form. docs/policy.md lists
every one.`,
		Example: `  kiln policy facts oci:web.oci | jq '.files[] | select(.setuid) | .path'
  kiln policy facts web`,
		Args:              exactly(1, "an image or a recipe, such as oci:web.oci"),
		ValidArgsFunction: completeSide,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, _, err := a.subjectFacts(cmd, args[0], f, askAll)
			if err != nil {
				return err
			}
			a.ui.json = true
			return a.ui.result(found, func(io.Writer) {})
		},
	}
	f.register(cmd)
	a.remote.register(cmd)
	return cmd
}

// mostWarned bounds the findings of policyLeft.
const mostWarned = 10

// policyLeft tells what policies warn of, and how much the recipe accepts; it is empty
// where neither is.
func policyLeft(res *bake.Result) string {
	var lines []string
	warned, accepted := 0, 0
	seen := map[string]bool{}
	for _, img := range res.Images {
		for _, v := range img.Policies {
			accepted += len(v.Accepted)
			for _, f := range v.Warned {
				text := f.String()
				if seen[text] { // of another platform
					continue
				}
				seen[text] = true
				if warned++; warned <= mostWarned {
					lines = append(lines, text)
				}
			}
		}
	}
	if warned > mostWarned {
		lines = append(lines, fmt.Sprintf("  and %d more: --json has them", warned-mostWarned))
	}
	if warned > 0 {
		lines = append([]string{"policies warn of this:"}, lines...)
	}
	if accepted > 0 {
		lines = append(lines, fmt.Sprintf("exceptions accept what policies would deny or warn of: %s", count(accepted, "finding")))
	}
	return strings.Join(lines, "\n")
}
