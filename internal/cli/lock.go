package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/lock"
	"kiln/internal/recipe"
)

// lockFlags are the flags of kiln lock, as typed.
type lockFlags struct {
	source sourceFlags
	locked bool
	update bool
}

func (a *app) lockCommand() *cobra.Command {
	var f lockFlags
	cmd := &cobra.Command{
		Use:   "lock [RECIPE] [--update [PACKAGE...]]",
		Short: "Resolve a recipe to exact packages and write its lock",
		Long: `Resolve a recipe to exact packages and write kiln.lock beside it: every package
with its hash, and the signed archive state that vouches for it.

A lock that answers what the recipe wants is left alone. When the wants have
changed, only what changed is resolved, against the locked archive state. With
--update the lock moves to what the archives hold now; name packages to move
those alone and leave the rest pinned.`,
		Example: `  kiln lock
  kiln lock web --update
  kiln lock web --update libssl3t64 openssl
  kiln lock web --locked    # in CI: only check that the lock is fresh`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.lock(cmd, args, f) },
	}
	f.source.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.update, "update", false, "move to what the archives hold now: all, or the packages named after the recipe")
	cmd.Flags().BoolVar(&f.locked, "locked", false, "never write; fail when the lock is missing or stale")
	return cmd
}

func (a *app) lock(cmd *cobra.Command, args []string, f lockFlags) error {
	if !f.update && len(args) > 1 {
		return &kiln.Error{
			Code:  kiln.Usage,
			Text:  fmt.Sprintf("kiln lock takes one recipe, got %s; packages are named only with --update", strings.Join(args, " ")),
			Hints: []string{"kiln lock --update " + strings.Join(args, " ")},
		}
	}
	r, err := recipe.Load(recipeArg(args))
	if err != nil {
		return err
	}
	update, err := f.source.update()
	if err != nil {
		return err
	}
	if f.update && len(args) > 1 {
		update.Packages = args[1:]
	} else {
		update.All = f.update
	}
	family, st, err := a.family(f.source)
	if err != nil {
		return err
	}
	defer st.Close()
	res, err := bake.Lock(cmd.Context(), bake.LockOptions{
		Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.locked, Update: update, Sink: a.ui.sink,
	})
	if err != nil {
		return err
	}
	return a.ui.result(res, func(w io.Writer) { printLock(w, res) })
}

func printLock(w io.Writer, res *bake.LockResult) {
	for _, arch := range res.Lock.Archives {
		for _, p := range arch.Pockets {
			fmt.Fprintf(w, "%s/%s  of %s", arch.Name, p.Suite, p.Date.Format("2006-01-02 15:04 MST"))
			if p.ValidUntil != nil {
				fmt.Fprintf(w, ", valid until %s", p.ValidUntil.Format("2006-01-02 15:04 MST"))
			}
			fmt.Fprintln(w)
			for _, s := range p.Signers {
				fmt.Fprintf(w, "  signed by %s  %s\n", s.Fingerprint, s.Name)
			}
		}
	}
	for _, c := range res.Changes {
		fmt.Fprintf(w, "  %s\n", c)
	}
	for _, p := range lockedPlatforms(res.Lock) {
		fmt.Fprintf(w, "%s: %d packages\n", p, len(res.Lock.Platforms[p].Packages))
	}
	if res.Written {
		fmt.Fprintf(w, "wrote %s\n", res.Path)
	} else {
		fmt.Fprintf(w, "%s is up to date\n", res.Path)
	}
}

// lockedPlatforms are the platforms of a lock in the order to show them.
func lockedPlatforms(l *lock.Lock) []kiln.Platform {
	var list []kiln.Platform
	for _, p := range kiln.Platforms() {
		if l.Platforms[p] != nil {
			list = append(list, p)
		}
	}
	return list
}
