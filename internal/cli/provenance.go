package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/image"
	"kiln/internal/provenance"
	"kiln/internal/store"
)

// provenanceFlags say of a build what it cannot know of itself.
type provenanceFlags struct {
	builder, invocation, started, finished string
}

func (f *provenanceFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.builder, "builder-id", "", "name who runs the builder by `URI` (default "+provenance.BuilderLocal+")")
	flags.StringVar(&f.invocation, "invocation-id", "", "name the run of the build, `ID`")
	flags.StringVar(&f.started, "started-on", "", "say when the build began: `TIME`, such as 2026-11-20T12:00:00Z")
	flags.StringVar(&f.finished, "finished-on", "", "say when the build ended: `TIME`")
	for _, name := range []string{"builder-id", "invocation-id", "started-on", "finished-on"} {
		complete(cmd, name, words())
	}
}

func (f *provenanceFlags) check() error {
	for _, t := range []string{f.started, f.finished} {
		if _, err := time.Parse(time.RFC3339, t); t != "" && err != nil {
			return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the time %q", t), Hints: []string{"--started-on 2026-11-20T12:00:00Z"}}
		}
	}
	return nil
}

// input is what the provenance of an image is made from.
func (f *provenanceFlags) input(o *image.Outline, st *store.Store) provenance.Input {
	return provenance.Input{
		Record: o.Record, Builder: notedBuilder(st, o.Entry.Digest),
		ID: f.builder, Invocation: f.invocation, Started: f.started, Finished: f.finished,
	}
}

func (a *app) provenanceCommand() *cobra.Command {
	var f provenanceFlags
	var predicate bool
	cmd := &cobra.Command{
		Use:   "provenance IMAGE",
		Short: "Print how an image was made, as SLSA provenance v1",
		Long: `Print how an image was made, as an in-toto statement with SLSA provenance v1, not
signed: what kiln sign signs. It is made from the record that kiln build leaves
beside the image: recipe, lock, every package, signed Release and index with its
digest, the recipe's own files. Which kiln built it, where and with which flags, is
known on the machine that built it alone: it is no part of any image's bytes.

The same record gives the same bytes; times of the build are in it only where
--started-on and --finished-on tell them. It claims no SLSA level (docs/signing.md).`,
		Example: `  kiln provenance oci:web.oci
  kiln provenance registry.example.org/team/web:1.4
  kiln provenance oci:web.oci --predicate > provenance.json
  kiln provenance oci:web.oci --builder-id https://ci.example.org/kiln --started-on 2026-11-20T12:00:00Z`,
		Args:              exactly(1, "an image, such as oci:web.oci"),
		ValidArgsFunction: completeImage,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.provenance(cmd, args[0], predicate, f) },
	}
	f.register(cmd)
	a.remote.register(cmd)
	cmd.Flags().BoolVar(&predicate, "predicate", false, "print the predicate alone, as cosign attest --predicate takes it")
	return cmd
}

func (a *app) provenance(cmd *cobra.Command, arg string, predicate bool, f provenanceFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	ref, done, err := a.outlineRef(cmd.Context(), arg, nothingBeside)
	if err != nil {
		return err
	}
	defer done()
	o, err := image.ReadOutline(cmd.Context(), ref, image.Options{Spool: a.spool(), Sink: a.ui.sink})
	if err != nil {
		return err
	}
	if o.Record == nil {
		return &kiln.Error{
			Code: kiln.User, Text: fmt.Sprintf("cannot say how %s was made: no record of its build stands beside it", arg),
			Hints: []string{"kiln build writes it, into layouts and archives; skopeo copy leaves it behind"},
		}
	}
	st, err := a.openStore()
	if err != nil {
		return err
	}
	defer st.Close()
	s, err := provenance.Statement(f.input(o, st), subjectsOf(o, imageName(o, ""), nil))
	if err != nil {
		return err
	}
	text, err := s.Marshal()
	if predicate {
		text = s.Predicate
	}
	var v json.RawMessage = text
	if err != nil {
		return err
	}
	return a.ui.result(v, func(w io.Writer) {
		var b bytes.Buffer
		if json.Indent(&b, text, "", "  ") == nil {
			fmt.Fprintf(w, "%s\n", b.Bytes())
		}
	})
}

// imageName is what statements call an image: by the record of its build, or as the
// caller says, with its tag.
func imageName(o *image.Outline, name string) string {
	tag := o.Tag
	if o.Record != nil {
		name, tag = cmp.Or(name, o.Record.Name), cmp.Or(tag, o.Record.Ref)
	}
	if name != "" && tag != "" {
		name += ":" + tag
	}
	return name
}

// subjectsOf are the image and, where it has several platforms, each of these: who
// pulls one of them by its digest finds a statement about it too.
func subjectsOf(o *image.Outline, name string, annotations map[string]string) []attest.Subject {
	subjects := []attest.Subject{attest.SubjectOf(name, o.Entry.Digest, annotations)}
	for _, p := range o.Platforms {
		if p.Manifest.Digest != o.Entry.Digest {
			subjects = append(subjects, attest.SubjectOf(platformName(name, p), p.Manifest.Digest, annotations))
		}
	}
	return subjects
}

// platformName names the image for one platform of several: names are unique in a
// statement.
func platformName(name string, p image.OutlinePlatform) string {
	if name == "" {
		return ""
	}
	return name + " " + p.Platform.String()
}
