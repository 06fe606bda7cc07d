package cli

import (
	"github.com/spf13/cobra"

	"kiln/internal/registry"
)

func (a *app) pullCommand() *cobra.Command {
	var only filterFlags
	cmd := &cobra.Command{
		Use:   "pull REGISTRY/NAME{:TAG|@DIGEST} OUTPUT",
		Short: "Read an image of a registry into a layout, with all that stands beside it",
		Long: `Read an image of a registry into an image layout, with all that stands beside the
image: the record of its build, SBOMs, signed statements. OUTPUT is oci:FOLDER or
oci-archive:FILE. Of an image that kiln built, all platforms, the layout is the one
that kiln build wrote, byte for byte.

Each blob is checked against its digest before it is kept, and the layout appears
only when all of it is there. What was fetched before a transfer failed is in the
store: the same command goes on from there. Mirrors of a registry can be named in
kiln's configuration file (docs/registry.md).

A tag can be moved: name the image by its digest, as kiln push prints it, to be
sure of what you get. The reference by digest is printed.`,
		Example: `  kiln pull registry.example.org/team/web:1.4 oci:web.oci
  kiln pull registry.example.org/team/web@sha256:8c1f...e2 oci-archive:web.tar
  kiln pull registry.example.org/team/web:1.4 oci:web.oci --platform linux/arm64`,
		Args: exactly(2, "an image of a registry and where it goes, such as registry.example.org/team/web:1.4 oci:web.oci"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseTarget(args[0])
			if err != nil {
				return err
			}
			to, err := parseLayoutTarget(args[1])
			if err != nil {
				return err
			}
			return a.copyImage(cmd, registry.End{Reference: &from}, to, only)
		},
		ValidArgsFunction: completeOutputAt(1),
	}
	a.remote.register(cmd)
	only.register(cmd)
	return cmd
}

// completeOutputAt completes the argument of that number as a layout that is written.
func completeOutputAt(n int) completer {
	return func(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) != n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completePackOutput(nil, nil, word)
	}
}
