package registry

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"kiln"
)

// ParseLogin reads what a login is for: a registry, "HOST" with its port, or a part of
// one, "HOST/NAMESPACE" (containers-auth.json(5)).
func ParseLogin(s string) (Reference, error) {
	var r Reference
	r.Host, r.Repository, _ = strings.Cut(strings.TrimSuffix(s, "/"), "/")
	switch {
	case strings.Contains(s, "://"):
		return r, badLogin(s, "it begins with a scheme", "leave the scheme out; for a registry without TLS: --plain-http")
	case !hostForm.MatchString(r.Host) || !strings.ContainsAny(r.Host, ".:") && r.Host != "localhost":
		return r, badLogin(s, fmt.Sprintf("%q is no registry: it has neither a dot nor a port", r.Host), "registry.example.org", "localhost:5000")
	case r.Repository != "" && !repositoryForm.MatchString(r.Repository):
		return r, badLogin(s, fmt.Sprintf("%q is no repository", r.Repository), "leave the tag out: a login is for a registry, or for all below HOST/NAME")
	}
	return r, nil
}

func badLogin(s, why string, hints ...string) error {
	return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot log in to %q: %s", s, why), Hints: hints}
}

// Login asks the registry of ref whether it takes cred, as podman and docker do: by its
// base address (distribution specification 1.1, "Determining Support"). asked is false
// where it answers without a login.
func (c *Client) Login(ctx context.Context, ref Reference, cred Credential) (asked bool, err error) {
	c.Credential = func(context.Context, string, string) (Credential, error) {
		asked = true
		return cred, nil
	}
	h, err := c.host(ctx, ref.Host)
	if err != nil {
		return false, err
	}
	_, err = h.exchange(ctx, kiln.StepPush, request{method: http.MethodGet, place: place{h, ref.Repository}, url: h.base.JoinPath("v2/")}, http.StatusOK)
	if statusOf(err) == http.StatusUnauthorized {
		return asked, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot log in to %s: %v", ref.Host, err), Err: err, Hints: []string{
			"check the user name and the password; some registries want a token in place of the password"}}
	}
	return asked, h.problem("cannot log in to "+ref.Host, err)
}
