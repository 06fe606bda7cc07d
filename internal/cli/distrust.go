package cli

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/pflag"

	"kiln/internal/debian"
	"kiln/internal/lock"
	"kiln/internal/recipe"
)

func registerVerifyCache(flags *pflag.FlagSet, verify *bool) {
	flags.BoolVar(verify, "verify-cache", false, "do every step again, and fail where what the store keeps of one differs")
}

// distrust makes the store compare every result with what the step gives now. What
// a lock that is there was made of is part of that, though nothing is resolved: the
// listings of the indexes that it names.
func distrust(ctx context.Context, family *debian.Family, r *recipe.Recipe) error {
	family.Store.Redo()
	l, err := lock.Load(lockPath(r.Path()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return family.Relist(ctx, r, l)
}
