package registry

import (
	"context"
	"errors"
	"fmt"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/store"
)

// remote is an image of a registry. What is read of it goes through the store.
type remote struct {
	client *Client
	ref    Reference
	places []place
}

func (c *Client) remote(ctx context.Context, ref Reference) (*remote, error) {
	places, err := c.sources(ctx, ref)
	return &remote{c, ref, places}, err
}

func (r *remote) String() string { return r.ref.String() }

// repository implements origin.
func (r *remote) repository(host string) string {
	if host == r.ref.Host {
		return r.ref.Repository
	}
	return ""
}

// resolve reads what the reference names.
func (r *remote) resolve(ctx context.Context) (oci.Descriptor, error) {
	d, text, err := r.manifest(ctx, r.ref.want())
	if err == nil {
		_, _, err = r.client.Store.PutBytes(text)
	}
	return d, err
}

// manifest reads a manifest from the first place that has it.
func (r *remote) manifest(ctx context.Context, want string) (oci.Descriptor, []byte, error) {
	var errs []error
	for _, p := range r.places {
		d, text, err := p.getManifest(ctx, want)
		if err == nil || ctx.Err() != nil {
			return d, text, err
		}
		sep := ":"
		if _, err := kiln.ParseDigest(want); err == nil {
			sep = "@"
		}
		errs = append(errs, p.host.problem(fmt.Sprintf("cannot read %s%s%s", p, sep, want), err))
	}
	return oci.Descriptor{}, nil, worst(errs)
}

// document implements origin.
func (r *remote) document(ctx context.Context, d oci.Descriptor) ([]byte, error) {
	if size, err := r.client.Store.Size(d.Digest); err == nil && size <= maxDocument {
		if text, err := r.client.Store.ReadAll(d.Digest); err == nil {
			return text, nil
		}
	}
	_, text, err := r.manifest(ctx, string(d.Digest))
	if err == nil {
		_, _, err = r.client.Store.PutBytes(text)
	}
	return text, err
}

// referrers implements origin: of the registry itself, since a mirror may not know.
func (r *remote) referrers(ctx context.Context, d kiln.Digest) ([]oci.Descriptor, error) {
	var errs []error
	for i := len(r.places) - 1; i >= 0; i-- {
		p := r.places[i]
		all, err := p.referrers(ctx, d)
		if err == nil || ctx.Err() != nil {
			return all, err
		}
		errs = append(errs, p.host.problem(fmt.Sprintf("cannot list what refers to %s@%s", p, d), err))
	}
	return nil, worst(errs)
}

// blob implements origin.
func (r *remote) blob(ctx context.Context, d oci.Descriptor) (content, error) {
	if err := r.client.fetch(ctx, r.places, d); err != nil {
		return nil, err
	}
	return openStored(r.client.Store, d)
}

// stored is an image, or an artifact, whose blobs are in the store.
type stored struct {
	store *store.Store
	name  string
}

func (s stored) String() string                                                   { return s.name }
func (s stored) repository(string) string                                         { return "" }
func (s stored) referrers(context.Context, kiln.Digest) ([]oci.Descriptor, error) { return nil, nil }
func (s stored) document(_ context.Context, d oci.Descriptor) ([]byte, error) {
	return s.store.ReadAll(d.Digest)
}
func (s stored) blob(_ context.Context, d oci.Descriptor) (content, error) {
	return openStored(s.store, d)
}

func openStored(st *store.Store, d oci.Descriptor) (content, error) {
	b, err := st.OpenAt(d.Digest)
	if err != nil {
		return nil, err
	}
	if b.Size() != d.Size {
		b.Close()
		return nil, errors.New("the store holds " + string(d.Digest) + " with another size")
	}
	return b, nil
}
