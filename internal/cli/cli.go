package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/store"
)

// World is what the outside hands in. Nothing below reads clock, environment or
// streams in any other way.
type World struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
}

// app is what every command shares: the world, the printer and the flags that
// all commands take.
type app struct {
	world World
	ui    *ui
	store string

	remote registryFlags // how registries are spoken to
}

// Run carries out one command line and returns its exit status.
func Run(ctx context.Context, args []string, w World) int {
	a := &app{world: w, ui: &ui{out: w.Stdout, err: w.Stderr, now: w.Now, terminal: terminalOf(w.Stderr, w.Getenv)}}
	cmd := a.root()
	refuseUnknown(cmd)
	cmd.SetArgs(args)
	cmd.SetIn(w.Stdin)
	cmd.SetOut(w.Stdout)
	cmd.SetErr(w.Stderr)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		a.ui.done()
		return 0
	case ctx.Err() != nil:
		return a.ui.fail(&kiln.Error{Code: kiln.User, Text: "interrupted: nothing half-made is left", Err: err})
	}
	return a.ui.fail(err)
}

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kiln",
		Short: "Build reproducible, minimal operating-system images",
		Long: `kiln turns a recipe (kiln.yaml) into an image: it resolves and locks Debian
packages, checks every signature and hash, assembles the root file system
without root and without running anything, and writes a container image whose
bytes are the same for anyone.

Exit status: 0 done, 1 a problem to mend in the recipe or around it, 2 wrong
usage, 3 verification or policy said no, 4 network or archive trouble, 5 a bug in kiln.

Environment: KILN_STORE names the store, KILN_CONFIG the configuration file,
KILN_MIRROR_DEBIAN and KILN_MIRROR_DEBIAN_SECURITY mirrors, REGISTRY_AUTH_FILE the
logins of registries; http_proxy, https_proxy
and no_proxy are obeyed. KILN_RETRIES says how often to try again for a file (4),
KILN_STALL_TIMEOUT how long a mirror may send nothing (30s). KILN_KEY_PASSPHRASE is the
passphrase of a key file that signs. With CI or TERM=dumb
there is no live display, with NO_COLOR none in colour.`,
		Example: `  kiln init --template base web && kiln build web
  kiln build examples/static -o docker-archive:static.tar`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          helpOrUnknown,
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&a.store, "store", "", "keep fetched and built pieces in `FOLDER` (default $KILN_STORE, $XDG_CACHE_HOME/kiln or ~/.cache/kiln)")
	flags.BoolVar(&a.ui.json, "json", false, "print the result as one JSON object")
	flags.BoolVarP(&a.ui.quiet, "quiet", "q", false, "print errors and results only")
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &kiln.Error{Code: kiln.Usage, Text: err.Error(), Hints: []string{c.CommandPath() + " --help"}}
	})
	complete(cmd, "store", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs))
	cmd.AddCommand(a.initCommand(), a.lockCommand(), a.buildCommand(), a.packCommand(), a.whyCommand(), a.scriptsCommand(), a.slimCommand(), a.secretsCommand(), a.hardenCommand(), a.policyCommand(), a.diffCommand(), a.changelogCommand(),
		a.proveCommand(), a.secondCommand(), a.stageCommand(), a.verifyCommand(), a.pushCommand(), a.pullCommand(), a.copyCommand(), a.loginCommand(), a.logoutCommand(), a.sbomCommand(), a.keyCommand(), a.signCommand(), a.attachCommand(), a.provenanceCommand(),
		a.bootCommand(), a.testCommand(), a.storeCommand(), a.versionCommand())
	return cmd
}

// refuseUnknown makes cobra's own commands refuse names that they do not know;
// left alone they print help and succeed.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run = nil
			c.RunE = func(cmd *cobra.Command, args []string) error {
				of, rest, err := cmd.Root().Find(args)
				if err != nil || len(rest) > 0 {
					return unknownCommand(cmd.Root(), strings.Join(args, " "))
				}
				return of.Help()
			}
		case "completion":
			c.Args, c.RunE = cobra.ArbitraryArgs, helpOrUnknown
		}
	}
}

// helpOrUnknown is what a command does that only holds others.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return cmd.Help()
}

func unknownCommand(cmd *cobra.Command, name string) error {
	hints := []string{cmd.CommandPath() + " --help"}
	cmd.SuggestionsMinimumDistance = 2
	for _, s := range cmd.SuggestionsFor(name) {
		hints = append([]string{cmd.CommandPath() + " " + s}, hints...)
	}
	return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("unknown command %q", name), Hints: hints}
}

// atMost wraps cobra's argument check in a usage error.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return &kiln.Error{
			Code:  kiln.Usage,
			Text:  fmt.Sprintf("%s takes at most %d arguments, got %d: %s", cmd.CommandPath(), n, len(args), strings.Join(args, " ")),
			Hints: []string{cmd.CommandPath() + " --help"},
		}
	}
}

// openStore opens the store that flag or environment name.
func (a *app) openStore() (*store.Store, error) {
	dir := a.store
	if dir == "" {
		var err error
		if dir, err = store.DefaultDir(a.world.Getenv); err != nil {
			return nil, err
		}
	}
	return store.Open(dir, store.Options{Now: a.world.Now})
}

// recipeArg is the recipe that the arguments name: by default the current folder's.
func recipeArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// lockPath is where the lock of a recipe stands: beside it.
func lockPath(recipeFile string) string {
	base := strings.TrimSuffix(filepath.Base(recipeFile), filepath.Ext(recipeFile))
	return filepath.Join(filepath.Dir(recipeFile), base+".lock")
}

// parseAt reads the value of --at.
func parseAt(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &kiln.Error{
		Code:  kiln.Usage,
		Text:  fmt.Sprintf("cannot read the time %q of --at", s),
		Hints: []string{"--at 2026-11-20", "--at 2026-11-20T12:00:00Z"},
	}
}
