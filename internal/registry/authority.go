package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"kiln"
)

// Credential is what proves to a registry who asks. It is never printed.
type Credential struct {
	Username, Password string
	Identity           string // a token that others are asked for with ("identitytoken", OAuth2's refresh token)
	Token              string // for the registry itself ("registrytoken")
}

// String keeps secrets out of every text.
func (c Credential) String() string { return "credential" }

// GoString is String for %#v.
func (c Credential) GoString() string { return "credential" }

// CredentialFunc finds the credential for a repository of a host; the zero one where
// there is none.
type CredentialFunc func(ctx context.Context, host, repository string) (Credential, error)

// authority is how a host wants requests to be authorized, and the tokens that it gave:
// the token authentication of the distribution project (RFC 6750), or Basic (RFC 7617).
type authority struct {
	mu        sync.Mutex
	challenge *challenge       // the last
	tokens    map[string]token // by scopes
}

// challenge is one of the header WWW-Authenticate (RFC 9110, section 11.6.1).
type challenge struct {
	scheme string // "basic" or "bearer"
	params map[string]string
}

type token struct {
	header string
	until  time.Time
}

// leastLife is how long a token counts at least: some servers say nothing, or less.
const leastLife = 60 * time.Second

// early is how long before its end a token is renewed.
const early = 10 * time.Second

// header is the header Authorization for a request with these scopes, as far as it is
// known without asking; empty where it is not.
func (a *authority) header(scopes string, now time.Time) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, ok := a.tokens[scopes]; ok && now.Before(t.until) {
		return t.header
	}
	return ""
}

// known reports whether the host asked for authorization before.
func (a *authority) known() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.challenge != nil
}

// authorize answers the challenge of a response to a request that had the header
// used. Where another goroutine has got something newer, that is returned. It is
// empty where there is no credential, or the challenge is none that can be answered.
func (h *host) authorize(ctx context.Context, c *challenge, used string, p place, scopes []string) (string, error) {
	a := &h.auth
	a.mu.Lock()
	defer a.mu.Unlock()
	now, key := h.client.now(), strings.Join(scopes, " ")
	if t, ok := a.tokens[key]; ok && t.header != used && now.Before(t.until) {
		return t.header, nil
	}
	if c != nil {
		a.challenge = c
	}
	if a.challenge == nil {
		return "", nil
	}
	var cred Credential
	if h.client.Credential != nil {
		var err error
		if cred, err = h.client.Credential(ctx, h.name, p.name); err != nil {
			return "", err
		}
	}
	t, err := h.answer(ctx, *a.challenge, cred, scopes, now)
	if err != nil {
		return "", err
	}
	if a.tokens == nil {
		a.tokens = map[string]token{}
	}
	a.tokens[key] = t
	return t.header, nil
}

// answer is the header that answers a challenge.
func (h *host) answer(ctx context.Context, c challenge, cred Credential, scopes []string, now time.Time) (token, error) {
	forEver := now.AddDate(10, 0, 0)
	switch {
	case cred.Token != "":
		return token{"Bearer " + cred.Token, forEver}, nil
	case c.scheme == "basic" && cred.Username == "":
		return token{}, nil
	case c.scheme == "basic":
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(cred.Username, cred.Password)
		return token{r.Header.Get("Authorization"), forEver}, nil
	}
	return h.token(ctx, c, cred, scopes, now)
}

