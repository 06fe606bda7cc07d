// Package registry moves images between registries, image layouts and the store, as
// the OCI distribution specification 1.1 says: push, pull and copy, with all
// platforms and all referrers.
//
// Nothing that a server says is believed: each blob and manifest is checked against
// the digest that led to it before anything else reads it, and gets a name, in a
// registry or on disk, only after all that it names is there. A transfer that is cut
// goes on where it ended, where the server can do that. Credentials go to the
// registry that they are for and to its token server, never along a redirect to
// another host, and never into a message.
package registry

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"kiln"
	"kiln/internal/store"
)

// Client talks to registries. Its exported fields are set before its first use and
// not changed after. It may be used by several goroutines.
type Client struct {
	Store *store.Store
	// Credential finds the credential for a repository; nil: there is none.
	Credential CredentialFunc
	TLS        TLSFunc // nil: the settings of the system
	// Mirrors are, for a host, addresses that are asked first when an image is read,
	// in order: "HOST" or "HOST/PREFIX".
	Mirrors map[string][]string
	// Plain are hosts that are spoken to without TLS. A loopback host that does not
	// answer with TLS is, too.
	Plain []string
	Retry Retry
	Now   func() time.Time // judges how long a token lives and how long to wait
	Sink  kiln.Sink
	Chunk int64 // most bytes of a blob that one request sends; 0: all of it
	Jobs  int   // transfers at a time; default 4

	mu    sync.Mutex
	hosts map[string]*host
}

func (c *Client) jobs() int {
	if c.Jobs > 0 {
		return c.Jobs
	}
	return 4
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// host is one registry as it is spoken to.
type host struct {
	client *Client
	name   string // with the port, if one was named
	base   url.URL
	http   *http.Client
	auth   authority
}

// host returns the host of that name.
func (c *Client) host(ctx context.Context, name string) (*host, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.hosts[name]; h != nil {
		return h, nil
	}
	h, err := c.newHost(name)
	if err != nil {
		return nil, err
	}
	if slices.Contains(c.Plain, name) || isLoopback(name) && !h.speaksTLS(ctx) {
		h.base.Scheme = "http"
	}
	if c.hosts == nil {
		c.hosts = map[string]*host{}
	}
	c.hosts[name] = h
	return h, nil
}

func isLoopback(name string) bool {
	h := (&url.URL{Host: name}).Hostname()
	ip := net.ParseIP(h)
	return h == "localhost" || ip != nil && ip.IsLoopback()
}

// speaksTLS reports false of a server that answers a greeting of TLS with plain HTTP.
func (h *host) speaksTLS(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, h.client.Retry.withDefaults().Stall)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base.JoinPath("v2/").String(), nil)
	if err != nil {
		return true
	}
	resp, err := h.http.Do(req)
	if err != nil {
		return !strings.Contains(err.Error(), noTLS)
	}
	resp.Body.Close()
	return true
}

// noTLS is what net/http says of such a server.
const noTLS = "server gave HTTP response to HTTPS client"

func (c *Client) newHost(name string) (*host, error) {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t = t.Clone()
	t.DisableCompression = true // a blob that is gzip is to stay so
	h := &host{client: c, name: name, base: url.URL{Scheme: "https", Host: name}}
	if c.TLS != nil {
		settings, err := c.TLS(name)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = settings
	}
	h.http = &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return h, nil
}

// Close ends the connections that are idle.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.hosts { // in any order
		h.http.CloseIdleConnections()
	}
}

// place is a repository at one host: the registry itself, or a mirror of it.
type place struct {
	host *host
	name string // of the repository
}

func (p place) String() string { return p.host.name + "/" + p.name }

// url is the address of something of the repository.
func (p place) url(elem ...string) *url.URL {
	return p.host.base.JoinPath(append([]string{"v2", p.name}, elem...)...)
}

// pull and push are the scopes that the requests need
// (distribution.github.io/distribution/spec/auth/scope).
func (p place) pull() string { return "repository:" + p.name + ":pull" }
func (p place) push() string { return "repository:" + p.name + ":pull,push" }

// origin is the place that ref names.
func (c *Client) origin(ctx context.Context, ref Reference) (place, error) {
	h, err := c.host(ctx, ref.Host)
	return place{h, ref.Repository}, err
}

// sources are the places where what ref names can be read: mirrors first.
func (c *Client) sources(ctx context.Context, ref Reference) ([]place, error) {
	var all []place
	for _, m := range append(slices.Clone(c.Mirrors[ref.Host]), ref.Host) {
		name, prefix, _ := strings.Cut(strings.TrimSuffix(m, "/"), "/")
		h, err := c.host(ctx, name)
		if err != nil {
			return nil, err
		}
		repository := ref.Repository
		if prefix != "" {
			repository = prefix + "/" + repository
		}
		all = append(all, place{h, repository})
	}
	return all, nil
}
