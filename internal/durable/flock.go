package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The pauses between two tries for a busy lock.
const (
	firstPause = time.Millisecond
	longPause  = 20 * time.Millisecond
)

// Lock takes the lock on the file at path for this caller alone, waiting for it
// until ctx ends. The file is made where it is missing, and stays. The lock is
// flock(2): it excludes other goroutines as well as other processes, and dies
// with its process, however that ends. Whoever holds it may remove the file:
// waiters notice and use the new one.
func Lock(ctx context.Context, path string) (unlock func() error, err error) {
	return wait(ctx, path, unix.LOCK_EX)
}

// RLock is Lock for one of many readers: it waits only for holders of Lock.
func RLock(ctx context.Context, path string) (unlock func() error, err error) {
	return wait(ctx, path, unix.LOCK_SH)
}

// TryLock is Lock without waiting: ok is false where the lock is held.
func TryLock(path string) (unlock func() error, ok bool, err error) {
	return try(path, unix.LOCK_EX)
}

func wait(ctx context.Context, path string, how int) (func() error, error) {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		unlock, ok, err := try(path, how)
		if ok || err != nil {
			return unlock, err
		}
		// flock(2) itself cannot be interrupted from Go, hence the small steps.
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("cannot lock %q, which is in use: %w", path, context.Cause(ctx))
		case <-timer.C:
		}
	}
}

func try(path string, how int) (unlock func() error, ok bool, err error) {
	// Read-only, so that a lock file of another user can be shared.
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, false, fmt.Errorf("cannot lock %q: %w", path, err)
	}
	err = flock(f, how|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, false, f.Close()
	case err != nil:
		f.Close()
		return nil, false, fmt.Errorf("cannot lock %q: %w", path, err)
	case !named(f, path):
		// The holder before us removed the file: this lock guards nothing.
		return nil, false, f.Close()
	}
	return f.Close, true, nil
}

// TryLock takes the lock on the file itself, as the function of that name does on
// a path, for as long as it is open.
func (t *Temp) TryLock() error { return flock(t.file, unix.LOCK_EX|unix.LOCK_NB) }

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// named reports whether path still names the file f.
func named(f *os.File, path string) bool {
	have, err := f.Stat()
	if err != nil {
		return false
	}
	want, err := os.Lstat(path)
	return err == nil && os.SameFile(have, want)
}
