package bake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/recipe"
)

// LockOptions are the inputs of Lock.
type LockOptions struct {
	Family Family
	Recipe *recipe.Recipe
	Path   string     // of the lock file
	Given  *lock.Lock // taken for what stands at Path, which is then not read; of a pack
	Locked bool       // never write; refuse a lock that is missing or stale
	Mend   bool       // of a lock that was changed by hand, make a right one
	Update Update
	Sink   kiln.Sink

	Workshop *Workshop // for stages; nil: of a recipe that has none, or where only the lock is asked for
}

// LockResult is the lock and what became of it.
type LockResult struct {
	Lock    *lock.Lock
	Path    string
	Written bool
	Changes []lock.Change

	old   *lock.Lock // what stands at Path; nil where nothing does
	doubt bool       // and it is not what kiln wrote
}

// Lock returns the lock of a recipe: the one beside it where it still answers
// what the recipe wants, and else a new one, which it writes.
func Lock(ctx context.Context, o LockOptions) (*LockResult, error) {
	res, err := settle(ctx, o)
	if err != nil {
		return nil, err
	}
	return res, res.save()
}

// save writes the lock where it is another than what stands there.
func (r *LockResult) save() error {
	if r.old == r.Lock || r.old != nil && !r.doubt && string(r.old.Marshal()) == string(r.Lock.Marshal()) {
		return nil
	}
	if err := r.Lock.Save(r.Path); err != nil {
		return err
	}
	r.Written = true
	return nil
}

// old is the lock that there is, nil where there is none, and whether it is in doubt.
func (o LockOptions) old() (old *lock.Lock, doubt bool, err error) {
	if o.Given != nil {
		return o.Given, false, nil
	}
	old, err = lock.Load(o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	var changed *lock.ChangedError
	if errors.As(err, &changed) && o.Mend && !o.Locked {
		return changed.Lock, true, nil
	}
	return old, false, err
}

// settle is Lock without writing.
func settle(ctx context.Context, o LockOptions) (*LockResult, error) {
	old, doubt, err := o.old()
	if err != nil {
		return nil, err
	}
	wants, err := o.Recipe.Wants()
	if err != nil {
		return nil, err
	}
	o.Update.Doubt = doubt
	fresh := old != nil && old.Wants == wants && !o.Update.moves() && !doubt
	if fresh {
		return &LockResult{Lock: old, Path: o.Path, old: old}, nil
	}
	if o.Locked {
		return nil, refuseLocked(o.Path, old)
	}
	o.Sink.Send(kiln.Event{Step: kiln.StepLock, State: kiln.Note, Text: whyLock(o, old)})
	next, err := o.Family.Lock(ctx, o.Recipe, old, o.Update)
	if err != nil {
		return nil, err
	}
	next.Wants = wants
	return &LockResult{Lock: next, Path: o.Path, Changes: lock.Diff(old, next), old: old, doubt: doubt}, nil
}

func whyLock(o LockOptions, old *lock.Lock) string {
	switch {
	case old == nil:
		return fmt.Sprintf("no lock beside the recipe: making %s", o.Path)
	case o.Update.Doubt && !o.Update.moves():
		return "the lock was changed since kiln wrote it: resolving again, against the archive state that it names"
	case o.Update.All:
		return "moving the lock to what the archives hold now"
	case len(o.Update.Packages) > 0:
		return fmt.Sprintf("moving %s to what the archives hold now", strings.Join(o.Update.Packages, ", "))
	}
	return "the recipe wants something else than the lock holds: resolving what changed, against the locked archive state"
}

func refuseLocked(path string, old *lock.Lock) error {
	if old == nil {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot go on with --locked: there is no lock at %q", path),
			Hints: []string{"make the lock and commit it: kiln lock"},
		}
	}
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot go on with --locked: %q is stale, the recipe wants something else than it holds", path),
		Hints: []string{"bring the lock up to date and commit it: kiln lock"},
	}
}
