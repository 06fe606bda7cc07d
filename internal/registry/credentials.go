package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"kiln"
)

// authFile is a file of credentials as docker and podman write it
// (containers-auth.json(5), docker's config.json).
type authFile struct {
	Auths map[string]struct {
		Auth          string `json:"auth"` // base64 of "user:password"
		Username      string `json:"username"`
		Password      string `json:"password"`
		IdentityToken string `json:"identitytoken"`
		RegistryToken string `json:"registrytoken"`
	} `json:"auths"`
	CredHelpers map[string]string `json:"credHelpers"`
	CredsStore  string            `json:"credsStore"`
}

// AuthFiles looks for a credential in these files, in order; those that are missing
// hold none. The first that has one decides. Programs called docker-credential-NAME
// are run where a file names them.
func AuthFiles(paths []string) CredentialFunc {
	return func(ctx context.Context, host, repository string) (Credential, error) {
		for _, path := range paths {
			c, err := fromFile(ctx, path, host, repository)
			if err != nil || c != (Credential{}) {
				return c, err
			}
		}
		return Credential{}, nil
	}
}

func fromFile(ctx context.Context, path, host, repository string) (c Credential, err error) {
	f, err := readAuthFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		c, err = f.find(ctx, host, repository)
	}
	if err != nil {
		return Credential{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read a credential for %s from %q: %v", host, path, err),
			Hints: []string{"log in again: kiln login " + host}}
	}
	return c, nil
}

// errForm is what is wrong with a file. A syntax error of JSON would tell a byte of it.
var errForm = errors.New("it is no JSON as docker and podman write it")

func readAuthFile(path string) (f authFile, err error) {
	data, err := os.ReadFile(path)
	if err != nil || len(bytes.TrimSpace(data)) == 0 { // podman takes an empty one for none
		return f, err
	}
	if json.Unmarshal(data, &f) != nil {
		return f, errForm
	}
	return f, nil
}

// find takes a helper for the host first, then the entry that names most of the
// repository, then the helper for all.
func (f *authFile) find(ctx context.Context, host, repository string) (Credential, error) {
	if helper := f.CredHelpers[host]; helper != "" {
		if c, err := ask(ctx, helper, host); err != nil || c != (Credential{}) {
			return c, err
		}
	}
	for _, key := range authKeys(host, repository) {
		e, ok := f.Auths[key]
		if !ok {
			continue
		}
		c := Credential{Username: e.Username, Password: e.Password, Identity: e.IdentityToken, Token: e.RegistryToken}
		if e.Auth != "" {
			text, err := base64.StdEncoding.DecodeString(e.Auth)
			user, password, ok := strings.Cut(strings.TrimRight(string(text), "\x00"), ":")
			if err != nil || !ok {
				return c, fmt.Errorf("its entry %q is damaged", key)
			}
			c.Username, c.Password = user, password
		}
		if c != (Credential{}) {
			return c, nil
		}
	}
	if f.CredsStore != "" {
		return ask(ctx, f.CredsStore, host)
	}
	return Credential{}, nil
}

// authKeys are the keys that an entry for a repository may have: the longest first,
// and last those that old versions of docker wrote.
func authKeys(host, repository string) []string {
	var keys []string
	for at := host + "/" + repository; at != host; at = at[:strings.LastIndexByte(at, '/')] {
		keys = append(keys, at)
	}
	keys = append(keys, host)
	for _, scheme := range []string{"https://", "http://"} {
		keys = append(keys, scheme+host, scheme+host+"/", scheme+host+"/v1/", scheme+host+"/v2/")
	}
	return keys
}
