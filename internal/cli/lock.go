package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	record recordFlags

	verifyCache bool
}

func (a *app) lockCommand() *cobra.Command {
	var f lockFlags
	cmd := &cobra.Command{
		Use:   "lock [RECIPE] [--update [PACKAGE...]]",
		Short: "Resolve a recipe to exact packages and write its lock",
		Long: `Resolve a recipe to exact packages and write kiln.lock beside it: every package
with its hash, and the signed archive state that vouches for it.

A lock that answers what the recipe wants is left alone. One that was changed since
kiln wrote it, by hand or by a merge, has another digest than it says and is refused
by all commands but this one: it resolves again, with what the lock says as
preference, against the signed archive state that it names. When the wants have
changed, only what changed is resolved, against the locked archive state. With
--update the lock moves to what the archives hold now; name packages to move
those alone and leave the rest pinned.`,
		Example: `  kiln lock
  kiln lock web --update
  kiln lock web --update libssl3t64 openssl
  kiln lock web --locked    # in CI: only check that the lock is fresh`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeLocked,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.recorded(f.record, "kiln lock "+recipeArg(args), func() error { return a.lock(cmd, args, f) })
		},
	}
	f.source.register(cmd)
	f.record.register(cmd)
	cmd.Flags().BoolVar(&f.update, "update", false, "move to what the archives hold now: all packages, or those named after RECIPE (which must then be given)")
	cmd.Flags().BoolVar(&f.locked, "locked", false, "never write; fail when the lock is missing or stale")
	registerVerifyCache(cmd.Flags(), &f.verifyCache)
	return cmd
}

// check refuses flags and arguments that contradict each other.
func (f lockFlags) check(args []string) error {
	switch {
	case f.locked && f.update:
		return &kiln.Error{
			Code:  kiln.Usage,
			Text:  "--locked never writes the lock, and --update moves it: want one of the two",
			Hints: []string{"kiln lock --help"},
		}
	case !f.update && len(args) > 1:
		return &kiln.Error{
			Code:  kiln.Usage,
			Text:  fmt.Sprintf("kiln lock takes one recipe, got %s; packages are named only with --update", strings.Join(args, " ")),
			Hints: []string{"kiln lock --update " + strings.Join(args, " ")},
		}
	}
	return nil
}

// loadToLock loads the recipe that args begin with. Packages after --update are
// easily typed without it.
func loadToLock(args []string, update bool) (*recipe.Recipe, error) {
	r, err := recipe.Load(recipeArg(args))
	if update && len(args) > 0 && errors.Is(err, fs.ErrNotExist) {
		return nil, &kiln.Error{
			Code:  kiln.CodeOf(err),
			Text:  err.Error(),
			Hints: []string{"kiln lock . --update " + strings.Join(args, " ") + ", if these are packages: the recipe stands before them"},
			Err:   err,
		}
	}
	return r, err
}

func (a *app) lock(cmd *cobra.Command, args []string, f lockFlags) error {
	if err := f.check(args); err != nil {
		return err
	}
	r, err := loadToLock(args, f.update)
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
	if f.verifyCache {
		if err := distrust(cmd.Context(), family, r); err != nil {
			return err
		}
	}
	res, err := bake.Lock(cmd.Context(), bake.LockOptions{
		Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.locked, Mend: true, Update: update, Sink: a.ui.sink,
	})
	if err != nil {
		return err
	}
	return a.ui.result(lockTimed{res, a.timingsFor(f.record)}, func(w io.Writer) { printLock(w, res) })
}

// lockTimed is the result of a lock, with --timings.
type lockTimed struct {
	*bake.LockResult
	Timings *timings `json:"timings,omitempty"`
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
		locked := res.Lock.Platforms[p]
		fmt.Fprintf(w, "%s: %d packages", p, len(locked.Packages))
		for _, s := range locked.Stages {
			fmt.Fprintf(w, ", %d for the stage %s", len(s.Packages), s.Name)
		}
		fmt.Fprintln(w)
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
