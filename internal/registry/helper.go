package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"kiln"
)

// ask runs a credential helper, as docker does: "docker-credential-NAME get", with the
// host on its standard input (github.com/docker/docker-credential-helpers). The secret
// is on its standard output, and nowhere else.
func ask(ctx context.Context, name, host string) (Credential, error) {
	cmd, err := helper(ctx, name, "get", strings.NewReader(host))
	if err != nil {
		return Credential{}, err
	}
	program := helperName(name)
	var out bytes.Buffer
	cmd.Stdout = &out // what it says beside goes nowhere: it may hold a secret
	if err := cmd.Run(); err != nil {
		// The one thing that it is to say on standard output when it has none.
		if strings.Contains(out.String(), "credentials not found") {
			return Credential{}, nil
		}
		return Credential{}, helperProblem(program, err)
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

// helper is a credential helper, ready to run. What it prints goes nowhere.
func helper(ctx context.Context, name, verb string, in io.Reader) (*exec.Cmd, error) {
	if name == "" || strings.ContainsAny(name, "/\\\x00") {
		return nil, fmt.Errorf("%q is no name of a credential helper", name)
	}
	cmd := exec.CommandContext(ctx, helperName(name), verb)
	cmd.Stdin = in
	return cmd, nil
}

func helperProblem(program string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("the credential helper %s is not installed", program)
	}
	return fmt.Errorf("the credential helper %s failed: %w", program, err)
}

// keep has a credential helper keep a credential: "store", with the secret on its
// standard input.
func keep(ctx context.Context, name, host string, c Credential) error {
	text, err := json.Marshal(struct{ ServerURL, Username, Secret string }{host, c.Username, c.Password})
	if err != nil {
		return err
	}
	return runHelper(ctx, name, "store", bytes.NewReader(text))
}

// erase has a credential helper forget a credential.
func erase(ctx context.Context, name, host string) error {
	return runHelper(ctx, name, "erase", strings.NewReader(host))
}

func runHelper(ctx context.Context, name, verb string, in io.Reader) error {
	cmd, err := helper(ctx, name, verb, in)
	if err == nil {
		if err = cmd.Run(); err != nil {
			err = helperProblem(helperName(name), err)
		}
	}
	if err == nil {
		return nil
	}
	return &kiln.Error{Code: kiln.User, Text: "cannot keep a login: " + err.Error(), Err: err, Hints: []string{"install or mend the helper, or name another file: --authfile FILE"}}
}
