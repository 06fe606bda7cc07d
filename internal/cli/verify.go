package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/proof"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// verifyFlags are the flags of kiln verify, as typed.
type verifyFlags struct {
	source   sourceFlags
	platform string
	listing  string
	recipe   string
	tree     string
	policy   trustFlags
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify IMAGE",
		Short: "Check every file of an image against what its build wrote",
		Long: `Check an image, in whichever form, against what it is to be: each path's type, mode,
owner, time, content, link, device and capabilities. Nothing is unpacked.

IMAGE is one of
  oci:FOLDER           an OCI image layout; FOLDER:TAG where it holds several images
  oci-archive:FILE     the same as one tar
  docker-archive:FILE  as "docker save" and "podman save" write it
  tar:FILE             a root file system
  folder:FOLDER        a root file system, unpacked
  REGISTRY/NAME@DIGEST an image of a registry, or REGISTRY/NAME:TAG
or a path alone, where what is there tells the form.

What it is to be, kiln build has written beside the image, for each platform. A tar
and a folder have no place for that: give --listing (from kiln build -o
listing:FILE), --recipe (whose tree is made again from its lock), or --tree, the
tree digest that kiln build reported, which tells whether but not where.

Status 0 means that all is equal. With status 3, each path that differs is listed
with what it was to be and what it is, each damaged layer with the part that is
damaged, and each file of a layout that is not as kiln wrote it. In a folder that an
ordinary user unpacked, what only root can set is not compared, and it says so.

None of that says whose image it is. --policy FILE does: a trust policy (YAML) that
names keys, roles, and what must be signed by how many. Every requirement must be met
by the bundles that stand beside the image, or are given with --bundle; each is of
this image's digest, and the files are checked against that digest as well. It is
told what was verified, by whom and against what. Nothing is asked of a network.`,
		Example: `  kiln verify oci:web.oci
  kiln verify oci:web.oci --policy trust.yaml
  kiln verify oci:web.oci:1.4.0 --policy trust.yaml --state accepted.json
  kiln verify folder:/mnt/web --listing web.listing
  kiln verify docker-archive:web.tar --json
  kiln verify registry.example.org/team/web:1.4
  kiln verify tar:root.tar --recipe web`,
		Args:              exactly(1, "an image, such as oci:web.oci"),
		ValidArgsFunction: completeImage,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.verify(cmd, args[0], f) },
	}
	f.source.register(cmd)
	a.remote.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.platform, "platform", "", "check only the image for `PLATFORM`, such as linux/arm64")
	flags.StringVar(&f.listing, "listing", "", "check against the listing in `FILE`")
	flags.StringVar(&f.recipe, "recipe", "", "check against what `RECIPE` and its lock give")
	flags.StringVar(&f.tree, "tree", "", "check against the tree `DIGEST`")
	complete(cmd, "platform", words(platformNames()...))
	complete(cmd, "recipe", completeRecipeFlag)
	complete(cmd, "tree", words())
	cmd.MarkFlagsMutuallyExclusive("listing", "recipe", "tree")
	f.policy.register(cmd)
	return cmd
}

// exactly wraps cobra's argument check in a usage error.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return &kiln.Error{
			Code:  kiln.Usage,
			Text:  fmt.Sprintf("%s wants %s; it got %d arguments", cmd.CommandPath(), what, len(args)),
			Hints: []string{cmd.CommandPath() + " --help"},
		}
	}
}

func (a *app) verify(cmd *cobra.Command, arg string, f verifyFlags) error {
	ref, done, err := a.imageRef(cmd.Context(), arg)
	if err != nil {
		return err
	}
	defer done()
	o := proof.Options{Native: nativePlatform(), Spool: a.spool(), Sink: a.ui.sink}
	if f.platform != "" {
		p, err := kiln.ParsePlatform(f.platform)
		if err != nil {
			return &kiln.Error{Code: kiln.Usage, Text: err.Error()}
		}
		o.Platforms = []kiln.Platform{p}
	}
	want, err := a.expected(cmd, f)
	if err != nil {
		return err
	}
	if err := f.policy.check(); err != nil {
		return err
	}
	if f.policy.file != "" {
		return a.verifyPolicy(cmd.Context(), ref, want, o, f.policy)
	}
	reports, err := proof.Verify(cmd.Context(), ref, want, o)
	if err != nil {
		return err
	}
	if err := a.ui.result(struct {
		Reports []*proof.Report `json:"reports"`
	}{reports}, func(w io.Writer) { printVerified(w, reports) }); err != nil {
		return err
	}
	if err := unequal(ref, reports); err != nil {
		return err
	}
	a.ui.sink(kiln.Event{State: kiln.Note, Text: "whose image it is was not asked: --policy FILE checks signatures"})
	return nil
}

