package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/oci"
	"kiln/internal/pack"
	"kiln/internal/recipe"
	"kiln/internal/registry"
)

const trustLockHelp = "accept packages of the pack for which its lock alone vouches, as after an update of a part of the lock"

// packFlags are the flags of kiln pack, as typed.
type packFlags struct {
	source  sourceFlags
	locked  bool
	output  string
	subject string
	to      string
	record  recordFlags
}

func (a *app) packCommand() *cobra.Command {
	var f packFlags
	cmd := &cobra.Command{
		Use:   "pack [RECIPE]",
		Short: "Put every input of a recipe's lock into one file",
		Long: `Put every input of a recipe's lock into one file: the recipe with the files that it
takes from its folder, the lock, the archives' signed Releases and indexes, their
keys, and all packages. kiln build --pack builds the image from that file alone,
with the network off and the archives gone, to the same digest.

The lock is found or made as for kiln build. What the store has lost is fetched
again by the lock's hashes. A pack is a function of recipe, lock and files: the
same bytes, whoever makes it and whenever.

A pack is an OCI artifact in an image layout. Its output (-o) is one of
  FILE, oci-archive:FILE  one tar (default: NAME.pack.tar)
  oci:FOLDER              the same as a folder

--subject names the image that the pack is of, as kiln build wrote it: registries
then list the pack beside it, and kiln build --pack tells where it built another.

--to IMAGE puts the pack beside an image of a registry, REGISTRY/NAME:TAG or
REGISTRY/NAME@DIGEST, which is then its subject; kiln build --pack finds it by the
same name. Where only REGISTRY/NAME is given, the pack stands by itself there (or
beside the image that --subject names), under the tag VERSION.pack. A file is then
written only where -o asks for one.`,
		Example: `  kiln pack web
  kiln pack web --locked -o /srv/packs/web-1.4.0.pack.tar
  kiln build web -o oci:web.oci && kiln pack web --subject web.oci
  kiln pack verify web.pack.tar && kiln build --pack web.pack.tar
  kiln pack web --to registry.example.org/team/web:1.4
  kiln build --pack registry.example.org/team/web:1.4`,
		Args:              atMost(1),
		ValidArgsFunction: completeRecipe,
		RunE: func(cmd *cobra.Command, args []string) error {
			path := recipeArg(args)
			return a.recorded(f.record, "kiln pack "+path, func() error { return a.pack(cmd, path, f) })
		},
	}
	flags := cmd.Flags()
	f.source.register(cmd)
	f.record.register(cmd)
	flags.BoolVar(&f.locked, "locked", false, "never write the lock; refuse one that is missing or stale (for CI)")
	flags.StringVarP(&f.output, "output", "o", "", "write `FILE`, oci-archive:FILE or oci:FOLDER (default NAME.pack.tar)")
	flags.StringVar(&f.subject, "subject", "", "name the image in `LAYOUT` (a folder, or a tar of one) as what the pack is of")
	flags.StringVar(&f.to, "to", "", "put the pack beside `IMAGE` of a registry")
	a.remote.register(cmd)
	a.remote.registerChunk(cmd)
	complete(cmd, "output", completePackOutput)
	complete(cmd, "subject", completeAny)
	complete(cmd, "to", words())
	cmd.AddCommand(a.packVerifyCommand())
	return cmd
}

