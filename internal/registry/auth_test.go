package registry_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kiln"
	"kiln/internal/registry"
	"kiln/internal/registry/registrytest"
)

const password = "s3cret/pass:word"

func login(c registry.Credential) registry.CredentialFunc {
	return func(context.Context, string, string) (registry.Credential, error) { return c, nil }
}

// Whatever way a registry wants its login, and however soon its tokens die, in the
// middle of an upload as well, all gets there and back.
func TestLogin(t *testing.T) {
	user := registry.Credential{Username: "ann", Password: password}
	for name, row := range map[string]struct {
		auth *registrytest.Auth
		cred registry.Credential
	}{
		"basic":          {&registrytest.Auth{Basic: true, User: "ann", Password: password}, user},
		"token":          {&registrytest.Auth{User: "ann", Password: password}, user},
		"short token":    {&registrytest.Auth{User: "ann", Password: password, Uses: 2, Life: 300}, user},
		"identity token": {&registrytest.Auth{User: "ann", Password: password, Identity: "refresh-1234"}, registry.Credential{Identity: "refresh-1234"}},
		"anonymous":      {&registrytest.Auth{}, registry.Credential{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			srv := registrytest.Serve(t, &registrytest.Server{Auth: row.auth})
			c := s.client("store")
			c.Credential, c.Chunk, c.Jobs = login(row.cred), 7000, 2
			s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
			s.mustCopy(c, in(srv, "team/web:v"), in(srv, "prod/web:v"))
			c = s.client("other")
			c.Credential = login(row.cred)
			s.mustCopy(c, in(srv, "prod/web:v"), registry.End{Path: s.path("back.oci")})
			sameFiles(t, s.layout, s.path("back.oci"))
			asked := strings.Join(row.auth.Asked, "\n")
			if !row.auth.Basic && !strings.Contains(asked, "repository:prod/web:pull,push repository:team/web:pull") {
				t.Errorf("no token for two repositories, from one of which to mount: %s", asked)
			}
			if n := row.auth.Tokens(); row.auth.Uses > 0 && n < 20 || row.auth.Uses == 0 && n > 6 {
				t.Errorf("%d tokens were given out", n)
			}
		})
	}
}

// A token that is said to live for some time is renewed before its end, not after.
func TestTokenLife(t *testing.T) {
	s := newScene(t)
	auth := &registrytest.Auth{User: "ann", Password: password, Life: 120}
	srv := registrytest.Serve(t, &registrytest.Server{Auth: auth})
	srv.SetFault(&registrytest.Fault{Request: 5, Stage: registrytest.Refused, Wait: "115"})
	c := s.client("store")
	c.Credential = login(registry.Credential{Username: "ann", Password: password})
	s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
	if auth.Tokens() < 2 {
		t.Errorf("%d tokens", auth.Tokens())
	}
	if n := strings.Count(strings.Join(srv.Requests(), "\n"), "\n"); auth.Tokens() > n/4 {
		t.Errorf("%d tokens for %d requests", auth.Tokens(), n)
	}
}

// Where the login is missing or wrong, the error says how to log in, and nothing that
// is said, on any way, holds a secret.
func TestNoLogin(t *testing.T) {
	for name, row := range map[string]struct {
		auth *registrytest.Auth
		cred registry.Credential
		text string
	}{
		"none, basic":    {&registrytest.Auth{Basic: true, User: "ann", Password: password}, registry.Credential{}, "wants a login"},
		"wrong, basic":   {&registrytest.Auth{Basic: true, User: "ann", Password: "other"}, registry.Credential{Username: "ann", Password: password}, "401 Unauthorized"},
		"none, token":    {&registrytest.Auth{User: "ann", Password: password}, registry.Credential{}, "the token server"},
		"wrong, token":   {&registrytest.Auth{User: "ann", Password: "other"}, registry.Credential{Username: "ann", Password: password}, "the token server"},
		"wrong identity": {&registrytest.Auth{User: "ann", Password: "other", Identity: "x"}, registry.Credential{Identity: password}, "the token server"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			srv := registrytest.Serve(t, &registrytest.Server{Auth: row.auth})
			c := s.client("store")
			c.Credential = login(row.cred)
			_, err := s.copy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
			wants(t, err, kiln.User, row.text, "kiln login "+srv.Host)
			if text := err.Error() + show(s.events) + show(row.cred); strings.Contains(text, password) || strings.Contains(text, "token-") {
				t.Errorf("a secret is told: %s", text)
			}
		})
	}
}

