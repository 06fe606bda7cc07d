package durable_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"kiln/internal/durable"
)

// childEnv makes the test binary a process that takes a lock, says so, and holds
// it until it is killed.
const childEnv = "DURABLE_TEST_LOCK"

func TestMain(m *testing.M) {
	path := os.Getenv(childEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := durable.Lock(context.Background(), path); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin) // until the parent ends, if it does not kill
}

func TestLockDiesWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+path)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the child says %q (%v)", line, err)
	}
	if _, ok, err := durable.TryLock(path); ok || err != nil {
		t.Fatalf("the lock of a living process was taken: %v, %v", ok, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait() // its error is the kill
	unlock, err := durable.Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func TestLockObeysItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := durable.Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("changed my mind")
	cancel(cause)
	if _, err := durable.Lock(ctx, path); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	if _, err := durable.RLock(ctx, path); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Lock(ctx, path); err != nil {
		t.Errorf("a free lock needs no waiting, but: %v", err)
	}
}

func TestRLockShares(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	one, err := durable.RLock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	two, err := durable.RLock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for _, unlock := range []func() error{one, two} {
		if _, ok, err := durable.TryLock(path); ok || err != nil {
			t.Errorf("the exclusive lock was taken beside a shared one: %v, %v", ok, err)
		}
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, err := durable.TryLock(path); !ok || err != nil {
		t.Errorf("the lock is free but cannot be taken: %v, %v", ok, err)
	}
}

// Holders remove the lock file; still there is never more than one.
func TestLockFileMayBeRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var all sync.WaitGroup
	var inside, most atomic.Int32
	count := 0 // guarded by the lock alone
	for range 8 {
		all.Go(func() {
			for range 20 {
				unlock, err := durable.Lock(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) > 1 {
					most.Store(2)
				}
				count++
				inside.Add(-1)
				os.Remove(path)
				unlock()
			}
		})
	}
	all.Wait()
	if count != 160 || most.Load() > 1 {
		t.Errorf("%d turns of 160; two at once: %v", count, most.Load() > 1)
	}
}
