package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/image"
)

// signHelp is what kiln sign --help tells.
const signHelp = `Sign an image in a layout (oci:FOLDER, oci-archive:FILE) or in a registry
(REGISTRY/NAME:TAG, REGISTRY/NAME@DIGEST), and what is said of it:

  signature        the image itself, as cosign sign does
  slsaprovenance1  how it was made, from the record of its build
  spdxjson, cyclonedx  the bills of materials that stand beside it

Each becomes an in-toto statement, signed in a DSSE envelope, in a Sigstore bundle
of its own for each --key, and stands beside the image as an OCI 1.1 referrer: cosign
verify and cosign verify-attestation take it. Of an image for several platforms,
signature and provenance are of the index and of each platform; a bill of materials
is of its platform. Before anything is signed, every file is checked; of an
image in a registry, --unsafe-skip-content leaves the layers there. The name that is
signed has the tag by which the image was named.

KEY is a key file of kiln or cosign, PKCS #8 as PEM, or plugin:PROGRAM[:NAME], a
program that signs with a key that it keeps (KMS, HSM, Vault). What a key has signed
already is not signed again.

Where key and image are apart: --request writes what is to be signed, to be read by
whoever signs it; --answer signs such a request, on another machine, or takes what
any other program signed (--signature, one for each statement in its order, with
--public-key); kiln attach puts the answer in place.`