// unequal is the error of an image that is not what it is to be.
func unequal(ref image.Reference, reports []*proof.Report) error {
	for _, r := range reports {
		if !r.Equal {
			return &kiln.Error{
				Code:  kiln.Refused,
				Text:  fmt.Sprintf("%s is not what it is to be", ref),
				Hints: []string{"do not use it; build it again, or copy it again from where it was built"},
			}
		}
	}
	return nil
}

// spool is where temporary files go.
func (a *app) spool() string {
	if dir := a.world.Getenv("TMPDIR"); dir != "" {
		return dir
	}
	return "/var/tmp" // on a disk, which /tmp may not be
}

// expected is what the flags say that an image is to be; nothing where they do not.
func (a *app) expected(cmd *cobra.Command, f verifyFlags) (want proof.Expected, err error) {
	switch {
	case f.tree != "":
		d, err := kiln.ParseDigest(f.tree)
		if err != nil {
			return want, &kiln.Error{Code: kiln.Usage, Text: "cannot read --tree: " + err.Error(), Hints: []string{"kiln build --json tells it: images[].tree"}}
		}
		return proof.Expected{Digest: d, Name: "the tree digest " + f.tree}, nil
	case f.listing != "":
		text, err := os.ReadFile(f.listing)
		if err == nil {
			want.Tree, err = tree.ParseListing(text)
		}
		if err != nil {
			return want, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the listing %q: %v", f.listing, err), Hints: []string{"make it with the image: kiln build -o listing:FILE"}, Err: err}
		}
		want.Name = "the listing " + f.listing
		return want, nil
	case f.recipe != "":
		r, err := recipe.Load(f.recipe)
		if err != nil {
			return want, err
		}
		e, err := a.explain(cmd, r, explainFlags{source: f.source, platform: f.platform})
		if err != nil {
			return want, err
		}
		return proof.Expected{Tree: e.Tree, Name: fmt.Sprintf("the recipe %s for %s", r.Path(), e.Platform)}, nil
	}
	return want, nil
}

// mostDifferences bounds how many differences are printed.
const mostDifferences = 40

func printVerified(w io.Writer, reports []*proof.Report) {
	for _, r := range reports {
		name := r.Image
		if r.Platform != "" {
			name += " " + r.Platform
		}
		if r.Equal {
			fmt.Fprintf(w, "%s  tree %s  %s as in %s\n", name, r.Found, count(r.Entries, "entry"), r.Against)
		} else {
			fmt.Fprintf(w, "%s differs from %s\n", name, r.Against)
		}
		for _, d := range r.Damage {
			fmt.Fprintf(w, "layer %s: %s\n", d.Layer, d.Text)
			for _, p := range d.Places {
				fmt.Fprintf(w, "  %s\n", p)
			}
		}
		for _, f := range r.Files {
			fmt.Fprintln(w, f)
		}
		printDifferences(w, r.Changes)
		for _, i := range r.Ignored {
			fmt.Fprintf(w, "not compared: %s\n", i)
		}
	}
}

func printDifferences(w io.Writer, all []proof.Difference) {
	for i, d := range all {
		if i == mostDifferences && len(all) > mostDifferences+1 {
			fmt.Fprintf(w, "and %d more: --json has them\n", len(all)-i)
			return
		}
		fmt.Fprintln(w, d)
	}
}

// completeImage completes the one argument IMAGE: the KIND: of an image, and then
// its path.
func completeImage(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	const stay = cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []string
	if kind, path, typed := strings.Cut(word, ":"); typed {
		for _, found := range below(path) {
			list = append(list, kind+":"+found)
		}
		return list, stay
	}
	for _, k := range image.Kinds() {
		list = append(list, string(k)+":")
	}
	return append(list, below(word)...), stay
}

// completeRecipeFlag completes a flag that names a recipe.
func completeRecipeFlag(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

func platformNames() []string {
	var names []string
	for _, p := range kiln.Platforms() {
		names = append(names, p.String())
	}
	return names
}
