package apt

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"kiln"
	"kiln/internal/patience"
	"kiln/internal/store"
)

// Client brings what archives hold into a store. Store, Mirrors and Now must be
// set. Its methods may be called from several goroutines; it must not be copied
// after first use.
type Client struct {
	Store    *store.Store
	Mirrors  Mirrors
	Now      time.Time // signatures and validity are judged as of this time: the clock's, or that of --at
	AsOf     bool      // Now was named by the user: what was accepted later than that is no reason to refuse
	Sink     kiln.Sink
	Parallel int             // downloads at once; default 8
	Retry    patience.Policy // zero: the defaults
	// HTTP is used for http and https. Default: one that goes through the proxies
	// that http_proxy, https_proxy and no_proxy name (see http.ProxyFromEnvironment).
	HTTP *http.Client

	parsing  [2]sync.Mutex // one is held while an index is parsed
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
