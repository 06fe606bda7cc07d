package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/durable"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/store"
)

// signHelp is what kiln sign --help tells.
const signHelp = `Sign an image in a layout (oci:FOLDER, oci-archive:FILE), and what is said of it:

  signature        the image itself, as cosign sign does
  slsaprovenance1  how it was made, from the record of its build
  spdxjson, cyclonedx  the bills of materials that stand beside it

Each becomes an in-toto statement, signed in a DSSE envelope, in a Sigstore bundle
of its own for each --key, and stands beside the image as an OCI 1.1 referrer: cosign
verify and cosign verify-attestation take it. Of an image for several platforms,
signature and provenance are of the index and of each platform; a bill of materials
is of its platform. Before anything is signed, every file is checked.

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

func (a *app) sign(ctx context.Context, arg string, f signFlags) error {
	ref := image.ParseReference(arg)
	var signers []attest.Signer // first: a passphrase may have to be typed
	for _, k := range f.keys {
		s, err := a.signer(ctx, k, f.key)
		if err != nil {
			return err
		}
		signers = append(signers, s)
	}
	o, err := image.ReadOutline(ctx, ref, image.Options{Spool: a.spool(), Sink: a.ui.sink})
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
	var made []attest.Bundle
	for i, s := range signers {
		for _, stmt := range list {
			told := signedBundle{Predicate: attest.NameOf(stmt.PredicateType), Subjects: stmt.Digests(), KeyID: s.Public().ID(), Key: f.keys[i]}
			if told.Already = f.output == "" && signedAlready(o, stmt.payload, s.Public()); !told.Already {
				b, err := attest.Sign(ctx, s, stmt.payload)
				if err != nil {
					return err
				}
				if f.output != "" {
					if told.File, err = writeBundle(f.output, b, told); err != nil {
						return err
					}
				}
				made = append(made, b)
			}
			report.Bundles = append(report.Bundles, told)
		}
	}
	if f.output == "" {
		if err := attachBundles(ctx, st, ref, o, made); err != nil {
			return err
		}
	}
	return a.ui.result(report, report.print)
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

// signedAlready reports whether the key's signature over the payload stands beside
// the image.
func signedAlready(o *image.Outline, payload []byte, k attest.PublicKey) bool {
	for _, f := range bundlesOf(o) {
		if f.Err == nil && bytes.Equal(f.Bundle.Payload, payload) {
			if _, err := f.Bundle.Verify(k); err == nil {
				return true
			}
		}
	}
	return false
}

// bundlesOf are the bundles beside an image, each once.
func bundlesOf(o *image.Outline) []attest.Found {
	var found []attest.Found
	seen := map[kiln.Digest]bool{}
	for _, r := range o.Referrers {
		if r.ArtifactType != attest.MediaBundle {
			continue
		}
		for i, text := range r.Contents {
			if d := r.Artifact.Blobs[i].Digest; !seen[d] {
				seen[d] = true
				b, err := attest.ParseBundle(text)
				found = append(found, attest.Found{Name: string(d), Bundle: b, Err: err})
			}
		}
	}
	return found
}

// bundleSuffix ends the names of files that hold a bundle, as sigstore's tools have it.
const bundleSuffix = ".sigstore.json"

// writeBundle writes a bundle to a file of its own.
func writeBundle(dir string, b attest.Bundle, told signedBundle) (string, error) {
	text, err := b.Marshal()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot write the bundles: %v", err), Err: err, Hints: []string{"name a folder: -o FOLDER"}}
	}
	key := kiln.DigestOf([]byte(told.KeyID)).Hex()
	file := filepath.Join(dir, fmt.Sprintf("%s-%s-%s%s", strings.NewReplacer("/", "-", ":", "-").Replace(told.Predicate), b.Digest().Hex()[:12], key[:8], bundleSuffix))
	return file, writeText(file, text)
}

// writeText writes a file, whole or not at all.
func writeText(file string, text []byte) error {
	err := durable.WriteFile(file, 0o644, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot write %q: %v", file, err), Err: err, Hints: []string{"name a place that is there and writable"}}
	}
	return nil
}

// writeRequest writes what is to be signed.
func (a *app) writeRequest(report *signedReport, list []statement, file string) error {
	r := attest.Request{Kiln: attest.RequestFormat, Image: report.Image, Name: report.Name, Digest: report.Digest}
	for _, s := range list {
		t, err := attest.NewToSign(s.payload)
		if err != nil {
			return err
		}
		r.Statements = append(r.Statements, t)
	}
	text, err := attest.MarshalIndented(r)
	if err != nil {
		return err
	}
	if err := writeText(file, text); err != nil {
		return err
	}
	report.Request = file
	return a.ui.result(report, report.print)
}

// maxRequest bounds a request and an answer, in bytes.
const maxRequest = 512 << 20

// answer signs a request, or takes the signatures that others made for it.
func (a *app) answer(ctx context.Context, f signFlags) error {
	text, err := readBounded(f.answer, maxRequest)
	if err != nil {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the signing request: %v", err), Err: err, Hints: []string{"kiln sign IMAGE --request FILE"}}
	}
	r, err := attest.ParseRequest(text)
	if err != nil {
		return &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot answer %q: %v", f.answer, err), Err: err, Hints: []string{"have it written again: kiln sign IMAGE --request FILE"}}
	}
	report := &signedReport{Image: r.Image, Digest: r.Digest, Name: r.Name, Bundles: []signedBundle{}}
	bundles, err := a.answers(ctx, f, r)
	if err != nil {
		return err
	}
	out := attest.Answer{Kiln: attest.AnswerFormat}
	for _, b := range bundles {
		text, err := b.Marshal()
		if err != nil {
			return err
		}
		s, err := b.Claimed()
		if err != nil {
			return err
		}
		out.Bundles = append(out.Bundles, json.RawMessage(text))
		report.Bundles = append(report.Bundles, signedBundle{Predicate: attest.NameOf(s.PredicateType), Subjects: s.Digests(), KeyID: b.Hint, File: f.output})
	}
	if text, err = attest.MarshalIndented(out); err != nil {
		return err
	}
	if err := writeText(f.output, text); err != nil {
		return err
	}
	return a.ui.result(report, report.print)
}

func (a *app) answers(ctx context.Context, f signFlags, r attest.Request) (all []attest.Bundle, err error) {
	if len(f.signatures) > 0 {
		return a.foreignSignatures(ctx, f, r)
	}
	for _, k := range f.keys {
		s, err := a.signer(ctx, k, f.key)
		if err != nil {
			return nil, err
		}
		for _, t := range r.Statements {
			b, err := attest.Sign(ctx, s, t.Payload())
			if err != nil {
				return nil, err
			}
			all = append(all, b)
		}
	}
	return all, nil
}

// foreignSignatures are bundles of signatures that another program made.
func (a *app) foreignSignatures(ctx context.Context, f signFlags, r attest.Request) (all []attest.Bundle, err error) {
	public, err := a.publicKey(ctx, f.publicKey, f.key)
	if err != nil {
		return nil, err
	}
	if len(f.signatures) != len(r.Statements) {
		return nil, &kiln.Error{
			Code: kiln.User, Text: fmt.Sprintf("the request has %s, and there are %s", count(len(r.Statements), "statement"), count(len(f.signatures), "signature")),
			Hints: []string{"give one --signature for each statement, in its order"},
		}
	}
	for i, file := range f.signatures {
		sig, err := readBounded(file, maxKeyText)
		if err != nil {
			return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the signature: %v", err), Err: err, Hints: []string{"--signature FILE"}}
		}
		payload := r.Statements[i].Payload()
		found := false
		for _, s := range [][]byte{sig, decoded(sig)} {
			if len(s) > 0 && public.Verify(r.Statements[i].PAE, s) == nil {
				all, found = append(all, attest.Bundle{Hint: public.ID(), Payload: payload, Signature: s}), true
				break
			}
		}
		if !found {
			return nil, &kiln.Error{
				Code: kiln.Refused, Text: fmt.Sprintf("the signature in %q is none of the key over statement %d, a %s", file, i+1, attest.NameOf(r.Statements[i].PredicateType)),
				Hints: []string{"sign the bytes of statements[].pae: docs/signing.md has the commands"},
			}
		}
	}
	return all, nil
}

// attachBundles puts bundles beside an image, to each of their subjects that is it or
// one of its platforms.
func attachBundles(ctx context.Context, st *store.Store, ref image.Reference, o *image.Outline, bundles []attest.Bundle) error {
	if len(bundles) == 0 {
		return nil
	}
	empty, err := oci.PutFile(st, "", "application/vnd.oci.empty.v1+json", []byte("{}"))
	if err != nil {
		return err
	}
	var artifacts []oci.Artifact
	for _, b := range bundles {
		s, err := b.Claimed()
		if err != nil {
			return err
		}
		text, err := b.Marshal()
		if err != nil {
			return err
		}
		blob, err := oci.PutFile(st, "", attest.MediaBundle, text)
		if err != nil {
			return err
		}
		for _, d := range slices.Compact(s.Digests()) {
			if subject, ok := o.Subject(kiln.Digest(d)); ok {
				artifacts = append(artifacts, oci.Artifact{
					Type: attest.MediaBundle, Config: empty, Blobs: []oci.Descriptor{blob}, Subject: &subject,
					Annotations: bundleAnnotations(s, o.Created()),
				})
			}
		}
	}
	return oci.AttachLayout(ctx, st, ref.Path, ref.Name, artifacts)
}

// bundleAnnotations are where cosign, Trivy and BuildKit look. The time is the
// image's: when it was signed nobody vouches for.
func bundleAnnotations(s attest.Statement, created kiln.Epoch) map[string]string {
	return map[string]string{
		attest.AnnotationContent:   attest.ContentEnvelope,
		attest.AnnotationPredicate: s.PredicateType,
		attest.AnnotationInToto:    s.PredicateType,
		attest.AnnotationCreated:   created.Time().Format(time.RFC3339),
	}
}
