package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/registry"
)

func (a *app) loginCommand() *cobra.Command {
	var user string
	var stdin bool
	cmd := &cobra.Command{
		Use:   "login REGISTRY[/NAMESPACE]",
		Short: "Log in to a registry",
		Long: `Log in to a registry: ask it whether it takes a user name and a password, and keep
them where kiln, podman and skopeo look, or docker: with the credential helper that
is set there for the registry (credHelpers) or for all (credsStore), else in the
first of podman's and docker's files that has an entry for it, or is there. The file
is readable by its owner alone (mode 0600), and the password in it is not encrypted.

The password is asked for on a terminal, or read from standard input with
--password-stdin; it is never an argument. With NAMESPACE, the login is for the
repositories below it alone.`,
		Example: `  kiln login registry.example.org
  kiln login registry.example.org --username ci --password-stdin < /run/secrets/password
  kiln login localhost:5000 --authfile ./auth.json`,
		Args:              exactly(1, "a registry, such as registry.example.org"),
		ValidArgsFunction: words(),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := registry.ParseLogin(args[0])
			if err != nil {
				return err
			}
			return a.login(cmd.Context(), ref, user, stdin)
		},
	}
	cmd.Flags().StringVarP(&user, "username", "u", "", "log in as `NAME`; else it is asked for")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input: all of it but the last line end")
	a.remote.register(cmd)
	complete(cmd, "username", words())
	return cmd
}

// loggedIn is what kiln login and kiln logout tell, in the shape that --json prints.
type loggedIn struct {
	Registry string   `json:"registry"`
	Username string   `json:"username,omitempty"`
	Kept     string   `json:"kept,omitempty"`    // file, or program
	Removed  []string `json:"removed,omitempty"` // files, and programs
}

// login checks a credential and keeps it.
func (a *app) login(ctx context.Context, ref registry.Reference, user string, stdin bool) error {
	cred, err := a.credential(ref, user, stdin)
	if err != nil {
		return err
	}
	files := authFiles(a.remote.authFile, a.world.Getenv)
	c, err := a.connection(ref)
	if err != nil {
		return err
	}
	defer c.Close()
	asked, err := c.Login(ctx, ref, cred)
	if err != nil {
		return err
	}
	if !asked {
		a.ui.sink(kiln.Event{State: kiln.Warning, Text: ref.Host + " answers without a login: whether the password is right is not known"})
	}
	where, err := registry.SaveLogin(ctx, files, ref, cred)
	if err != nil {
		return err
	}
	name := loginName(ref)
	return a.ui.result(loggedIn{Registry: name, Username: cred.Username, Kept: where}, func(w io.Writer) {
		fmt.Fprintf(w, "logged in to %s as %s, kept in %s\n", name, cred.Username, where)
	})
}

func loginName(ref registry.Reference) string { return strings.TrimSuffix(ref.Name(), "/") }

// credential gets the user name and the password.
func (a *app) credential(ref registry.Reference, user string, stdin bool) (registry.Credential, error) {
	var c registry.Credential
	name := loginName(ref)
	noTerminal := func(what string) error {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot ask for the %s for %s: there is no terminal", what, name),
			Hints: []string{"kiln login " + name + " --username NAME --password-stdin < FILE"}}
	}
	if user == "" && stdin {
		return c, &kiln.Error{Code: kiln.Usage, Text: "--password-stdin says no user name", Hints: []string{"--username NAME"}}
	}
	if user == "" {
		line, ok, err := a.ui.ask(a.world.Stdin, "user name for "+name+": ")
		if !ok {
			return c, noTerminal("user name")
		}
		if err != nil {
			return c, err
		}
		user = line
	}
	var password []byte
	var err error
	if stdin {
		// Some are keys of many lines.
		password, err = io.ReadAll(io.LimitReader(a.world.Stdin, maxKeyText+1))
		password = bytes.TrimSuffix(bytes.TrimSuffix(password, []byte("\n")), []byte("\r"))
		if len(password) > maxKeyText {
			err = fmt.Errorf("it has more than %d bytes", maxKeyText)
		}
	} else {
		var ok bool
		if password, ok, err = a.ui.secret(a.world.Stdin, "password of "+user+" for "+name+": "); !ok {
			return c, noTerminal("password")
		}
	}
	switch {
	case err != nil:
		return c, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the password: %v", err), Err: err}
	case user == "" || strings.ContainsAny(user, ":\r\n"):
		return c, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot log in as %q: a user name has no colon, and is not empty", user), Hints: []string{"--username NAME"}}
	case len(password) == 0:
		return c, &kiln.Error{Code: kiln.User, Text: "cannot log in to " + name + ": the password is empty", Hints: []string{"kiln login " + name + " --username " + user + " --password-stdin < FILE"}}
	}
	return registry.Credential{Username: user, Password: string(password)}, nil
}

func (a *app) logoutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logout REGISTRY[/NAMESPACE]",
		Short: "Forget the login for a registry",
		Long: `Forget the login for a registry: out of each of podman's and docker's files that kiln
looks in, and out of the credential helpers that these name.`,
		Example: `  kiln logout registry.example.org
  kiln logout localhost:5000 --authfile ./auth.json`,
		Args:              exactly(1, "a registry, such as registry.example.org"),
		ValidArgsFunction: words(),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := registry.ParseLogin(args[0])
			if err != nil {
				return err
			}
			return a.logout(cmd.Context(), ref)
		},
	}
	a.remote.registerAuthFile(cmd)
	return cmd
}

func (a *app) logout(ctx context.Context, ref registry.Reference) error {
	where, err := registry.RemoveLogin(ctx, authFiles(a.remote.authFile, a.world.Getenv), ref)
	if err != nil {
		return err
	}
	name := loginName(ref)
	if len(where) == 0 {
		return &kiln.Error{Code: kiln.User, Text: "cannot log out of " + name + ": there is no login for it", Hints: []string{"name the file that has it: --authfile FILE"}}
	}
	return a.ui.result(loggedIn{Registry: name, Removed: where}, func(w io.Writer) {
		fmt.Fprintf(w, "logged out of %s, removed from %s\n", name, strings.Join(where, ", "))
	})
}
