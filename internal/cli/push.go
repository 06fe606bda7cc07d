package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kiln/internal/registry"
)

func (a *app) pushCommand() *cobra.Command {
	var only filterFlags
	cmd := &cobra.Command{
		Use:   "push IMAGE REGISTRY/NAME[:TAG]",
		Short: "Write an image to a registry, with all that stands beside it",
		Long: `Write an image to a registry: all platforms, and all that stands beside the image,
each as a referrer of it (OCI distribution specification 1.1): the record of its
build, SBOMs, signed statements. Where the registry keeps no lists of referrers,
kiln keeps them, under the tag sha256-HEX.

IMAGE is oci:FOLDER or oci-archive:FILE as kiln build wrote it, or any other image
layout; FOLDER:NAME where it holds several. Without :TAG the image gets the name
that it has in the layout, which is the recipe's version. The reference by digest
is printed: give that to whoever is to run the image.

Blobs that the registry has are not sent again, and those that another of its
repositories has are taken from there. The tag is set last: whoever asks for it
finds the whole image or the one before. What was cut goes on, in the same run
where it was cut, and in the next with what is not there yet.

Credentials are those of kiln login, podman login and docker login, helpers included. Private
authorities and client certificates are found in /etc/containers/certs.d/HOST and
/etc/docker/certs.d/HOST. docs/registry.md tells more.`,
		Example: `  kiln push oci:web.oci registry.example.org/team/web:1.4
  kiln push web.oci registry.example.org/team/web
  kiln push web.oci localhost:5000/web:test --json | jq -r .reference`,
		Args:              exactly(2, "an image and where it goes, such as oci:web.oci registry.example.org/team/web:1.4"),
		ValidArgsFunction: completeImage,
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseImageEnd(args[0])
			if err != nil {
				return err
			}
			to, err := parseTarget(args[1])
			if err != nil {
				return err
			}
			return a.copyImage(cmd, from, registry.End{Reference: &to}, only)
		},
	}
	a.remote.register(cmd)
	a.remote.registerChunk(cmd)
	only.register(cmd)
	return cmd
}

// copyImage copies an image from one end to another, and prints what came of it.
func (a *app) copyImage(cmd *cobra.Command, from, to registry.End, only filterFlags) error {
	filter, err := only.filter()
	if err != nil {
		return err
	}
	st, err := a.openStore()
	if err != nil {
		return err
	}
	defer st.Close()
	var refs []registry.Reference
	for _, e := range []registry.End{from, to} {
		if e.Reference != nil {
			refs = append(refs, *e.Reference)
		}
	}
	c, err := a.registryClient(st, refs...)
	if err != nil {
		return err
	}
	defer c.Close()
	res, err := c.Copy(cmd.Context(), from, to, filter)
	if err != nil {
		return err
	}
	return a.copied(res)
}

// printReference prints what scripts go on with.
func printReference(res *registry.Copied) func(io.Writer) {
	return func(w io.Writer) {
		if res.Reference == "" {
			fmt.Fprintln(w, res.Digest)
			return
		}
		fmt.Fprintln(w, res.Reference)
	}
}
