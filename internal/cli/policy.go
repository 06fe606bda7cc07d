package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	imagefacts "kiln/internal/facts"
	"kiln/internal/oci"
	"kiln/internal/policy"
	"kiln/internal/recipe"
)

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Judge images by rules, and test the rules",
		Long: `A policy is a YAML file of rules in CEL over facts of an image: packages, files,
users, units, how it runs, what it was made of. A recipe names its policies
(policy:), and kiln build judges by them before it writes anything: what they deny
ends the build with status 3.

These commands judge any image, whoever built it, test policies, and show those
that come with kiln, to copy and change. docs/policy.md explains all of it.`,
		Args: cobra.ArbitraryArgs,
		RunE: helpOrUnknown,
	}
	cmd.AddCommand(a.policyCheckCommand(), a.policyTestCommand(), a.policyListCommand(), a.policyShowCommand(), a.policyFactsCommand())
	return cmd
}

// policyFlags are the flags of the commands that look at an image or a recipe.
type policyFlags struct {
	source   sourceFlags
	locked   bool
	platform string
	trusted  bool
	trust    string
}

func (f *policyFlags) register(cmd *cobra.Command) {
	f.source.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.locked, "locked", false, "of a recipe: refuse a lock that is missing or stale (for CI)")
	flags.StringVar(&f.platform, "platform", "", "look at the image for `PLATFORM`, such as linux/arm64; else this machine's, or the first")
	flags.BoolVar(&f.trusted, "trust-record", false, "of an image: look for secrets as kiln secrets --trust-record does, not in what came unchanged out of a package")
	flags.StringVar(&f.trust, "trust", "", "of an image: the facts about signatures are those that the trust policy in `FILE` accepts")
	complete(cmd, "platform", words(platformNames()...))
	complete(cmd, "trust", completeAny)
}

// subjectFacts are the facts of what the argument names: a recipe, whose image is made
// without an output, or an image. What asks does not ask for, and costs more to know, is
// left out.
func (a *app) subjectFacts(cmd *cobra.Command, arg string, f policyFlags, asks func(string) bool) (*imagefacts.Facts, *recipe.Recipe, error) {
	if sideKind(arg) != "recipe" {
		found, err := a.imageFacts(cmd.Context(), arg, f, asks)
		return found, nil, err
	}
	if f.trust != "" || f.trusted {
		return nil, nil, &kiln.Error{Code: kiln.Usage, Text: "--trust and --trust-record are for images: what a recipe gives is not signed yet", Hints: []string{"kiln policy check oci:web.oci --trust FILE"}}
	}
	r, err := recipe.Load(arg)
	if err != nil {
		return nil, nil, err
	}
	p, err := onePlatform(r, f.platform)
	if err != nil {
		return nil, nil, err
	}
	family, st, err := a.family(f.source)
	if err != nil {
		return nil, nil, err
	}
	defer st.Close()
	update, err := f.source.update()
	if err != nil {
		return nil, nil, err
	}
	all, err := bake.Facts(cmd.Context(), bake.Options{
		Lock:  bake.LockOptions{Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.locked, Update: update, Sink: a.ui.sink, Workshop: workshop(family, nil)},
		Store: st, Platforms: []kiln.Platform{p}, Compression: oci.Gzip, Native: nativePlatform(), Build: family.Build, Tool: tool(), Sink: a.ui.sink,
	}, asks(bake.AskLicences))
	if err != nil {
		return nil, nil, err
	}
	return all[0], r, nil
}

// at is the time that rules about ages go by.
func (a *app) at(f sourceFlags) (time.Time, error) {
	update, err := f.update()
	if err != nil || update.At.IsZero() {
		return a.world.Now(), err
	}
	return update.At, nil
}

// loadPolicy reads a policy: a file, or builtin:NAME.
func loadPolicy(name string) (*policy.Policy, error) {
	text, err := policyText(name)
	if err != nil {
		return nil, err
	}
	p, problems := policy.Load(name, text)
	if problems != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the policy %q: %v", name, problems), Err: problems}
	}
	return p, nil
}

// maxPolicy bounds what is read of a file that is named as a policy, in bytes.
const maxPolicy = 2 << 20

func policyText(name string) ([]byte, error) {
	if builtin, ok := strings.CutPrefix(name, recipe.BuiltinPolicy); ok {
		return policy.BuiltinText(builtin)
	}
	text, err := readBounded(name, maxPolicy)
	if err == nil {
		return text, nil
	}
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the policy %q: %v", name, err), Err: err}
	if near := recipe.Nearest(name, policy.Builtins()); near != "" {
		e.Hints = []string{recipe.BuiltinPolicy + near}
	}
	e.Hints = append(e.Hints, "kiln policy list")
	return nil, e
}

// parseParams reads NAME=VALUE arguments; several values of one name are a list.
func parseParams(args []string) (map[string]recipe.Values, error) {
	all := map[string]recipe.Values{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the parameter %q: want NAME=VALUE", arg), Hints: []string{"--param budget=80MB"}}
		}
		all[name] = append(all[name], value)
	}
	return all, nil
}

// completePolicies completes policies that come with kiln, and YAML files.
func completePolicies(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, name := range policy.Builtins() {
		list = append(list, recipe.BuiltinPolicy+name)
	}
	return append(list, below(word)...), cobra.ShellCompDirectiveNoFileComp
}
