package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const tokenPath = "/token"

// Auth makes a Server want a login.
type Auth struct {
	Basic          bool   // want the password with each request; false: a token
	User, Password string // who may
	Identity       string // an identity token that will do as well
	Uses           int    // requests after which a token expires; 0: none
	Life           int64  // seconds that a token is said to live; 0: nothing is said

	mu     sync.Mutex
	serial int
	tokens map[string]*grant
	Asked  []string // the scopes that tokens were asked for, each joined with spaces
}

type grant struct {
	scopes []string
	uses   int
}

// Tokens is how many tokens were given out.
func (a *Auth) Tokens() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.serial
}

func (a *Auth) serveToken(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user, password, _ := r.BasicAuth()
	if r.Method == http.MethodPost {
		if r.PostFormValue("refresh_token") != a.Identity || a.Identity == "" {
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
			return
		}
	} else if user != a.User || password != a.Password {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	}
	_ = r.ParseForm()
	scopes := strings.Fields(strings.Join(r.Form["scope"], " "))
	a.Asked = append(a.Asked, strings.Join(scopes, " "))
	a.serial++
	token := fmt.Sprintf("token-%d", a.serial)
	if a.tokens == nil {
		a.tokens = map[string]*grant{}
	}
	a.tokens[token] = &grant{scopes, a.Uses}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": a.Life})
}

// admit reports whether the request may pass, and answers it where it may not.
func (a *Auth) admit(w http.ResponseWriter, r *http.Request, url string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	user, password, basic := r.BasicAuth()
	switch g := a.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]; {
	case a.Basic && basic && user == a.User && password == a.Password:
		return true
	case !a.Basic && g != nil && g.allows(r):
		if a.Uses == 0 {
			return true
		}
		if g.uses--; g.uses >= 0 {
			return true
		}
	}
	if a.Basic {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
	} else {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="test, registry"`, url+tokenPath))
	}
	refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
	return false
}

// allows tells whether a token's scopes cover the request.
func (g *grant) allows(r *http.Request) bool {
	m := route.FindStringSubmatch(r.URL.Path)
	if m == nil {
		return true
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return slices.ContainsFunc(g.scopes, func(s string) bool { return strings.HasPrefix(s, "repository:"+m[1]+":pull") })
	}
	return slices.Contains(g.scopes, "repository:"+m[1]+":pull,push")
}
