package apt

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"kiln"
	"kiln/internal/store"
)

// Client brings what archives hold into a store. Store, Mirrors and Now must be
// set. Its methods may be called from several goroutines; it must not be copied
// after first use.
type Client struct {
	Store    *store.Store
	Mirrors  Mirrors
	Now      time.Time // signatures and validity are judged as of this time: the clock's, or that of --at
	Sink     kiln.Sink
	Parallel int   // downloads at once; default 8
	Retry    Retry // zero: the defaults
	// HTTP is used for http and https. Default: one that goes through the proxies
	// that http_proxy, https_proxy and no_proxy name (see http.ProxyFromEnvironment).
	HTTP *http.Client

	once     sync.Once
	internal *http.Client
}

func (c *Client) http() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	c.once.Do(func() {
		c.internal = &http.Client{
			CheckRedirect: checkRedirect,
			Transport: &http.Transport{
				Proxy:                 http.ProxyFromEnvironment,
				DisableCompression:    true, // sizes and hashes are of the file, not of what a server makes of it
				MaxIdleConnsPerHost:   c.parallel(),
				TLSHandshakeTimeout:   30 * time.Second,
				IdleConnTimeout:       90 * time.Second,
				ExpectContinueTimeout: time.Second,
				ForceAttemptHTTP2:     true,
			},
		}
	})
	return c.internal
}

func (c *Client) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return 8
}

// bases returns the roots of the pocket's archive, in the order to try them.
func (c *Client) bases(p Pocket) ([]*url.URL, error) {
	addresses := []string{p.URL}
	if p.URL == "" {
		var err error
		if addresses, err = c.Mirrors.Of(p.Mirror); err != nil {
			return nil, err
		}
	}
	var all []*url.URL
	for _, a := range addresses {
		u, err := parseMirror(a)
		if err != nil {
			return nil, p.problem(kiln.User, nil, "%v", err)
		}
		all = append(all, u)
	}
	return all, nil
}

// place is a file of a mirror: the archive's root, and a clean path below it.
type place struct {
	base *url.URL
	path string
}

// url is the place's address. A plus sign is escaped, as apt does, for servers
// that take it for a blank.
func (p place) url() *url.URL {
	u := *p.base
	u.Path = strings.TrimRight(p.base.Path, "/") + "/" + p.path
	u.RawPath = strings.ReplaceAll((&url.URL{Path: u.Path}).EscapedPath(), "+", "%2B")
	return &u
}

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
		return nil, p.checkSplit(s.release, err)
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
// one. signature is empty for an InRelease. Nothing is remembered.
func (c *Client) Locked(ctx context.Context, p Pocket, release, signature kiln.Digest) (*Release, error) {
	s, err := c.lockedBytes(ctx, p, release, signature)
	if err != nil {
		return nil, err
	}
	split, err := s.split()
	if err != nil {
		return nil, p.checkSplit(s.release, err)
	}
	rel, err := p.open(split, c.Now)
	if err != nil {
		return nil, err
	}
	rel.Digest, rel.Signature = release, signature
	return rel, nil
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
