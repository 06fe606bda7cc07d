package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/durable"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/sbom"
)

// sbomFlags are the flags of kiln sbom, as typed.
type sbomFlags struct {
	explain explainFlags
	format  string
	files   bool
	output  string
}

// The forms of kiln sbom.
const (
	formatTable     = "table"
	formatSPDX      = "spdx-json"
	formatCycloneDX = "cyclonedx-json"
)

func (a *app) sbomCommand() *cobra.Command {
	var f sbomFlags
	cmd := &cobra.Command{
		Use:   "sbom [RECIPE|IMAGE]",
		Short: "Tell what an image is made of: packages, sources, licences, files",
		Long: `Write the software bill of materials of an image: its packages with package URL,
source, supplier, checksum and licence, the layers they are in, and the files that
belong to no package, Go programs with the modules in them.

The argument is a recipe (its folder or kiln.yaml; default the current folder), whose
image is put together as for a build, or an image: oci:FOLDER, oci-archive:FILE,
docker-archive:FILE, tar:FILE, folder:FOLDER or REGISTRY/NAME:TAG. For an image that kiln built, what
its build recorded beside it is told. Of others, and of a tar or a folder, only what
dpkg's database and the copyright files in it tell is known.

--format is one of
  table           for people (the default)
  spdx-json       SPDX 2.3
  cyclonedx-json  CycloneDX 1.6

kiln build writes both beside each image, as referrers of its manifest, and with
-o spdx:FILE or -o cyclonedx:FILE as files; this command gives the same bytes.

A licence is "declared" where a machine-readable copyright file says so, and
"concluded" where words of another one were recognised; the two are kept apart.
--files adds every file of the image, with its checksums, to its package.`,
		Example: `  kiln sbom web
  kiln sbom oci:web.oci --format spdx-json -o web.spdx.json
  kiln sbom registry.example.org/team/web:1.4 --format spdx-json
  kiln sbom docker-archive:web.tar --format cyclonedx-json --files
  kiln sbom web --json | jq -r '.packages[] | .name + " " + .licence.declared'`,
		Args:              atMost(1),
		ValidArgsFunction: completeSide,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.sbom(cmd, recipeArg(args), f) },
	}
	f.explain.register(cmd)
	a.remote.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "write as `FORMAT`: table, spdx-json or cyclonedx-json (default table, or what the name of the output says)")
	flags.BoolVar(&f.files, "files", false, "add the files of each package")
	flags.StringVarP(&f.output, "output", "o", "", "write to `FILE` instead of standard output")
	complete(cmd, "format", words(formatTable, formatSPDX, formatCycloneDX))
	complete(cmd, "output", completeAny)
	return cmd
}

// completeSide completes the one argument RECIPE or IMAGE.
func completeSide(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeSides(cmd, args, word)
}

// check chooses the format, and refuses one that there is not.
func (f *sbomFlags) check() error {
	if f.format == "" {
		switch {
		case strings.HasSuffix(f.output, ".spdx.json"):
			f.format = formatSPDX
		case strings.HasSuffix(f.output, ".cdx.json"), filepath.Base(f.output) == "bom.json":
			f.format = formatCycloneDX
		case f.output != "":
			return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("the name %q does not say which format is wanted", f.output), Hints: []string{"--format spdx-json", "--format cyclonedx-json"}}
		default:
			f.format = formatTable
		}
	}
	all := []string{formatTable, formatSPDX, formatCycloneDX}
	if !slices.Contains(all, f.format) {
		return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot write an SBOM as %q: the formats are %s", f.format, strings.Join(all, ", ")), Hints: []string{"--format spdx-json", "--format cyclonedx-json"}}
	}
	return nil
}

func (a *app) sbom(cmd *cobra.Command, arg string, f sbomFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	var inventory *sbom.Inventory
	var err error
	switch sideKind(arg) {
	case "recipe":
		inventory, err = a.recipeInventory(cmd, arg, f)
	case "lock":
		err = &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("a lock is no image: %q", arg), Hints: []string{"kiln sbom " + filepath.Dir(arg)}}
	default:
		inventory, err = a.imageInventory(cmd.Context(), arg, f)
	}
	if err != nil {
		return err
	}
	return a.writeSBOM(inventory, f)
}

// recipeInventory makes the image of a recipe.
func (a *app) recipeInventory(cmd *cobra.Command, arg string, f sbomFlags) (*sbom.Inventory, error) {
	r, err := recipe.Load(arg)
	if err != nil {
		return nil, err
	}
	p, err := onePlatform(r, f.explain.platform)
	if err != nil {
		return nil, err
	}
	update, err := f.explain.source.update()
	if err != nil {
		return nil, err
	}
	family, st, err := a.family(f.explain.source)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	fitOpenFiles(1)
	return bake.Inventory(cmd.Context(), bake.Options{
		Lock: bake.LockOptions{
			Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.explain.locked, Update: update, Sink: a.ui.sink, Workshop: workshop(family, nil),
		},
		Store: st, Platforms: []kiln.Platform{p}, Compression: oci.Gzip, Native: nativePlatform(), Build: family.Build, Tool: tool(), Sink: a.ui.sink,
	}, f.files)
}

