package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// ask runs a credential helper, as docker does: "docker-credential-NAME get", with the
// host on its standard input (github.com/docker/docker-credential-helpers). The secret
// is on its standard output, and nowhere else.
func ask(ctx context.Context, name, host string) (Credential, error) {
	if name == "" || strings.ContainsAny(name, "/\\\x00") {
		return Credential{}, fmt.Errorf("%q is no name of a credential helper", name)
	}
	program := "docker-credential-" + name
	cmd := exec.CommandContext(ctx, program, "get")
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = strings.NewReader(host), &out // what it says beside goes nowhere: it may hold a secret
	if err := cmd.Run(); err != nil {
		// The one thing that it is to say on standard output when it has none.
		if strings.Contains(out.String(), "credentials not found") {
			return Credential{}, nil
		}
		if errors.Is(err, exec.ErrNotFound) {
			return Credential{}, fmt.Errorf("the credential helper %s is not installed", program)
		}
		return Credential{}, fmt.Errorf("the credential helper %s failed: %w", program, err)
	}
	var doc struct{ Username, Secret string }
	if json.Unmarshal(out.Bytes(), &doc) != nil {
		return Credential{}, fmt.Errorf("the credential helper %s gave no JSON", program)
	}
	if doc.Username == "<token>" { // an identity token, as the helpers' protocol says
		return Credential{Identity: doc.Secret}, nil
	}
	return Credential{Username: doc.Username, Password: doc.Secret}, nil
}
