package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ReplaceDir puts the folder tmp in the place of final, which may be absent, and
// removes what stood there. Both are in the same file system. Where the system
// can exchange two names in one step, there is no instant without a final; where
// it cannot, the old folder is renamed aside, and back if the new one does not
// get its place. On an error final is what it was, and tmp is still there, except
// where the error is of removing the old folder.
func ReplaceDir(tmp, final string) error { return (*Disk)(nil).ReplaceDir(tmp, final) }

// ReplaceEmptyDir puts the folder tmp in the place of final, which may be absent or
// an empty folder. rename(2) replaces an empty folder in one step and nothing else:
// what appears in final at whatever instant is never lost. The error is then
// ENOTEMPTY or EEXIST, final is what it was, and tmp is still there.
func ReplaceEmptyDir(tmp, final string) error {
	// os.Rename refuses every folder.
	if err := unix.Rename(tmp, final); err != nil {
		return fmt.Errorf("cannot put the folder %q in place: %w", final, err)
	}
	return (*Disk)(nil).SyncDir(filepath.Dir(final))
}

// ReplaceDir is the function of that name, on this disk.
func (d *Disk) ReplaceDir(tmp, final string) error {
	if err := d.replace(tmp, final); err != nil {
		return fmt.Errorf("cannot put the folder %q in place: %w", final, err)
	}
	return nil
}

func (d *Disk) replace(tmp, final string) error {
	parent := filepath.Dir(final)
	_, err := os.Lstat(final)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.rename(tmp, final); err != nil {
			return err
		}
		return d.SyncDir(parent)
	}
	if err != nil {
		return err
	}
	old, err := d.swap(tmp, final)
	if err != nil {
		return err
	}
	if err := d.SyncDir(parent); err != nil {
		return err
	}
	if err := RemoveAll(old); err != nil {
		return fmt.Errorf("the new one is there, but the old one is left at %q: %w", old, err)
	}
	return nil
}

// swap puts tmp in the place of final and returns where the old final is now.
func (d *Disk) swap(tmp, final string) (old string, err error) {
	err = d.do(StepRename, final, func() error { return exchange(tmp, final) })
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return tmp, err
	}
	aside, err := os.MkdirTemp(filepath.Dir(final), "."+filepath.Base(final)+".old-*")
	if err != nil {
		return "", err
	}
	old = filepath.Join(aside, "old")
	if err := d.rename(final, old); err != nil {
		return "", errors.Join(err, os.Remove(aside))
	}
	if err := d.rename(tmp, final); err != nil {
		return "", errors.Join(err, os.Rename(old, final), os.Remove(aside))
	}
	return aside, nil
}

func (d *Disk) rename(from, to string) error {
	return d.do(StepRename, to, func() error { return os.Rename(from, to) })
}