// Blobs that are served from another host come from there, without the credential and
// without its address in any message.
func TestRedirect(t *testing.T) {
	s := newScene(t)
	auth := &registrytest.Auth{Basic: true, User: "ann", Password: password}
	var mu sync.Mutex
	var heads []http.Header
	var srv *registrytest.Server
	broken := false
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a credential was asked for elsewhere, and sent: %v", r.Header)
	}))
	defer thief.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		heads = append(heads, r.Header)
		if broken {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+thief.URL+`",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r2 := r.Clone(r.Context())
		r2.SetBasicAuth("ann", password)
		srv.Redirect = ""
		srv.ServeHTTP(w, r2)
		srv.Redirect = "http://" + r.Host
	}))
	defer elsewhere.Close()
	srv = registrytest.Serve(t, &registrytest.Server{Auth: auth, Redirect: elsewhere.URL})
	c := s.client("store")
	c.Credential = login(registry.Credential{Username: "ann", Password: password})
	s.mustCopy(c, registry.End{Path: s.layout}, in(srv, "team/web:v"))
	c = s.client("other")
	c.Credential = login(registry.Credential{Username: "ann", Password: password})
	s.mustCopy(c, in(srv, "team/web:v"), registry.End{Path: s.path("back.oci")})
	sameFiles(t, s.layout, s.path("back.oci"))
	if len(heads) == 0 {
		t.Error("nothing came from the other host")
	}
	for _, h := range heads {
		if h.Get("Authorization") != "" {
			t.Errorf("the credential was sent on: %v", h)
		}
	}
	broken = true
	c = s.client("third")
	c.Credential = login(registry.Credential{Username: "ann", Password: password})
	_, err := s.copy(c, in(srv, "team/web:v"), registry.End{Path: s.path("not.oci")})
	wants(t, err, kiln.User, "401 Unauthorized")
	if text := err.Error() + show(s.events); strings.Contains(text, "hidden") || strings.Contains(text, password) {
		t.Errorf("a secret is told: %s", text)
	}
}

func TestCredentialFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// ann:secret, bob:other
	first := write("auth.json", `{"auths": {
		"r.example.org/team": {"auth": "YW5uOnNlY3JldA=="}, "r.example.org": {"auth": "Ym9iOm90aGVy"},
		"https://old.example.org/v1/": {"auth": "Ym9iOm90aGVy"}, "id.example.org": {"identitytoken": "idtoken"}, "stored.example.org": {}}}`, 0o600)
	second := write("config.json", `{"credHelpers": {"help.example.org": "kilntest", "gone.example.org": "not-installed", "bad.example.org": "kilnbad"}, "credsStore": "kilntest"}`, 0o600)
	broken := write("broken.json", `{"auths": {"r.example.org": {"auth": "no base64, a secret"}}}`, 0o600)
	write("docker-credential-kilntest", `#!/bin/sh
read host
case "$1 $host" in
"get help.example.org") echo '{"ServerURL":"help.example.org","Username":"helped","Secret":"h"}' ;;
"get token.example.org") echo '{"Username":"<token>","Secret":"idt"}' ;;
"get stored.example.org") echo '{"Username":"stored","Secret":"s"}' ;;
*) echo "credentials not found in native keychain"; exit 1 ;;
esac
`, 0o755)
	write("docker-credential-kilnbad", "#!/bin/sh\necho secret-on-stdout\necho secret-on-stderr >&2\nexit 3\n", 0o755)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	find := registry.AuthFiles([]string{filepath.Join(dir, "missing.json"), first, second})
	for _, row := range []struct {
		host, name string
		want       registry.Credential
	}{
		{"r.example.org", "team/web", registry.Credential{Username: "ann", Password: "secret"}},
		{"r.example.org", "team", registry.Credential{Username: "ann", Password: "secret"}},
		{"r.example.org", "teams/web", registry.Credential{Username: "bob", Password: "other"}},
		{"old.example.org", "x", registry.Credential{Username: "bob", Password: "other"}},
		{"id.example.org", "x", registry.Credential{Identity: "idtoken"}},
		{"help.example.org", "x", registry.Credential{Username: "helped", Password: "h"}},
		{"token.example.org", "x", registry.Credential{Identity: "idt"}},
		{"stored.example.org", "x", registry.Credential{Username: "stored", Password: "s"}},
		{"none.example.org", "x", registry.Credential{}},
	} {
		got, err := find(t.Context(), row.host, row.name)
		if err != nil || got != row.want {
			t.Errorf("%s/%s: %q %q %q %v", row.host, row.name, got.Username, got.Password, got.Identity, err)
		}
	}
	_, err := find(t.Context(), "gone.example.org", "x")
	wants(t, err, kiln.User, "docker-credential-not-installed is not installed", "kiln login gone.example.org")
	_, err = find(t.Context(), "bad.example.org", "x")
	wants(t, err, kiln.User, "docker-credential-kilnbad failed", "exit status 3")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("a secret is told: %v", err)
	}
	_, err = registry.AuthFiles([]string{broken})(t.Context(), "r.example.org", "x")
	wants(t, err, kiln.User, broken, "is damaged")
	if strings.Contains(err.Error(), "no base64") {
		t.Errorf("a secret is told: %v", err)
	}
}

// A registry with an authority of its own is trusted when somebody says so, in either
// of the ways, and without TLS nothing is spoken by itself.
func TestTLS(t *testing.T) {
	s := newScene(t)
	plain := registrytest.Serve(t, &registrytest.Server{})
	front := httptest.NewTLSServer(plain)
	defer front.Close()
	host := strings.TrimPrefix(front.URL, "https://")
	ref, err := registry.ParseReference(host + "/team/web:v")
	if err != nil {
		t.Fatal(err)
	}
	to := registry.End{Reference: &ref}
	_, err = s.copy(s.client("store"), registry.End{Path: s.layout}, to)
	wants(t, err, kiln.Network, "certificate", "--tls-ca FILE", "/etc/containers/certs.d/"+host)

	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	folder := filepath.Join(s.path("certs.d"), host)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{s.path("ca.pem"), filepath.Join(folder, "ca.crt")} {
		if err := os.WriteFile(file, ca, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, settings := range map[string]registry.TLSFunc{
		"flag": registry.Certificates(s.path("ca.pem"), nil), "folder": registry.Certificates("", []string{s.path("none"), s.path("certs.d")}),
	} {
		c := s.client(name)
		c.TLS = settings
		s.mustCopy(c, registry.End{Path: s.layout}, to)
	}
	c := s.client("bad")
	c.TLS = registry.Certificates(s.path("web.oci/index.json"), nil)
	_, err = s.copy(c, registry.End{Path: s.layout}, to)
	wants(t, err, kiln.User, "holds no certificate")
}
