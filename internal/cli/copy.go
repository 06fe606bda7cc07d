package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"kiln/internal/image"
	"kiln/internal/registry"
)

func (a *app) copyCommand() *cobra.Command {
	var only filterFlags
	cmd := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy an image between registries and layouts, digests unchanged",
		Long: `Copy an image, all platforms or one, with all that stands beside it, from one
registry to another, into another repository of the same one, or between registries
and layouts. Manifests are copied as they are: all digests stay.

FROM and TO are REGISTRY/NAME:TAG, REGISTRY/NAME@DIGEST, oci:FOLDER or
oci-archive:FILE. Where TO is a repository without a tag, the image gets the tag
that it has in FROM.`,
		Example: `  kiln copy registry.example.org/team/web:1.4 mirror.example.org/team/web:1.4
  kiln copy registry.example.org/team/web@sha256:8c1f...e2 registry.example.org/prod/web:current
  kiln copy oci-archive:web.tar oci:web.oci --platform linux/amd64`,
		Args:              exactly(2, "an image and where it goes, such as registry.example.org/team/web:1.4 mirror.example.org/team/web:1.4"),
		ValidArgsFunction: completeCopy,
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseImageEnd(args[0])
			if err != nil {
				return err
			}
			to, err := parseCopyTarget(args[1])
			if err != nil {
				return err
			}
			return a.copyImage(cmd, from, to, only)
		},
	}
	a.remote.register(cmd)
	a.remote.registerChunk(cmd)
	only.register(cmd)
	return cmd
}

func parseCopyTarget(arg string) (registry.End, error) {
	kind, _, ok := strings.Cut(arg, ":")
	if ok && (kind == string(image.Layout) || kind == string(image.LayoutArchive)) {
		return parseLayoutTarget(arg)
	}
	ref, err := parseTarget(arg)
	return registry.End{Reference: &ref}, err
}

func completeCopy(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return completePackOutput(cmd, nil, word)
	}
	return completeImage(cmd, args, word)
}
