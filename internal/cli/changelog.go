package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// changelogFlags are the flags of kiln changelog, as typed.
type changelogFlags struct {
	explain  explainFlags
	all      bool
	markdown bool
}

func (a *app) changelogCommand() *cobra.Command {
	var f changelogFlags
	cmd := &cobra.Command{
		Use:   "changelog A B",
		Short: "Tell what the newer packages of B bring, from their Debian changelogs",
		Long: `Tell what changed in the packages from A to B, for release notes: for each source
whose packages have another version, the entries of its Debian changelog between the
two, with urgency, distribution, the CVE identifiers that they name and the bugs that
they close; then packages that came and went.

A and B are each a recipe (its folder or kiln.yaml: what its lock holds), a lock, or
an image, as for kiln diff.

The changelogs are read from the packages that B's lock names, since images leave
them out: those that the store lacks are fetched, where B is a recipe or a lock beside
one. Of an image alone only what it holds of /usr/share/doc is known; what is missing
is told.`,
		Example: `  git show v1.3:web/kiln.lock > old.lock && kiln changelog old.lock web
  kiln changelog oci:released.oci web --markdown
  kiln changelog old.lock web --json | jq '.cves'`,
		Args:              twoSides,
		ValidArgsFunction: completeSides,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.changelog(cmd, args, f) },
	}
	f.explain.source.registerMirror(cmd)
	a.remote.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.explain.platform, "platform", "", "ask about `PLATFORM`, such as linux/arm64, where there are several; else this machine's, or the first")
	complete(cmd, "platform", completePlatforms)
	flags.BoolVar(&f.all, "all", false, "print everything, not just the beginning of long entries; --json always does")
	flags.BoolVar(&f.markdown, "markdown", false, "print Markdown, as for release notes, its entries folded")
	return cmd
}

func (a *app) changelog(cmd *cobra.Command, args []string, f changelogFlags) error {
	if err := checkMarkdown(f.markdown, a.ui.json); err != nil {
		return err
	}
	s, err := a.newSides(cmd, f.explain)
	if err != nil {
		return err
	}
	defer s.close()
	before, err := s.packages(args[0])
	if err != nil {
		return err
	}
	after, err := s.packages(args[1])
	if err != nil {
		return err
	}
	report, err := s.changelog(before, after)
	if err != nil {
		return err
	}
	return a.ui.result(report, func(w io.Writer) { report.print(w, f) })
}
