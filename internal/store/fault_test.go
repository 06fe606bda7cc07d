package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/store"
)

// The environment that makes the test binary a child of one of the tests below.
const (
	childDir  = "STORE_TEST_DIR"
	childStep = "STORE_TEST_STEP" // the step of the work to stop at, counted from 1
	childTask = "STORE_TEST_TASK"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDir) == "" {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv(childTask), os.Getenv(childDir), os.Getenv(childStep)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
}

func child(task, dir, step string) error {
	if task == "count" {
		return count(dir, 20)
	}
	stop, err := strconv.Atoi(step)
	if err != nil {
		return err
	}
	steps := 0
	disk := &durable.Disk{Fault: func(durable.Step, string) (bool, error) {
		steps++
		if steps == stop {
			fmt.Println("here")
			io.Copy(io.Discard, os.Stdin) // to be killed now
		}
		return false, nil
	}}
	st, err := store.Open(dir, store.Options{Disk: disk, Now: func() time.Time { return someDay }})
	if err != nil {
		return err
	}
	defer st.Close()
	return work(st)
}

const (
	workText  = "what the work makes, in more than a few bytes"
	workState = "archive/pocket"
)

// work writes one thing of each kind.
func work(st *store.Store) error {
	return st.Once(context.Background(), workKey(), func() error {
		d, _, err := st.PutBytes([]byte(workText))
		if err != nil {
			return err
		}
		if err := st.SetResult(workKey(), []byte(d)); err != nil {
			return err
		}
		return st.SetState(workState, []byte("newest"))
	})
}

func workKey() kiln.Digest { return kiln.DigestOf([]byte("work")) }

// check is what holds whatever went wrong: what is found is right.
func check(t *testing.T, st *store.Store) {
	t.Helper()
	if value, ok := st.Result(workKey()); ok && kiln.Digest(value) != kiln.DigestOf([]byte(workText)) {
		t.Errorf("a wrong result: %q", value)
	}
	if b, err := st.ReadAll(kiln.DigestOf([]byte(workText))); err == nil && string(b) != workText {
		t.Errorf("a wrong object: %q", b)
	}
	if value, ok, err := st.State(workState); err != nil || ok && string(value) != "newest" {
		t.Errorf("a wrong state: %q, %v, %v", value, ok, err)
	}
	report, err := st.Verify(t.Context(), nil)
	if err != nil || len(report.Damaged) > 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

// redo does the work on a sound disk and checks that all of it is there, and that
// nothing but it is left after gc.
func redo(t *testing.T, dir string) {
	t.Helper()
	st := open(t, dir)
	defer st.Close()
	check(t, st)
	if err := work(st); err != nil {
		t.Fatal(err)
	}
	d := kiln.DigestOf([]byte(workText))
	if b, err := st.ReadAll(d); err != nil || string(b) != workText {
		t.Errorf("object %q, %v", b, err)
	}
	if value, ok := st.Result(workKey()); !ok || string(value) != string(d) {
		t.Errorf("result %q, %v", value, ok)
	}
	if value, ok, err := st.State(workState); !ok || err != nil || string(value) != "newest" {
		t.Errorf("state %q, %v, %v", value, ok, err)
	}
	if _, err := st.GC(t.Context(), day, someDay); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, dir := range []string{"staging", "locks", "damaged"} {
		left = append(left, files(t, st, dir)...)
	}
	if diff := cmp.Diff([]string(nil), left); diff != "" {
		t.Errorf("left after gc (-want +got):\n%s", diff)
	}
	if n := len(files(t, st, "blobs")) + len(files(t, st, "archives")); n != 2 {
		t.Errorf("%d objects and states, want 2", n)
	}
}

// Every step of the work is lost, fails, or is done but reported failed.
func TestFaults(t *testing.T) {
	type fault struct {
		name string
		skip bool
		err  error
	}
	for _, f := range []fault{{"lost", true, nil}, {"failed", true, syscall.ENOSPC}, {"done but failed", false, syscall.ENOSPC}} {
		for n := 1; ; n++ {
			dir, steps, at := t.TempDir(), 0, durable.Step("")
			open(t, dir).Close()
			disk := &durable.Disk{Fault: func(s durable.Step, _ string) (bool, error) {
				steps++
				if steps != n {
					return false, nil
				}
				at = s
				return f.skip, f.err
			}}
			var err error
			st, openErr := store.Open(dir, store.Options{Disk: disk, Now: func() time.Time { return someDay }})
			if openErr == nil {
				err = work(st)
				check(t, st)
				st.Close()
			}
			if at == "" {
				break // all steps had their turn
			}
			t.Run(fmt.Sprintf("%s/%d %s", f.name, n, at), func(t *testing.T) {
				if err := errors.Join(err, openErr); f.err != nil {
					full := err != nil && strings.Contains(err.Error(), "disk full") && len(kiln.HintsOf(err)) > 0
					if !full {
						t.Errorf("error %v, want a full disk and a hint", err)
					}
				}
				redo(t, dir)
			})
		}
	}
}

func start(t *testing.T, env ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), env...)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(out)
}

// The process is killed before each step of its work in turn.
func TestKilled(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		c, out := start(t, childDir+"="+dir, childStep+"="+strconv.Itoa(n))
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "done\n" {
			if err := c.Wait(); err != nil || n < 12 {
				t.Errorf("the work had %d steps: %v", n-1, err)
			}
			return
		}
		if line != "here\n" {
			t.Fatalf("the child says %q", line)
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.Wait() // its error is the kill
		t.Run(strconv.Itoa(n), func(t *testing.T) { redo(t, dir) })
	}
}

// count adds n to the number in a file, one by one, in turns with others.
func count(dir string, n int) error {
	st, err := store.Open(dir, store.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	path := filepath.Join(dir, "archives", "count")
	for range n {
		err := st.Once(context.Background(), workKey(), func() error {
			b, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			return os.WriteFile(path, append(b, '.'), 0o644)
		})
		if err != nil {
			return err
		}
		if _, _, err := st.PutBytes([]byte(workText)); err != nil {
			return err
		}
	}
	return nil
}

// Several processes, and goroutines in this one, work on one new store at once.
func TestManyAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "store")
	var all sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		all.Go(func() { errs[i] = count(dir, 20) })
	}
	for range 2 {
		c, out := start(t, childDir+"="+dir, childTask+"=count")
		all.Go(func() {
			if line, err := out.ReadString('\n'); line != "done\n" {
				t.Errorf("a child says %q (%v)", line, err)
			}
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
		t.Errorf("errors %v", errs)
	}
	b, err := os.ReadFile(filepath.Join(dir, "archives", "count"))
	if err != nil || len(b) != 80 {
		t.Errorf("counted to %d, want 80: %v", len(b), err)
	}
	st := open(t, dir)
	if _, err := st.ReadAll(kiln.DigestOf([]byte(workText))); err != nil {
		t.Error(err)
	}
	if left := append(files(t, st, "staging"), files(t, st, "locks")...); left != nil {
		t.Errorf("left behind: %q", left)
	}
}
