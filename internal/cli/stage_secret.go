package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/recipe"
)

// stageFlags are the flags of commands that run the stages of a recipe.
type stageFlags struct{ secrets []string }

func (f *stageFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.secrets, "secret", nil, "give the stages that name it a secret: `id=NAME,src=FILE`, id=NAME,env=VARIABLE or id=NAME,exec=COMMAND; may be repeated")
	complete(cmd, "secret", cobra.FixedCompletions([]string{"id="}, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp))
}

// mostSecret bounds a secret, in bytes: it is held in memory several times.
const mostSecret = 1 << 20

// given reads the flags, and none of the secrets.
func (f *stageFlags) given(a *app, r *recipe.Recipe) (bake.StageSecrets, error) {
	all := bake.StageSecrets{}
	for _, arg := range f.secrets {
		id, source, err := a.secretSource(arg)
		if err != nil {
			return nil, err
		}
		if all[id] != nil {
			return nil, secretUsage("the secret %q is given twice", id)
		}
		named := slices.ContainsFunc(r.Stages, func(s recipe.Stage) bool { return slices.Contains(s.Secrets, id) })
		if !named { // most likely a slip, after which a stage would lack one
			return nil, &kiln.Error{
				Code:  kiln.Usage,
				Text:  fmt.Sprintf("no stage of the recipe names the secret %q", id),
				Hints: []string{"name it in the stage that is to have it: secrets: [" + id + "]"},
			}
		}
		all[id] = source
	}
	return all, nil
}

func secretUsage(format string, args ...any) error {
	return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf(format, args...), Hints: []string{
		"--secret id=token,src=token.txt", "--secret id=token,env=TOKEN", "--secret 'id=token,exec=vault kv get -field=value secret/token'",
	}}
}

func secretID(arg string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(arg, "id="), ",")
	return id
}

// secretSource reads "id=NAME,src=FILE", "id=NAME,env=VARIABLE", "id=NAME,exec=COMMAND",
// and with src=file:, src=env: and src=exec: the same. Messages show nothing behind the
// id: somebody may have typed the secret there.
func (a *app) secretSource(arg string) (string, func(context.Context) ([]byte, error), error) {
	id := secretID(arg)
	rest, ok := strings.CutPrefix(arg, "id="+id+",")
	if !ok || !recipe.SecretID(id) {
		return "", nil, secretUsage("cannot read a --secret: want id=NAME, a comma, and where it comes from; a NAME has letters, digits and . _ -")
	}
	kind, from, _ := strings.Cut(rest, "=")
	if kind == "src" {
		kind = "file"
		for _, other := range []string{"file", "env", "exec"} {
			if after, ok := strings.CutPrefix(from, other+":"); ok {
				kind, from = other, after
				break
			}
		}
	}
	switch {
	case from == "":
	case kind == "file":
		return id, func(context.Context) ([]byte, error) { return secretFile(id, from) }, nil
	case kind == "env":
		return id, func(context.Context) ([]byte, error) { return a.secretVariable(id, from) }, nil
	case kind == "exec":
		return id, func(ctx context.Context) ([]byte, error) { return secretProgram(ctx, id, from) }, nil
	}
	return "", nil, secretUsage("cannot read where the secret %q comes from: want src=, env= or exec=", id)
}

func secretFile(id, path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the secret %q: %v", id, err), Err: err}
	case !info.Mode().IsRegular() || info.Size() > mostSecret:
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the secret %q: %q is no regular file of at most %d bytes", id, path, mostSecret)}
	}
	return os.ReadFile(path)
}

func (a *app) secretVariable(id, name string) ([]byte, error) {
	if value := a.world.Getenv(name); value != "" {
		return []byte(value), nil
	}
	return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the secret %q: the variable %s is not set, or empty", id, name), Hints: []string{"export " + name}}
}

// secretProgram takes what a program prints, without the line end, as a shell does. Its
// words are split at blanks; no shell is asked.
func secretProgram(ctx context.Context, id, command string) ([]byte, error) {
	words := strings.Fields(command)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot get the secret %q: %s: %v\n%s", id, words[0], err, strings.TrimSpace(stderr.String())), Err: err}
	}
	return bytes.TrimRight(out, "\r\n"), nil
}
