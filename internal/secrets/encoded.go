package secrets

import (
	"bytes"
	"encoding/json"
)

// encodedRules are secrets in base64.
func encodedRules() []Rule {
	return []Rule{
		{Name: "encoded-private-key", What: "a private key whose PEM is in base64 again: a kubeconfig's client-key-data, a Secret of Kubernetes", anchors: []string{"ls0tls1crudjti"}, match: encodedPEM, mask: maskKey},
		{Name: encodedSecret, What: "text in base64 with a secret in it, of any kind"},
		{Name: "docker-auth", What: "a registry's login in a docker or podman configuration", anchors: []string{`"auth"`, `"identitytoken"`, `"registrytoken"`}, match: dockerAuth},
		{Name: "jwt", What: "a signed JSON Web Token (RFC 7519)", anchors: []string{"eyj"}, match: jsonWebToken, open: 10},
		{Name: "authorization-header", What: "an HTTP Authorization header: Basic or Bearer", anchors: []string{"authorization"}, match: authorization},
	}
}

func encodedPEM(p *probe) (int, int, bool) {
	n := base64Set.run(p.text, p.at, lookAhead)
	if !bytes.HasPrefix(p.text[p.at:], []byte("LS0tLS1CRUdJTi")) || n < 150 {
		return 0, 0, false
	}
	begin := decoded(p.text[p.at : p.at+60])
	return p.at, p.at + n, bytes.Contains(begin, []byte("PRIVATE KEY-----"))
}

// dockerAuth finds "auth": "USER:PASSWORD in base64", of config.json and auth.json.
func dockerAuth(p *probe) (int, int, bool) {
	i := p.end + jsonSpace.run(p.text, p.end, 20)
	if i >= len(p.text) || p.text[i] != '"' {
		return 0, 0, false
	}
	i++
	n := tokenSet.run(p.text, i, 3000)
	value := p.text[i : i+n]
	if !p.is(`"auth"`) {
		return i, i + n, n >= 20 && entropy(value) >= leastRandom
	}
	user, password, ok := bytes.Cut(decoded(value), []byte(":"))
	ok = ok && n >= 8 && len(user) > 0 && len(password) > 2 && isText(user) && isText(password) && !isPlaceholder(password)
	return i, i + n, ok
}

// isText reports whether b is printable ASCII.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// jsonWebToken finds HEADER.PAYLOAD.SIGNATURE, of which the header must be one.
func jsonWebToken(p *probe) (int, int, bool) {
	if !p.is("eyJ") || !p.starts(p.at) {
		return 0, 0, false
	}
	var parts [3][]byte
	i := p.at
	for k := range parts {
		n := urlSafe.run(p.text, i, 3800)
		parts[k] = p.text[i : i+n]
		i += n
		if k < 2 {
			if i >= len(p.text) || p.text[i] != '.' {
				return 0, 0, false
			}
			i++
		}
	}
	var header struct{ Alg string }
	ok := json.Unmarshal(decoded(parts[0]), &header) == nil && header.Alg != "" && len(parts[1]) >= 10 && len(parts[2]) >= 20
	return p.at, i, ok
}

// authorization finds "Authorization: Basic CREDENTIALS" (RFC 7617) and Bearer
// (RFC 6750).
func authorization(p *probe) (int, int, bool) {
	i := p.end + schemeSpace.run(p.text, p.end, 8)
	for _, scheme := range []string{"basic ", "bearer ", "token "} {
		if len(p.text) < i+len(scheme) || !bytes.EqualFold(p.text[i:i+len(scheme)], []byte(scheme)) {
			continue
		}
		from := i + len(scheme)
		n := bearerSet.run(p.text, from, 3000)
		value := p.text[from : from+n]
		if scheme == "basic " {
			user, password, ok := bytes.Cut(decoded(value), []byte(":"))
			return from, from + n, ok && isText(user) && isText(password) && len(password) > 2 && !isPlaceholder(password)
		}
		return from, from + n, isRandom(value)
	}
	return 0, 0, false
}