// imageInventory reads an image, and what its build recorded beside it.
func (a *app) imageInventory(ctx context.Context, arg string, f sbomFlags) (*sbom.Inventory, error) {
	o := image.Options{Native: nativePlatform(), Spool: a.spool(), Record: true, Sink: a.ui.sink, Keep: debian.ForInstalled}
	if f.files {
		o.Keep = nil
	}
	if f.explain.platform != "" {
		p, err := kiln.ParsePlatform(f.explain.platform)
		if err != nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: err.Error()}
		}
		o.Platform = p
	}
	ref, done, err := a.imageRef(ctx, arg)
	if err != nil {
		return nil, err
	}
	defer done()
	img, err := image.Read(ctx, ref, o)
	if err != nil {
		return nil, notSide(arg, err)
	}
	defer img.Close()
	in, err := inventoryOf(img, arg)
	if err != nil {
		return nil, err
	}
	if !in.recorded {
		a.ui.sink(kiln.Event{State: kiln.Warning, Text: arg + " has no record of a build: this is what its own package database tells"})
	}
	if f.files {
		err = bake.AddFiles(ctx, in.Inventory, in.tree, img.Contents(), in.owner)
	}
	return in.Inventory, err
}

// sbomWritten is the result of kiln sbom -o, in the shape that --json prints.
type sbomWritten struct {
	Format   string      `json:"format"`
	Output   string      `json:"output"`
	Digest   kiln.Digest `json:"digest"` // of the file
	Packages int         `json:"packages"`
	Licensed int         `json:"licensed"` // of them: with a known licence
	Files    int         `json:"files"`    // of no package
}

func (a *app) writeSBOM(f *sbom.Inventory, o sbomFlags) error {
	document, err := sbomDocument(f, o.format)
	if err != nil {
		return err
	}
	if o.output == "" && document == nil {
		return a.ui.result(f, func(w io.Writer) { printSBOM(w, f) })
	}
	if o.output == "" {
		a.ui.finish()
		_, err := a.ui.out.Write(document)
		return err
	}
	if document == nil {
		var b strings.Builder
		printSBOM(&b, f)
		document = []byte(b.String())
	}
	if err := durable.WriteFile(o.output, 0o644, func(w io.Writer) error {
		_, err := w.Write(document)
		return err
	}); err != nil {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot write the SBOM: %v", err), Err: err}
	}
	declared, concluded := licensed(f)
	res := sbomWritten{Format: o.format, Output: o.output, Digest: kiln.DigestOf(document), Packages: len(f.Packages), Licensed: declared + concluded, Files: len(f.Files)}
	return a.ui.result(res, func(w io.Writer) { fmt.Fprintf(w, "wrote %s: %s\n", o.output, sbomSummary(f)) })
}

// sbomDocument is nil for the table.
func sbomDocument(f *sbom.Inventory, format string) ([]byte, error) {
	switch format {
	case formatSPDX:
		return sbom.SPDX(f)
	case formatCycloneDX:
		return sbom.CycloneDX(f)
	}
	return nil, nil
}

func licensed(f *sbom.Inventory) (declared, concluded int) {
	for _, p := range f.Packages {
		switch {
		case p.Licence.Declared != "":
			declared++
		case p.Licence.Concluded != "":
			concluded++
		}
	}
	return declared, concluded
}

func sbomSummary(f *sbom.Inventory) string {
	declared, concluded := licensed(f)
	return fmt.Sprintf("%s, licence declared of %d, concluded of %d, unknown of %d; %s of no package",
		count(len(f.Packages), "package"), declared, concluded, len(f.Packages)-declared-concluded, count(len(f.Files), "file"))
}

// widestLicence is how much of a licence expression the table shows.
const widestLicence = 60

func printSBOM(w io.Writer, f *sbom.Inventory) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PACKAGE\tVERSION\tARCHITECTURE\tLAYER\tLICENCE")
	for _, p := range f.Packages {
		layer := "-"
		if p.Layer != sbom.NoLayer {
			layer = f.Layers[p.Layer].Name
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.Name, p.Version, p.Architecture, layer, licenceText(p.Licence))
	}
	_ = t.Flush()
	for _, file := range f.Files {
		line := "/" + file.Path
		if file.Comes != "" {
			line += "  " + file.Comes
		}
		if file.Go != nil {
			line += fmt.Sprintf("  Go program %s %s, %s", file.Go.Main.Path, file.Go.Main.Version, count(len(file.Go.Modules), "module"))
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w, sbomSummary(f))
}

func licenceText(l sbom.Licence) string {
	text := l.Declared
	if text == "" {
		text = l.Concluded
	}
	switch {
	case text == "":
		return "unknown: " + l.Note
	case len(text) > widestLicence:
		text = text[:widestLicence] + "..."
	}
	if l.Declared == "" {
		text += " (concluded)"
	}
	return text
}
