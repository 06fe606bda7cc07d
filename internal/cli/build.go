package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/recipe"
)

// buildFlags are the flags of kiln build, as typed.
type buildFlags struct {
	source      sourceFlags
	locked      bool
	pack        string
	trustLock   bool
	outputs     []string
	platforms   []string
	compression string
	verifyCache bool
	record      recordFlags
	stages      stageFlags
}

// buildHelp is what kiln build --help tells.
const buildHelp = `Build the image of a recipe (a kiln.yaml or the folder that holds one; default
the current folder). The lock beside the recipe says exactly what goes in; where
there is none, or the recipe wants something else, it is made and written first.

Outputs (-o, may be given several times):
  oci:FOLDER           OCI image layout, all platforms (default: oci:NAME.oci)
  oci-archive:FILE     the same as one tar
  docker-archive:FILE  for "docker load" and "podman load", one platform
  tar:FILE             the root file system as a plain tar, one platform
  folder:FOLDER        the root file system unpacked, one platform
  erofs:FILE           the root file system as EROFS, to be mounted read-only (Linux 6.10),
                       one platform
  listing:FILE         what is in it, a line for each path, one platform
  spdx:FILE            its SBOM as SPDX 2.3, one platform
  cyclonedx:FILE       its SBOM as CycloneDX 1.6, one platform
and, of an image that boots (docs/system.md), each of one platform:
  raw:FILE             a disk with verified root (default: raw:NAME.raw); or for a
                       hypervisor qcow2:FILE, vhd:FILE, vmdk:FILE, gce:FILE
  update:FOLDER        what a running system takes its next version from
  uki:FILE             the kernel image that the firmware starts
  initrd:FILE          what that starts first
  parts:FOLDER         root, its hashes, kernel image, loader

NAME is the recipe's name:, and paths are relative to the current folder. Where
several platforms are built, an output of one platform holds this machine's.
Layouts and archives hold, beside the image, the record of its build: recipe, lock,
and what the image is to hold, path by path; and its SBOMs (kiln sbom --help).

What the recipe's policies deny ends the build with status 3, before an output or the
lock is written; what they warn of is told, and --json has all findings.

Stages of the recipe (stages:) are run where something that their commands meet has
changed, apart from this machine and without network; --secret gives a stage a secret,
which stands in /run/secrets/NAME while its commands run: src= names a file, env= a
variable, exec= a program that prints it.

With --pack, recipe, lock and packages come out of a pack that kiln pack made, and
nothing else is needed: no mirror, no network, no store. Each blob is hashed and
the archives' signatures are checked again, as for kiln pack verify.

--timings prints for each step the time from its first beginning to its last end
(wall), that of all its pieces together (busy), how many there were, how many were
cached and the bytes of the others; below, a bar over the whole run shows what had
most of the work under way when. --trace FILE keeps every piece.`

func (a *app) buildCommand() *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{
		Use:   "build [RECIPE]",
		Short: "Build the image of a recipe",
		Long:  buildHelp,
		Example: `  kiln build examples/static
  kiln build web --locked -o docker-archive:web.tar
  kiln build web --platform linux/arm64 -o oci:web-arm64.oci --json
  kiln build --pack web.pack.tar -o oci:web.oci
  kiln build web --secret id=token,src=token.txt
  kiln build web --timings --trace web.trace.json`,
		Args:              atMost(1),
		ValidArgsFunction: completeRecipe,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			path, name := recipeArg(args), recipeArg(args)
			if f.pack != "" {
				path, name = "RECIPE", "--pack "+f.pack // what a recipe is needed for is not done with a pack
			}
			return a.recorded(f.record, "kiln build "+name, func() error { return a.build(cmd, path, f) })
		},
	}
	flags := cmd.Flags()
	f.source.register(cmd)
	f.record.register(cmd)
	a.remote.register(cmd)
	f.stages.register(cmd)
	flags.BoolVar(&f.locked, "locked", false, "never write the lock; refuse one that is missing or stale (for CI)")
	flags.StringVar(&f.pack, "pack", "", "take recipe, lock and packages out of the pack `FILE`, or the folder of its layout, and need nothing else")
	flags.BoolVar(&f.trustLock, "trust-lock", false, trustLockHelp)
	flags.StringArrayVarP(&f.outputs, "output", "o", nil, "write `TYPE:PATH`; may be repeated")
	flags.StringSliceVar(&f.platforms, "platform", nil, "build only `PLATFORM`, such as linux/arm64, of the recipe's; several with commas")
	registerVerifyCache(flags, &f.verifyCache)
	flags.StringVar(&f.compression, "compression", defaultCompression, "compress layers with `METHOD`: gzip or zstd")
	complete(cmd, "output", completeOutput)
	complete(cmd, "platform", completePlatforms)
	complete(cmd, "compression", words("gzip", "zstd"))
	complete(cmd, "pack", completeAny)
	return cmd
}

