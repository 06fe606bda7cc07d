package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/durable"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/proof"
)

// proveFlags are the flags of kiln prove, as typed.
type proveFlags struct {
	source      sourceFlags
	locked      bool
	platforms   []string
	compression string
	types       []string
	recipe      string
	pack        string
	output      string
	keep        string
	stages      stageFlags
}

func (a *app) proveCommand() *cobra.Command {
	var f proveFlags
	cmd := &cobra.Command{
		Use:   "prove [RECIPE|IMAGE]",
		Short: "Build twice in different surroundings, and compare to the byte",
		Long: `Build the image of a recipe twice from its lock, and compare all that comes out of it.
The second build is a process of its own and meets other surroundings: a clock 400 days
ahead, another time zone, locale, umask, working directory, environment and number of
processors, folders that list backwards, a copy of the recipe's files, and a store that
holds the packages alone, so that all is made anew; where the system lets it, another
user (of root: nobody), another host name, and no network. What could not be varied is
listed with the reason.

With an IMAGE (oci:FOLDER, oci-archive:FILE, docker-archive:FILE, or of a registry:
REGISTRY/NAME:TAG, REGISTRY/NAME@DIGEST), it is built again from the recipe and the
lock that are recorded beside it, and compared with what is there. Files that the
recipe takes from its folder are not recorded: --recipe names the folder that has
them, or --pack a pack, which has the packages, too. A tar:FILE or folder:FOLDER has
no record: there, these give recipe and lock.

Status 0 means the same. With status 3, each difference is listed: the output, the path
or the place in a document, both values, and the step of the build that it comes of.
--output writes what was found as JSON, in the shape of an in-toto statement without
its _type: subjects, what was varied, and the result.`,
		Example: `  kiln prove examples/static
  kiln prove web --outputs oci,docker-archive,tar -o web.proof.json
  kiln prove oci:web.oci
  kiln prove docker-archive:web.tar --recipe web --json
  kiln prove oci:web.oci --pack web.pack.tar`,
		Args:              atMost(1),
		ValidArgsFunction: completeRecipeOrImage,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.prove(cmd, recipeArg(args), f) },
	}
	flags := cmd.Flags()
	f.source.register(cmd)
	a.remote.register(cmd)
	f.stages.register(cmd)
	flags.BoolVar(&f.locked, "locked", false, "never write the lock; refuse one that is missing or stale (for CI)")
	flags.StringSliceVar(&f.platforms, "platform", nil, "prove only `PLATFORM`, such as linux/arm64; several with commas")
	flags.StringVar(&f.compression, "compression", "gzip", "compress layers with `METHOD`: gzip or zstd; an image's record tells its own")
	flags.StringSliceVar(&f.types, "outputs", []string{"oci"}, "compare outputs of each `TYPE`: oci, oci-archive, docker-archive, tar, listing")
	flags.StringVar(&f.recipe, "recipe", "", "of an image: `FOLDER` that has the files that its recipe takes")
	flags.StringVar(&f.pack, "pack", "", "of an image: take these files, and the packages, from the pack in `FILE`")
	flags.StringVarP(&f.output, "output", "o", "", "write what was found to `FILE`")
	flags.StringVar(&f.keep, "keep", "", "keep both builds in `FOLDER`, as first and second")
	complete(cmd, "platform", completePlatforms)
	complete(cmd, "compression", words("gzip", "zstd"))
	complete(cmd, "outputs", words(provable()...))
	complete(cmd, "recipe", completeRecipeFlag)
	cmd.MarkFlagsMutuallyExclusive("recipe", "pack")
	complete(cmd, "keep", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs))
	return cmd
}

// provable are the types of outputs that can be compared. A folder cannot: only root
// can set what is in it.
func provable() []string {
	return []string{string(bake.OCI), string(bake.OCIArchive), string(bake.DockerArchive), string(bake.Tar), string(bake.Listing)}
}

