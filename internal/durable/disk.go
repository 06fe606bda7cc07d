package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Step is one thing that a save asks of the disk.
type Step string

// The steps, in the order of a save.
const (
	StepCreate  Step = "create"
	StepWrite   Step = "write"
	StepMode    Step = "mode"
	StepSync    Step = "sync"
	StepRename  Step = "rename"
	StepSyncDir Step = "sync-dir"
)

// Disk does the steps of a save. Nil is the real disk. One with Fault set is for
// tests of what a failing disk does to those who save on it.
type Disk struct {
	// Fault is asked before each step on path. With skip, the step is not done;
	// err, if any, is what the step reports. So {true, nil} is a step that was
	// lost without a word, and {false, err} one that was done but reported failed.
	Fault func(step Step, path string) (skip bool, err error)
}

func (d *Disk) do(step Step, path string, act func() error) error {
	if d == nil || d.Fault == nil {
		return act()
	}
	skip, fault := d.Fault(step, path)
	var err error
	if !skip {
		err = act()
	}
	if fault != nil {
		return fault
	}
	return err
}

// Temp is a file that is being written and has no lasting name yet.
type Temp struct {
	file    *os.File
	disk    *Disk
	written int64
	begun   int64 // bytes that the disk was told to begin with
}

// CreateTemp opens a new file in folder dir, named by pattern as os.CreateTemp
// does, readable by its owner alone.
func (d *Disk) CreateTemp(dir, pattern string) (*Temp, error) {
	t := &Temp{disk: d}
	err := d.do(StepCreate, dir, func() (err error) {
		t.file, err = os.CreateTemp(dir, pattern)
		return err
	})
	if err == nil && t.file == nil {
		err = fmt.Errorf("no file was made in %q", dir)
	}
	if err != nil && t.file != nil {
		t.Discard()
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// create makes the file at path, where nothing may be, readable by its owner alone.
func (d *Disk) create(path string) (*Temp, error) {
	t := &Temp{disk: d}
	err := d.do(StepCreate, path, func() (err error) {
		t.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if err == nil && t.file == nil {
		err = fmt.Errorf("no file was made at %q", path)
	}
	if err != nil && t.file != nil {
		t.file.Close()
	}
	return t, err
}

// Reopen goes on with the file at path, which it makes where it is missing, readable by
// its owner alone: for whoever it returns true to alone, until that one closes, renames
// or removes it. It is false where another has it.
func (d *Disk) Reopen(path string) (*Temp, bool, error) {
	t := &Temp{disk: d}
	err := d.do(StepCreate, path, func() (err error) {
		t.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if errors.Is(err, fs.ErrPermission) && os.Chmod(path, 0o600) == nil { // sealed by one that was killed before it gave the file its name
			t.file, err = os.OpenFile(path, os.O_RDWR, 0)
		}
		return err
	})
	if err == nil && t.file == nil {
		err = fmt.Errorf("no file was made at %q", path)
	}
	if err != nil {
		if t.file != nil {
			t.file.Close()
		}
		return nil, false, err
	}
	// Whoever had it before may have taken it away between the two steps.
	if err := t.TryLock(); err != nil || !named(t.file, path) {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = nil
		}
		return nil, false, errors.Join(err, t.file.Close())
	}
	if t.written, err = t.file.Seek(0, io.SeekEnd); err != nil {
		return nil, false, errors.Join(err, t.file.Close())
	}
	t.begun = t.written
	return t, true, nil
}

// Leave closes the file, and leaves it where it is.
func (t *Temp) Leave() error { return t.file.Close() }

// Write appends b.
func (t *Temp) Write(b []byte) (n int, err error) {
	n = len(b)
	err = t.disk.do(StepWrite, t.Name(), func() (err error) {
		n, err = t.file.Write(b)
		return err
	})
	t.written += int64(n)
	return n, err
}

// WriteAt writes b at an offset.
func (t *Temp) WriteAt(b []byte, off int64) (n int, err error) {
	n = len(b)
	err = t.disk.do(StepWrite, t.Name(), func() (err error) {
		n, err = t.file.WriteAt(b, off)
		return err
	})
	t.written = max(t.written, off+int64(n))
	return n, err
}

// Direct asks that what is written from now on goes to the disk past the page cache,
// or that it does not, and returns whether it will. Past it, memory, offset and length of a write must
// be multiples of what the disk takes, or the write fails with EINVAL.
func (t *Temp) Direct(on bool) bool { return direct(t.file, on) }

// ReadAt reads what was written.
func (t *Temp) ReadAt(b []byte, off int64) (int, error) { return t.file.ReadAt(b, off) }

// Truncate drops what was written after the first n bytes; writing goes on from there.
func (t *Temp) Truncate(n int64) error {
	if err := t.file.Truncate(n); err != nil {
		return err
	}
	if _, err := t.file.Seek(n, io.SeekStart); err != nil {
		return err
	}
	t.written, t.begun = n, min(t.begun, n)
	return nil
}

// Begin has the disk begin with what was written by now, without waiting for it, so that
// Seal has less to wait for. It is a wish: where the system has no such call, nothing happens.
func (t *Temp) Begin() {
	beginWriting(t.file, t.begun, t.written-t.begun)
	t.begun = t.written
}

// Name returns the temporary name.
func (t *Temp) Name() string { return t.file.Name() }

// Check sets the permission bits, and checks that the file is as long as what was
// written to it.
func (t *Temp) Check(mode os.FileMode) error {
	if err := t.disk.do(StepMode, t.Name(), func() error { return t.file.Chmod(mode) }); err != nil {
		return err
	}
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != t.written {
		return fmt.Errorf("the disk kept %d bytes of %d", info.Size(), t.written)
	}
	return nil
}

// Seal is Check, and then brings the file to the disk.
func (t *Temp) Seal(mode os.FileMode) error {
	if err := t.Check(mode); err != nil {
		return err
	}
	return t.disk.do(StepSync, t.Name(), t.file.Sync)
}

// Rename gives the file its lasting name, replacing what stood there, and closes it.
func (t *Temp) Rename(path string) error {
	if err := t.disk.do(StepRename, path, func() error { return os.Rename(t.Name(), path) }); err != nil {
		return err
	}
	return t.file.Close()
}

// Discard closes and removes the file. Its errors are of no interest: what is
// left behind has a temporary name.
func (t *Temp) Discard() {
	t.file.Close()
	os.Remove(t.Name())
}

// SyncDir is the method of that name, on the real disk.
func SyncDir(dir string) error { return (*Disk)(nil).SyncDir(dir) }

// SyncDir brings the names in folder dir to the disk.
func (d *Disk) SyncDir(dir string) error {
	return d.do(StepSyncDir, dir, func() error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	})
}
