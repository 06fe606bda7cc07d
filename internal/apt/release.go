package apt

import (
	"context"
	"net/url"
	"path"

	"kiln"
)

// Release fetches the pocket's Release and accepts it, or says why not. What is
// accepted is in the store, byte for byte, and remembered: an older one is
// refused from then on.
func (c *Client) Release(ctx context.Context, p Pocket) (*Release, error) {
	bases, err := c.bases(p)
	if err != nil {
		return nil, err
	}
	var tried trials
	for _, base := range bases {
		served, err := c.serveRelease(ctx, p, base)
		if err == nil {
			return c.accept(ctx, p, served)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		tried.add(base, err)
	}
	return nil, tried.release(p)
}

// served is a Release as a mirror gave it.
type served struct {
	release   []byte // InRelease, or Release
	signature []byte // Release.gpg
	inline    bool
}

func (s served) split() (*signed, error) {
	if s.inline {
		return splitInRelease(s.release)
	}
	return splitDetached(s.release, s.signature)
}

// serveRelease asks one mirror for InRelease and, only where there is none, for
// Release and Release.gpg. A Release.gpg that is missing is an empty one.
func (c *Client) serveRelease(ctx context.Context, p Pocket, base *url.URL) (served, error) {
	b, err := c.readSmall(ctx, place{base, path.Join(p.folder(), "InRelease")})
	if err == nil || !isMissing(err) {
		return served{release: b, inline: true}, err
	}
	if b, err = c.readSmall(ctx, place{base, path.Join(p.folder(), "Release")}); err != nil {
		return served{}, err
	}
	sig, err := c.readSmall(ctx, place{base, path.Join(p.folder(), "Release.gpg")})
	if isMissing(err) {
		err = nil
	}
	return served{release: b, signature: sig}, err
}

func (c *Client) accept(ctx context.Context, p Pocket, s served) (*Release, error) {
	split, err := s.split()
	if err != nil {
		return nil, p.checkSplit(s, err)
	}
	rel, err := p.open(split, c.Now)
	if err != nil {
		return nil, err
	}
	if rel.Digest, _, err = c.Store.PutBytes(s.release); err != nil {
		return nil, err
	}
	if !s.inline {
		if rel.Signature, _, err = c.Store.PutBytes(s.signature); err != nil {
			return nil, err
		}
	}
	return rel, c.remember(ctx, p, rel, c.Now)
}

// Locked judges a Release again that a lock names by its digests, as of the
// client's time, from the store, or from a mirror that still serves that very
// one; it is in the store then. signature is empty for an InRelease. Nothing is
// remembered.
func (c *Client) Locked(ctx context.Context, p Pocket, release, signature kiln.Digest) (*Release, error) {
	s, err := c.lockedBytes(ctx, p, release, signature)
	if err != nil {
		return nil, err
	}
	split, err := s.split()
	if err != nil {
		return nil, p.checkSplit(s, err)
	}
	// The bytes are pinned: that they were signed after they were dated, as a
	// person may, is no reason to doubt them.
	rel, err := p.open(split, later(c.Now, split.signedAt()))
	if err != nil {
		return nil, err
	}
	rel.Digest, rel.Signature = release, signature
	return rel, c.keepServed(s)
}

// keepServed puts a Release into the store, unless it is there.
func (c *Client) keepServed(s served) error {
	files := [][]byte{s.release}
	if !s.inline {
		files = append(files, s.signature)
	}
	for _, b := range files {
		if c.Store.Has(kiln.DigestOf(b)) {
			continue
		}
		if _, _, err := c.Store.PutBytes(b); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) lockedBytes(ctx context.Context, p Pocket, release, signature kiln.Digest) (served, error) {
	s := served{inline: signature == ""}
	if c.Store.Has(release) && (s.inline || c.Store.Has(signature)) {
		var err error
		if s.release, err = c.Store.ReadAll(release); err == nil && !s.inline {
			s.signature, err = c.Store.ReadAll(signature)
		}
		return s, err
	}
	bases, err := c.bases(p)
	if err != nil {
		return s, err
	}
	var tried trials
	for _, base := range bases {
		now, err := c.serveRelease(ctx, p, base)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		if err != nil {
			tried.add(base, err)
			continue
		}
		if kiln.DigestOf(now.release) == release && (now.inline || kiln.DigestOf(now.signature) == signature) {
			return now, nil
		}
		tried.add(base, &trouble{missing: true, text: "it has another Release by now"})
	}
	return s, tried.locked(p, "Release "+release.Short())
}
