package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/durable"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/store"
)

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

// attachBundles puts bundles beside an image, to each of their subjects that is it or
// one of its platforms.
func (a *app) attachBundles(ctx context.Context, st *store.Store, ref image.Reference, o *image.Outline, bundles []attest.Bundle) error {
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
	return a.refer(ctx, st, ref, artifacts)
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