func (a *app) build(cmd *cobra.Command, path string, f buildFlags) error {
	started := a.world.Now()
	in, err := a.input(cmd.Context(), path, f)
	if err != nil {
		return err
	}
	defer in.close()
	res, err := bake.Build(cmd.Context(), in.options)
	if err != nil {
		return err
	}
	if err := noteBuild(in.options.Store, res.Index, in.options.Build, f, a.world.Now()); err != nil {
		return err
	}
	if text := in.anotherImage(res); text != "" {
		a.ui.sink(kiln.Event{State: kiln.Warning, Text: text})
	}
	res.ElapsedMS = a.world.Now().Sub(started).Milliseconds()
	r := in.options.Lock.Recipe
	if err := a.ui.result(buildTimed{res, a.timingsFor(f.record)}, func(w io.Writer) { printBuild(w, r, res, a.ui.timings()) }); err != nil {
		return err
	}
	for _, text := range []string{unitsLeft(res, path), findingsLeft(res, path), policyLeft(res)} {
		if text != "" && !a.ui.json {
			a.ui.sink(kiln.Event{State: kiln.Note, Text: text})
		}
	}
	return nil
}

// buildTimed is the result of a build, with --timings.
type buildTimed struct {
	*bake.Result
	Timings *timings `json:"timings,omitempty"`
}

// choosePlatforms returns the recipe's platforms, or those of them that were named.
func choosePlatforms(r *recipe.Recipe, names []string) ([]kiln.Platform, error) {
	if len(names) == 0 {
		return r.Platforms, nil
	}
	var named []kiln.Platform
	for _, n := range names {
		p, err := kiln.ParsePlatform(n)
		if err != nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: err.Error()}
		}
		if !slices.Contains(r.Platforms, p) {
			return nil, &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("cannot build for %s: the recipe names only %v", n, r.Platforms),
				Hints: []string{"add the platform to platforms: in the recipe"},
			}
		}
		named = append(named, p)
	}
	return slices.DeleteFunc(slices.Clone(r.Platforms), func(p kiln.Platform) bool { return !slices.Contains(named, p) }), nil
}

// parseOutputs reads TYPE:PATH arguments; without any, the layout folder NAME.oci, or of an
// image that boots the disk NAME.raw.
func parseOutputs(args []string, r *recipe.Recipe) ([]bake.Output, error) {
	name := r.Name
	if len(args) == 0 && r.Boots() {
		return []bake.Output{{Type: bake.Raw, Path: name + ".raw"}}, nil
	}
	if len(args) == 0 {
		return []bake.Output{{Type: bake.OCI, Path: name + ".oci"}}, nil
	}
	var outputs []bake.Output
	for _, arg := range args {
		kind, path, ok := strings.Cut(arg, ":")
		if !ok || path == "" || !bake.OutputType(kind).Valid() {
			return nil, &kiln.Error{
				Code:  kiln.Usage,
				Text:  fmt.Sprintf("cannot read the output %q: want TYPE:PATH, the type one of %s", arg, outputTypes()),
				Hints: []string{fmt.Sprintf("-o oci:%s.oci", name), fmt.Sprintf("-o docker-archive:%s.tar", name)},
			}
		}
		outputs = append(outputs, bake.Output{Type: bake.OutputType(kind), Path: path})
	}
	return outputs, nil
}

// outputTypes names them all.
func outputTypes() string {
	var names []string
	for _, t := range bake.OutputTypes() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

// mostUnits bounds how many units unitsLeft names.
const mostUnits = 12

// unitsLeft tells which units packages want enabled and the recipe does not
// enable; it is empty where there is none.
func unitsLeft(res *bake.Result, recipe string) string {
	var names, words []string
	for _, img := range res.Images {
		for _, u := range img.Units {
			if u.Enabled || len(u.Wanted) == 0 || slices.Contains(names, u.Name) {
				continue
			}
			names = append(names, u.Name)
			words = append(words, fmt.Sprintf("%s (%s)", u.Name, strings.Join(packagesOf(u.Wanted), ", ")))
		}
	}
	if names == nil {
		return ""
	}
	all := ""
	if more := len(words) - mostUnits; more > 1 {
		words = append(words[:mostUnits], fmt.Sprintf("and %d more", more))
		all = "\nto see all: kiln scripts " + recipe
	}
	text := "packages want these units enabled, and the recipe does not enable them: " + strings.Join(words, ", ")
	return wrapped(text) + all + "\nto enable one, write in the recipe:\n  system: {services: {enable: [{unit: " + names[0] + ", why: ...}]}}"
}

// packagesOf lists the packages of places in scripts, each once.
func packagesOf(places []string) []string {
	var names []string
	for _, place := range places {
		if name := packageOf(place); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// wrapped breaks a text at blanks into lines that fit a terminal, the later ones
// indented.
func wrapped(text string) string {
	const width = 78
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > width:
			b.WriteString("\n  ")
			at = 2
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

func printBuild(w io.Writer, r *recipe.Recipe, res *bake.Result, t *timings) {
	for _, img := range res.Images {
		fmt.Fprintf(w, "%s %s  %s  %s, %d packages\n", r.Name, img.Platform, img.Digest, size(img.Size), img.Packages)
		for _, l := range img.Layers {
			fmt.Fprintf(w, "  layer %-12s %s  %s\n", l.Name, l.Digest.Short(), size(l.Size))
		}
	}
	for _, o := range res.Outputs {
		fmt.Fprintf(w, "wrote %s:%s\n", o.Type, o.Path)
	}
	done := fmt.Sprintf("done in %.2f s", float64(res.ElapsedMS)/1000)
	if longest := t.longest(); longest != "" {
		done += ": " + longest
	}
	fmt.Fprintln(w, done)
}
