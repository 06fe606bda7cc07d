package durable_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/durable"
)

func writer(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	for _, text := range []string{"old", "new and longer", ""} {
		if err := durable.WriteFile(path, 0o666, writer(text)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != text {
			t.Errorf("content %q, want %q", got, text)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o666 {
		t.Errorf("mode %v: the umask got through", info.Mode())
	}
}

func TestWriteFileKeepsTheErrorOfItsWriter(t *testing.T) {
	dir, cause := t.TempDir(), errors.New("no more")
	path := filepath.Join(dir, "a")
	err := durable.WriteFile(path, 0o644, func(w io.Writer) error {
		io.WriteString(w, "half")
		return cause
	})
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	if got := names(t, dir); got != nil {
		t.Errorf("left behind: %q", got)
	}
}

// Every step of a save is lost, fails, or is done but reported failed. The file
// is then what it was or what it should be; and it is the new one if the save
// says so, but for what only a look at the disk after a power cut could tell.
func TestWriteFileFaults(t *testing.T) {
	type fault struct {
		skip bool
		err  error
	}
	broken := syscall.ENOSPC
	steps := []durable.Step{durable.StepCreate, durable.StepWrite, durable.StepMode, durable.StepSync, durable.StepRename, durable.StepSyncDir}
	for _, step := range steps {
		for _, f := range []fault{{true, nil}, {true, broken}, {false, broken}} {
			t.Run(fmt.Sprintf("%s/skip=%v,err=%v", step, f.skip, f.err), func(t *testing.T) {
				dir, hits := t.TempDir(), 0
				path := filepath.Join(dir, "a")
				if err := durable.WriteFile(path, 0o644, writer("old")); err != nil {
					t.Fatal(err)
				}
				disk := &durable.Disk{Fault: func(s durable.Step, _ string) (bool, error) {
					if s != step {
						return false, nil
					}
					hits++
					return f.skip, f.err
				}}
				err := disk.WriteFile(path, 0o644, writer("new!"))
				if hits == 0 {
					t.Fatal("the step was never asked for")
				}
				if f.err != nil && !durable.IsFull(err) {
					t.Errorf("error %v, want %v", err, f.err)
				}
				got := read(t, path)
				if got != "old" && got != "new!" {
					t.Errorf("half a file: %q", got)
				}
				if err == nil && got != "new!" && step != durable.StepRename {
					t.Errorf("the save reports success, the file holds %q", got)
				}
				if err != nil && got != "old" && step != durable.StepSyncDir && step != durable.StepRename {
					t.Errorf("the save reports %v, the file holds %q", err, got)
				}
				if err != nil && len(names(t, dir)) > 1 {
					t.Errorf("left behind: %q", names(t, dir))
				}
			})
		}
	}
}

// A file of a folder that has no lasting name yet is on the disk as written, whatever the umask, or
// the error says that it is not.
func TestWriteNew(t *testing.T) {
	broken := syscall.ENOSPC
	for _, step := range []durable.Step{"", durable.StepCreate, durable.StepWrite, durable.StepMode, durable.StepSync} {
		for _, skip := range []bool{true, false} {
			path, hits := filepath.Join(t.TempDir(), "a"), 0
			disk := &durable.Disk{Fault: func(s durable.Step, _ string) (bool, error) {
				if s != step {
					return false, nil
				}
				hits++
				return skip, broken
			}}
			err := disk.WriteNew(path, 0o666, writer("new"))
			if step != "" {
				if !durable.IsFull(err) || hits != 1 {
					t.Errorf("%s, skip %v: %v after %d", step, skip, err, hits)
				}
				continue
			}
			info, missing := os.Stat(path)
			if err != nil || missing != nil || info.Mode() != 0o666 || read(t, path) != "new" {
				t.Errorf("%v, %v, %v", err, missing, info)
			}
			if err := disk.WriteNew(path, 0o666, writer("other")); err == nil || read(t, path) != "new" {
				t.Errorf("over another file: %v, and it holds %q", err, read(t, path))
			}
		}
	}
	cause := errors.New("no more")
	err := durable.WriteNew(filepath.Join(t.TempDir(), "a"), 0o644, func(io.Writer) error { return cause })
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

func folder(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "f"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplaceDir(t *testing.T) {
	noExchange := &durable.Disk{Fault: once(durable.StepRename, 1, syscall.ENOSYS)}
	for name, replace := range map[string]func(tmp, final string) error{
		"exchange": durable.ReplaceDir, "aside": noExchange.ReplaceDir,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			final := folder(t, filepath.Join(dir, "final"), "old")
			if err := replace(folder(t, filepath.Join(dir, "tmp"), "new"), final); err != nil {
				t.Fatal(err)
			}
			if got := read(t, filepath.Join(final, "f")); got != "new" {
				t.Errorf("final holds %q", got)
			}
			if diff := cmp.Diff([]string{"final"}, names(t, dir)); diff != "" {
				t.Errorf("left in the folder (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplaceDirWhereNothingIs(t *testing.T) {
	dir := t.TempDir()
	if err := durable.ReplaceDir(folder(t, filepath.Join(dir, "tmp"), "new"), filepath.Join(dir, "final")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "final", "f")); got != "new" {
		t.Errorf("final holds %q", got)
	}
}

func TestReplaceEmptyDir(t *testing.T) {
	dir := t.TempDir()
	final, tmp := filepath.Join(dir, "final"), folder(t, filepath.Join(dir, "tmp"), "new")
	full := folder(t, filepath.Join(dir, "full"), "old")
	if err := durable.ReplaceEmptyDir(tmp, full); !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		t.Errorf("over a full folder: %v", err)
	}
	if got := read(t, filepath.Join(full, "f")); got != "old" {
		t.Errorf("the full folder holds %q", got)
	}
	if err := os.Mkdir(final, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.ReplaceEmptyDir(tmp, final); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(final, "f")); got != "new" {
		t.Errorf("final holds %q", got)
	}
}

// Whichever rename fails, the old folder is in its place afterwards.
func TestReplaceDirRestores(t *testing.T) {
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir, renames := t.TempDir(), 0
			final := folder(t, filepath.Join(dir, "final"), "old")
			disk := &durable.Disk{Fault: func(s durable.Step, _ string) (bool, error) {
				if s != durable.StepRename {
					return false, nil
				}
				renames++
				switch {
				case renames == n:
					return true, syscall.EIO
				case renames == 1:
					return true, syscall.ENOSYS
				}
				return false, nil
			}}
			if err := disk.ReplaceDir(folder(t, filepath.Join(dir, "tmp"), "new"), final); !errors.Is(err, syscall.EIO) {
				t.Errorf("error %v, want %v", err, syscall.EIO)
			}
			if got := read(t, filepath.Join(final, "f")); got != "old" {
				t.Errorf("final holds %q", got)
			}
			if diff := cmp.Diff([]string{"final", "tmp"}, names(t, dir)); diff != "" {
				t.Errorf("left in the folder (-want +got):\n%s", diff)
			}
		})
	}
}

// once fails the nth step of a kind, without doing it.
func once(step durable.Step, n int, err error) func(durable.Step, string) (bool, error) {
	return func(s durable.Step, _ string) (bool, error) {
		if s != step {
			return false, nil
		}
		n--
		if n == 0 {
			return true, err
		}
		return false, nil
	}
}

func TestRemoveAllOfReadOnlyFolders(t *testing.T) {
	top := filepath.Join(t.TempDir(), "top")
	inner := folder(t, filepath.Join(top, "a", "b"), "x")
	outside := folder(t, filepath.Join(t.TempDir(), "outside"), "y")
	if err := os.Symlink(outside, filepath.Join(inner, "link")); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{inner, filepath.Dir(inner)} {
		if err := os.Chmod(d, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.RemoveAll(top); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(top); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if got := read(t, filepath.Join(outside, "f")); got != "y" {
		t.Errorf("a link was followed")
	}
}

// What a killed process left beside a file or folder goes with the next save of
// it; what a living one holds stays, and so does whatever is named otherwise.
func TestSweepOfTheDead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	alive, done, err := durable.MkdirTemp(path)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	for _, name := range []string{".out.tmp-1", ".out.tmp-", ".out.tmp-x", ".other.tmp-1", "out.tmp-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, ".out.tmp-2", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, ".out.tmp-2", "sub"), 0o500); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(path, 0o644, func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := []string{".other.tmp-1", ".out.tmp-", ".out.tmp-x", filepath.Base(alive), "out", "out.tmp-1"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

// What is written in bulk is there to the byte, whatever its length and the sizes of the writes.
func TestWriteBulk(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 4096, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3<<20 + 4097} {
		for _, step := range []int{777, 1 << 16, 3 << 20} {
			content := make([]byte, size)
			for i := range content {
				content[i] = byte(i * 7 >> 3)
			}
			path := filepath.Join(t.TempDir(), "file")
			err := durable.WriteBulk(path, 0o640, func(w io.Writer) error {
				for rest := content; len(rest) > 0; {
					n := min(step, len(rest))
					if _, err := w.Write(rest[:n]); err != nil {
						return err
					}
					rest = rest[n:]
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, content) {
				t.Errorf("%d bytes in writes of %d: %d others were kept", size, step, len(got))
			}
		}
	}
}

// A disk that fails while much is written leaves the file as it was.
func TestWriteBulkFails(t *testing.T) {
	for _, step := range []durable.Step{durable.StepCreate, durable.StepWrite, durable.StepMode, durable.StepSync, durable.StepRename} {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		fault := errors.New("fault")
		disk := &durable.Disk{Fault: func(s durable.Step, _ string) (bool, error) {
			if s == step {
				return true, fault
			}
			return false, nil
		}}
		err := disk.WriteBulk(path, 0o644, func(w io.Writer) error {
			_, err := w.Write(make([]byte, 2<<20))
			return err
		})
		if !errors.Is(err, fault) {
			t.Errorf("%s: %v", step, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("%s: left %v, %v", step, left, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
			t.Errorf("%s: %q, %v", step, got, err)
		}
	}
}