func (a *app) prove(cmd *cobra.Command, arg string, f proveFlags) error {
	for _, t := range f.types {
		if !slices.Contains(provable(), t) {
			return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot compare outputs of the type %q", t), Hints: []string{"--outputs " + strings.Join(provable(), ",")}}
		}
	}
	comp, err := oci.ParseCompression(f.compression)
	if err != nil {
		return &kiln.Error{Code: kiln.Usage, Text: err.Error(), Hints: []string{"--compression gzip", "--compression zstd"}}
	}
	work, done, err := a.workFolder(f.keep)
	if err != nil {
		return err
	}
	defer done()
	p := &proving{app: a, flags: f, compression: comp, work: work, started: a.world.Now()}
	if p.family, p.store, err = a.family(f.source); err != nil {
		return err
	}
	defer p.store.Close()
	ref, fetched, err := a.imageRef(cmd.Context(), arg)
	if err != nil {
		return err
	}
	defer fetched()
	switch {
	case isImage(ref):
		err = p.proveImage(cmd.Context(), ref)
	case f.recipe != "" || f.pack != "":
		return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("--recipe and --pack are for an image, and %q is a recipe", arg), Hints: []string{"kiln prove " + arg, "kiln prove --help"}}
	default:
		err = p.proveRecipe(cmd.Context(), arg)
	}
	if err != nil {
		return err
	}
	return a.reportProof(p.statement(), f.output)
}

// isImage tells an image from a recipe.
func isImage(ref image.Reference) bool {
	if ref.Kind != "" {
		return true
	}
	info, err := os.Stat(ref.Path)
	switch {
	case err != nil:
		return false
	case info.IsDir():
		_, err := os.Stat(filepath.Join(ref.Path, "oci-layout"))
		return err == nil
	}
	ext := filepath.Ext(ref.Path)
	return ext != ".yaml" && ext != ".yml"
}

// workFolder makes the folder in which both builds are, which others can pass through.
// One that a process left which was killed is removed first.
func (a *app) workFolder(keep string) (dir string, done func(), err error) {
	if keep != "" {
		if keep, err = filepath.Abs(keep); err == nil {
			err = os.Mkdir(keep, 0o755)
		}
		if err != nil {
			return "", nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot keep the builds: %v", err), Hints: []string{"name a folder that is not there yet: --keep FOLDER"}}
		}
		return keep, func() {}, nil
	}
	dir, release, err := durable.MkdirTemp(filepath.Join(a.spool(), "kiln-prove"))
	if err != nil {
		return "", nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make a temporary folder: %v", err), Hints: []string{"TMPDIR=FOLDER names another place"}}
	}
	return dir, func() {
		_ = durable.RemoveAll(dir)
		release()
	}, os.Chmod(dir, 0o755)
}

// reportProof prints what was found, and writes it where it is asked for.
func (a *app) reportProof(s *proof.Statement, file string) error {
	if file != "" {
		text, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return fmt.Errorf("bug: cannot encode the proof: %w", err)
		}
		if err := durable.WriteFile(file, 0o644, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err }); err != nil {
			return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot write the proof %q: %v", file, err), Err: err}
		}
	}
	if err := a.ui.result(s, func(w io.Writer) { printProof(w, s) }); err != nil {
		return err
	}
	if s.Predicate.Reproducible {
		return nil
	}
	return &kiln.Error{
		Code:  kiln.Refused,
		Text:  "the second build is not the same as " + s.Predicate.First,
		Hints: []string{"mend what the step named beside each difference does; kiln why tells more of a path", "kiln prove --keep FOLDER keeps both builds, to look at them"},
	}
}

func printProof(w io.Writer, s *proof.Statement) {
	p := &s.Predicate
	for _, o := range p.Outputs {
		if o.Equal {
			fmt.Fprintf(w, "%s  %s  the same twice\n", o.Type, o.First)
			continue
		}
		fmt.Fprintf(w, "%s  %s, and %s the second time\n", o.Type, o.First, o.Second)
		printDifferences(w, o.Differences)
	}
	for _, o := range p.Outputs {
		for _, i := range o.Ignored {
			fmt.Fprintf(w, "not compared: %s\n", i)
		}
	}
	for _, a := range p.Answers {
		fmt.Fprintf(w, "%s asks for the %s: the same in every build, %s\n", a.Script, strings.ReplaceAll(a.Asked, "-", " "), a.Answer)
	}
	var varied []string
	for _, v := range p.Variations {
		if v.Applied {
			varied = append(varied, v.Name)
		}
	}
	fmt.Fprintln(w, wrapped("varied: "+strings.Join(varied, ", ")))
	for _, v := range p.Variations {
		if !v.Applied {
			reason := v.Reason
			if reason == "" {
				reason = "it was the same"
			}
			fmt.Fprintf(w, "not varied: %s: %s\n", v.Name, reason)
		}
	}
}

// completeRecipeOrImage completes the one argument: a recipe, or the KIND: of an image
// and its path.
func completeRecipeOrImage(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	return completeImage(cmd, args, word)
}