// token asks the token server.
func (h *host) token(ctx context.Context, c challenge, cred Credential, scopes []string, now time.Time) (token, error) {
	req, err := h.tokenRequest(ctx, c, cred, scopes)
	if err != nil {
		return token{}, err
	}
	resp, err := h.http.Do(req) // a redirect is not followed: it has the credential
	if err != nil {
		return token{}, tokenTrouble(req, unreachable(ctx, err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t := h.refusal(resp)
		if t.status == http.StatusBadRequest || t.status == http.StatusForbidden { // some say so of a wrong password
			t.status = http.StatusUnauthorized
		}
		return token{}, tokenTrouble(req, t)
	}
	var doc struct {
		Token       string
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return token{}, tokenTrouble(req, unreachable(ctx, err))
	}
	if json.Unmarshal(body, &doc) != nil || doc.Token == "" && doc.AccessToken == "" {
		return token{}, tokenTrouble(req, &trouble{text: "its answer holds no token", again: true})
	}
	if doc.Token == "" {
		doc.Token = doc.AccessToken
	}
	life := max(time.Duration(min(doc.ExpiresIn, 1<<30))*time.Second, leastLife)
	return token{"Bearer " + doc.Token, now.Add(life - early)}, nil
}

func tokenTrouble(req *http.Request, err error) error {
	said, ok := err.(*trouble)
	if !ok {
		return err
	}
	t := *said
	t.text = fmt.Sprintf("the token server %s: %s", req.URL.Host, t.text)
	return &t
}

// tokenRequest is a GET as the token specification says, or a POST as its OAuth2
// variant does, where the credential is a token itself.
func (h *host) tokenRequest(ctx context.Context, c challenge, cred Credential, scopes []string) (*http.Request, error) {
	realm, err := url.Parse(c.params["realm"])
	switch {
	case err != nil || realm.Host == "" || realm.Scheme != "https" && realm.Scheme != "http":
		return nil, &trouble{text: "the registry names no token server that can be asked"}
	case realm.Scheme == "http" && h.base.Scheme == "https":
		return nil, &trouble{text: fmt.Sprintf("the registry wants the credential sent to %s without TLS", realm.Host)}
	}
	form := url.Values{}
	if s := c.params["service"]; s != "" {
		form.Set("service", s)
	}
	if cred.Identity != "" {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", cred.Identity)
		form.Set("client_id", "kiln")
		form.Set("scope", strings.Join(scopes, " "))
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), bytes.NewReader([]byte(form.Encode())))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return req, err
	}
	query := realm.Query()
	for k, v := range form { // Encode sorts
		query[k] = v
	}
	for _, s := range scopes {
		query.Add("scope", s)
	}
	realm.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
	if err == nil && cred.Username != "" {
		req.SetBasicAuth(cred.Username, cred.Password)
	}
	return req, err
}

// challengeOf reads the challenge of a response; nil where there is none that can be
// answered. Bearer is taken before Basic.
func challengeOf(header http.Header) *challenge {
	var found *challenge
	for _, line := range header.Values("WWW-Authenticate") {
		for _, c := range challenges(line) {
			if c.scheme == "bearer" || c.scheme == "basic" && found == nil {
				found = &c
			}
		}
	}
	return found
}

// challenges reads one line of the header. A word that no "=" follows begins a
// challenge.
func challenges(line string) []challenge {
	var all []challenge
	for line = strings.TrimLeft(line, " ,\t"); line != ""; line = strings.TrimLeft(line, " ,\t") {
		end := strings.IndexAny(line, " =,\t")
		if end < 0 {
			end = len(line)
		}
		word, rest := strings.ToLower(line[:end]), line[end:]
		if !strings.HasPrefix(rest, "=") || len(all) == 0 {
			all = append(all, challenge{word, map[string]string{}})
			line = strings.TrimPrefix(rest, "=")
			continue
		}
		var value string
		value, line = quoted(rest[1:])
		all[len(all)-1].params[word] = value
	}
	return all
}

// quoted reads a token or a quoted-string (RFC 9110, section 5.6.4).
func quoted(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " ,\t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// noLogin tells that a registry wants a login and there is none for it.
func (h *host) noLogin() error {
	return &trouble{
		text: "the registry wants a login", status: http.StatusUnauthorized,
		err: &kiln.Error{Code: kiln.User, Text: "no credential", Hints: []string{"log in first: kiln login " + h.name}},
	}
}
