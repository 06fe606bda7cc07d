package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/image"
)

func (a *app) attachCommand() *cobra.Command {
	var keys []string
	var f keyFlags
	cmd := &cobra.Command{
		Use:   "attach IMAGE FILE...",
		Short: "Put bundles that were signed elsewhere beside an image",
		Long: `Put bundles that were signed elsewhere beside an image, in a layout or in a
registry: answers of kiln sign --answer, or single Sigstore bundles, of cosign too. Each must hold a statement
about the image or one of its platforms; others are refused, and then nothing is
put in place. With --key, each must also be signed by that key.

Whose signatures they are, and whether they are enough, kiln verify --policy says.`,
		Example: `  kiln attach oci:web.oci web.answer.json
  kiln attach registry.example.org/team/web:1.4 web.answer.json
  kiln attach oci:web.oci signature.sigstore.json --key alice.pub`,
		Args:              cobra.MinimumNArgs(0),
		ValidArgsFunction: completeAttach,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return &kiln.Error{Code: kiln.Usage, Text: "kiln attach wants an image, and bundles or answers", Hints: []string{"kiln attach oci:web.oci web.answer.json"}}
			}
			return a.attach(cmd.Context(), args[0], args[1:], keys, f)
		},
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "take only bundles that are signed by the public key in `FILE`, or one of several")
	f.registerPassphrase(cmd)
	f.registerTimeout(cmd)
	a.remote.register(cmd)
	a.remote.registerChunk(cmd)
	complete(cmd, "key", completeAny)
	return cmd
}

func completeAttach(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeImage(cmd, args, word)
	}
	return nil, cobra.ShellCompDirectiveDefault
}

func (a *app) attach(ctx context.Context, arg string, files, keys []string, f keyFlags) error {
	ref, done, err := a.outlineRef(ctx, arg, nothingBeside)
	if err != nil {
		return err
	}
	defer done()
	o, err := image.ReadOutline(ctx, ref, image.Options{Spool: a.spool(), Sink: a.ui.sink})
	if err != nil {
		return err
	}
	var public []attest.PublicKey
	for _, k := range keys {
		p, err := a.publicKey(ctx, k, f)
		if err != nil {
			return err
		}
		public = append(public, p)
	}
	report := &signedReport{Image: ref.String(), Digest: o.Entry.Digest, Name: imageName(o, ""), Bundles: []signedBundle{}}
	var all []attest.Bundle
	for _, file := range files {
		bundles, err := readBundles(file)
		if err != nil {
			return err
		}
		for _, b := range bundles {
			told, err := fits(o, b, public)
			if err != nil {
				return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("cannot attach %q: %v", file, err), Err: err, Hints: []string{"kiln sign " + arg + " --request FILE writes what is to be signed"}}
			}
			told.File = file
			report.Bundles, all = append(report.Bundles, told), append(all, b)
		}
	}
	st, err := a.openStore()
	if err != nil {
		return err
	}
	defer st.Close()
	if err := a.attachBundles(ctx, st, ref, o, all); err != nil {
		return err
	}
	return a.ui.result(report, report.print)
}

// readBundles reads a bundle, or an answer.
func readBundles(file string) ([]attest.Bundle, error) {
	text, err := readBounded(file, maxRequest)
	if err == nil {
		var all []attest.Bundle
		if all, err = attest.ParseAnswer(text); err == nil {
			return all, nil
		}
		return nil, &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot use %q: %v", file, err), Err: err, Hints: []string{"name a Sigstore bundle, or an answer of kiln sign --answer"}}
	}
	return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the bundle: %v", err), Err: err, Hints: []string{"name a Sigstore bundle, or an answer of kiln sign --answer"}}
}

// fits checks that a bundle is about an image, and signed by one of the keys, if any.
func fits(o *image.Outline, b attest.Bundle, keys []attest.PublicKey) (signedBundle, error) {
	s, err := b.Claimed()
	if err != nil {
		return signedBundle{}, err
	}
	told := signedBundle{Predicate: attest.NameOf(s.PredicateType), Subjects: s.Digests(), KeyID: b.Hint}
	about := false
	for _, d := range s.Digests() {
		_, ok := o.Subject(kiln.Digest(d))
		about = about || ok
	}
	if !about {
		return told, fmt.Errorf("it is of %s, and the image is %s", strings.Join(s.Digests(), " and "), o.Entry.Digest)
	}
	for _, k := range keys {
		if _, err := b.Verify(k); err == nil {
			return told, nil
		}
	}
	if len(keys) > 0 {
		return told, fmt.Errorf("no key that was named signed its %s", told.Predicate)
	}
	return told, nil
}
