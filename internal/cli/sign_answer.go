package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"kiln"
	"kiln/internal/attest"
)

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

// decoded is what base64 text stands for; nothing where it is none.
func decoded(b []byte) []byte {
	out, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(b)), ""))
	if err != nil {
		return nil
	}
	return out
}