func (a *app) signCommand() *cobra.Command {
	var f signFlags
	cmd := &cobra.Command{
		Use:   "sign IMAGE",
		Short: "Sign an image, its provenance and its bills of materials",
		Long:  signHelp,
		Example: `  kiln sign oci:web.oci --key kiln.key
  kiln sign registry.example.org/team/web:1.4 --key kiln.key
  kiln sign oci:web.oci --key plugin:vault:transit/web --key alice.key --serial 42
  kiln sign oci:web.oci --key kiln.key -o bundles
  kiln sign oci:web.oci --key kiln.key --type openvex --predicate vex.json
  kiln sign oci:web.oci --request web.request.json
  kiln sign --answer web.request.json --key kiln.key -o web.answer.json
  kiln sign --answer web.request.json --signature 0.sig,1.sig --public-key web.pub -o web.answer.json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeImage,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			if f.answer != "" {
				return a.answer(cmd.Context(), f)
			}
			return a.sign(cmd.Context(), args[0], f)
		},
	}
	f.register(cmd)
	a.remote.register(cmd)
	a.remote.registerChunk(cmd)
	return cmd
}

func (f *signFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.keys, "key", nil, "sign with `KEY`: a key file, or plugin:PROGRAM[:NAME]; may be repeated")
	flags.StringSliceVar(&f.types, "type", nil, "sign only statements of `TYPE`, such as signature or slsaprovenance1; several with commas")
	flags.StringVar(&f.predicate, "predicate", "", "sign the predicate in `FILE`, of the one --type, in place of what stands beside the image")
	flags.StringArrayVarP(&f.annotate, "annotations", "a", nil, "sign `NAME=VALUE` with the image; may be repeated")
	flags.IntVar(&f.serial, "serial", 0, "sign the serial number `N` with the image: raise it with each release, so that older ones are told apart")
	flags.StringVar(&f.name, "name", "", "sign the image as `NAME` (default the name of its recipe)")
	flags.StringVarP(&f.output, "output", "o", "", "write bundles into `FOLDER`, and leave the image alone; with --answer, the answer to that file")
	flags.StringVar(&f.request, "request", "", "write what is to be signed to `FILE`, and sign nothing")
	flags.StringVar(&f.answer, "answer", "", "sign the request in `FILE`")
	flags.StringSliceVar(&f.signatures, "signature", nil, "with --answer: take the signature in `FILE`, raw or in base64, for the next statement; several with commas")
	flags.StringVar(&f.publicKey, "public-key", "", "with --signature: the public key in `FILE`")
	flags.BoolVar(&f.skip, "unsafe-skip-content", false, "do not check the image's files before signing")
	f.key.registerPassphrase(cmd)
	f.key.registerTimeout(cmd)
	f.provenance.register(cmd)
	complete(cmd, "type", words(attest.PredicateNames()...))
	complete(cmd, "annotations", words())
	complete(cmd, "serial", words())
	complete(cmd, "name", words())
	for _, name := range []string{"key", "output", "request", "answer", "signature", "public-key", "predicate"} {
		complete(cmd, name, completeAny)
	}
	cmd.MarkFlagsMutuallyExclusive("request", "answer")
	cmd.MarkFlagsMutuallyExclusive("request", "key")
	cmd.MarkFlagsMutuallyExclusive("signature", "key")
	cmd.MarkFlagsRequiredTogether("signature", "public-key")
}

func (f *signFlags) check(cmd *cobra.Command, args []string) error {
	usage := func(text string, hints ...string) error {
		return &kiln.Error{Code: kiln.Usage, Text: text, Hints: append(hints, cmd.CommandPath()+" --help")}
	}
	switch {
	case f.answer != "" && len(args) > 0:
		return usage("kiln sign --answer takes no image: the request names it")
	case f.answer != "" && f.output == "":
		return usage("kiln sign --answer wants a file for the answer", "-o web.answer.json")
	case f.answer != "" && len(f.keys) == 0 && len(f.signatures) == 0:
		return usage("kiln sign --answer wants a key, or signatures", "--key kiln.key")
	case f.answer == "" && len(f.signatures) > 0:
		return usage("--signature goes with --answer")
	case f.answer == "" && len(args) != 1:
		return usage(fmt.Sprintf("kiln sign wants an image, such as oci:web.oci; it got %d arguments", len(args)))
	case f.answer == "" && f.request == "" && len(f.keys) == 0:
		return usage("kiln sign wants a key", "--key kiln.key", "kiln key generate")
	case f.predicate != "" && len(f.types) != 1:
		return usage("--predicate wants one --type", "--type openvex --predicate vex.json")
	case f.serial < 0:
		return usage("a serial number is not negative")
	}
	if _, err := f.annotations(); err != nil {
		return err
	}
	return f.provenance.check()
}

// annotations are what is signed with the image.
func (f *signFlags) annotations() (map[string]string, error) {
	m := map[string]string{}
	for _, a := range f.annotate {
		k, v, ok := strings.Cut(a, "=")
		if !ok || k == "" {
			return nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the annotation %q", a), Hints: []string{"-a NAME=VALUE"}}
		}
		m[k] = v
	}
	if f.serial > 0 {
		m[attest.AnnotationSerial] = strconv.Itoa(f.serial)
	}
	return m, nil
}

// signedReport is what kiln sign and kiln attach tell.
type signedReport struct {
	Image   string         `json:"image"`
	Digest  kiln.Digest    `json:"digest"`
	Name    string         `json:"name,omitempty"`
	Request string         `json:"request,omitempty"`
	Bundles []signedBundle `json:"bundles"`
}

// signedBundle is one bundle.
type signedBundle struct {
	Predicate string   `json:"predicate"`
	Subjects  []string `json:"subjects"`
	KeyID     string   `json:"keyID"`
	Key       string   `json:"key,omitempty"`
	File      string   `json:"file,omitempty"`
	Already   bool     `json:"already,omitempty"` // it was there before
}

// signRef is the image that is signed; its files are fetched where they are checked.
func (a *app) signRef(ctx context.Context, arg string, skip bool) (image.Reference, func(), error) {
	if skip {
		return a.outlineRef(ctx, arg, forSigning)
	}
	return a.imageRef(ctx, arg)
}

func (a *app) sign(ctx context.Context, arg string, f signFlags) error {
	var signers []attest.Signer // first: a passphrase may have to be typed
	for _, k := range f.keys {
		s, err := a.signer(ctx, k, f.key)
		if err != nil {
			return err
		}
		signers = append(signers, s)
	}
	ref, done, err := a.signRef(ctx, arg, f.skip)
	if err != nil {
		return err
	}
	defer done()
	o, err := image.ReadOutline(ctx, ref, image.Options{Referrers: forSigning, Spool: a.spool(), Sink: a.ui.sink})
	if err != nil {
		return err
	}
	if !f.skip {
		if err := a.whole(ctx, ref, o); err != nil {
			return err
		}
	}
	st, err := a.openStore()
	if err != nil {
		return err
	}
	defer st.Close()
	list, err := f.statements(o, st)
	if err != nil {
		return err
	}
	report := &signedReport{Image: ref.String(), Digest: o.Entry.Digest, Name: imageName(o, f.name), Bundles: []signedBundle{}}
	if f.request != "" {
		return a.writeRequest(report, list, f.request)
	}
	made, err := f.signAll(ctx, signers, list, o, report)
	if err != nil {
		return err
	}
	if f.output == "" {
		if err := a.attachBundles(ctx, st, ref, o, made); err != nil {
			return err
		}
	}
	return a.ui.result(report, report.print)
}

// signAll has each signer sign each statement, but for what it signed before; with -o each
// bundle is a file by itself. The report tells of all.
func (f *signFlags) signAll(ctx context.Context, signers []attest.Signer, list []statement, o *image.Outline, report *signedReport) (made []attest.Bundle, err error) {
	for i, s := range signers {
		for _, stmt := range list {
			told := signedBundle{Predicate: attest.NameOf(stmt.PredicateType), Subjects: stmt.Digests(), KeyID: s.Public().ID(), Key: f.keys[i]}
			if told.Already = f.output == "" && signedAlready(o, stmt.payload, s.Public()); !told.Already {
				b, err := attest.Sign(ctx, s, stmt.payload)
				if err != nil {
					return nil, err
				}
				if f.output != "" {
					if told.File, err = writeBundle(f.output, b, told); err != nil {
						return nil, err
					}
				}
				made = append(made, b)
			}
			report.Bundles = append(report.Bundles, told)
		}
	}
	return made, nil
}

func (r *signedReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %s  %s\n", r.Image, r.Digest, r.Name)
	for _, b := range r.Bundles {
		key := b.Key
		if key == "" {
			key = b.KeyID
		}
		fmt.Fprintf(w, "  %s  by %s", b.Predicate, key)
		switch {
		case b.Already:
			fmt.Fprint(w, "  (was there already)")
		case b.File != "":
			fmt.Fprintf(w, "  %s", b.File)
		}
		fmt.Fprintln(w)
	}
	if r.Request != "" {
		fmt.Fprintf(w, "  to be signed: %s\n", r.Request)
	}
}