func (a *app) pack(cmd *cobra.Command, path string, f packFlags) error {
	r, err := recipe.Load(path)
	if err != nil {
		return err
	}
	o := bake.PackOptions{}
	if f.to == "" || f.output != "" {
		if o.Output, err = parsePackOutput(f.output, r.Name); err != nil {
			return err
		}
	}
	if o.Subject, err = packedImage(f.subject); err != nil {
		return err
	}
	update, err := f.source.update()
	if err != nil {
		return err
	}
	family, st, err := a.family(f.source)
	if err != nil {
		return err
	}
	defer st.Close()
	o.Archivist, o.Store = family, st
	o.Lock = bake.LockOptions{Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.locked, Update: update, Sink: a.ui.sink}
	delivered, done, err := a.deliver(cmd.Context(), st, f, &o)
	if err != nil {
		return err
	}
	defer done()
	res, err := bake.Pack(cmd.Context(), o)
	if err != nil {
		return err
	}
	a.tellChain(res.Chain)
	return a.ui.result(packTimed{res, delivered.Copied, a.timingsFor(f.record)}, func(w io.Writer) {
		printContents(w, r.Name, res.Contents)
		if res.Output != (bake.Output{}) {
			fmt.Fprintf(w, "wrote %s:%s\n", res.Output.Type, res.Output.Path)
		}
		if delivered.Copied != nil {
			fmt.Fprintf(w, "pushed %s\n", delivered.Reference)
		}
	})
}

// packTimed is the result of a pack, with --timings.
type packTimed struct {
	*bake.PackResult
	Pushed  *registry.Copied `json:"pushed,omitempty"`
	Timings *timings         `json:"timings,omitempty"`
}

// packedImage reads which image a layout holds; nil where none is named.
func packedImage(layout string) (*oci.Descriptor, error) {
	if layout == "" {
		return nil, nil
	}
	d, err := pack.Image(layoutPath(layout))
	return &d, err
}

// parsePackOutput reads where a pack is to be written.
func parsePackOutput(arg, name string) (bake.Output, error) {
	if arg == "" {
		arg = name + ".pack.tar"
	}
	kind, path, typed := strings.Cut(arg, ":")
	isWord := strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz-") == ""
	switch {
	case !typed || !isWord:
		return bake.Output{Type: bake.OCIArchive, Path: arg}, nil
	case path != "" && slices.Contains(packOutputs(), bake.OutputType(kind)):
		return bake.Output{Type: bake.OutputType(kind), Path: path}, nil
	}
	return bake.Output{}, &kiln.Error{
		Code:  kiln.Usage,
		Text:  fmt.Sprintf("cannot read the output %q of a pack: want FILE, oci-archive:FILE or oci:FOLDER", arg),
		Hints: []string{"-o " + name + ".pack.tar", "-o oci:" + name + ".pack"},
	}
}

// packOutputs are the types of output that a pack has.
func packOutputs() []bake.OutputType { return []bake.OutputType{bake.OCIArchive, bake.OCI} }

// tellChain warns who packs of what the signed chain does not reach.
func (a *app) tellChain(c *bake.Chain) {
	if len(c.LockAlone) == 0 {
		return
	}
	names := slices.Clone(c.LockAlone)
	if more := len(names) - mostUnits; more > 1 {
		names = append(names[:mostUnits], fmt.Sprintf("and %d more", more))
	}
	a.ui.sink(kiln.Event{State: kiln.Warning, Text: wrapped(
		"the lock alone vouches for these packages: they stand in no index that it names, since they were locked from an earlier state of their archive, and the pack is used with --trust-lock only: " + strings.Join(names, ", "))})
}

// printContents sums up a pack by kind.
func printContents(w io.Writer, name string, c *pack.Contents) {
	fmt.Fprintf(w, "%s  pack %s  %s\n", name, c.Digest, size(c.Size))
	fmt.Fprintf(w, "  lock %s\n", c.Lock)
	if c.Subject != nil {
		fmt.Fprintf(w, "  of the image %s\n", c.Subject.Digest)
	}
	count, bytes := map[pack.Kind]int{}, map[pack.Kind]int64{}
	var order []pack.Kind
	for _, in := range c.Inputs {
		if count[in.Kind] == 0 {
			order = append(order, in.Kind)
		}
		count[in.Kind]++
		bytes[in.Kind] += in.Size
	}
	for _, k := range order {
		fmt.Fprintf(w, "  %-10s %4d  %s\n", k, count[k], size(bytes[k]))
	}
}
