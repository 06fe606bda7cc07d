// Package durable puts files and folders in place so that a reader, at whatever
// instant the machine or the process dies, finds the old state or the new one and
// never a part of either; and it holds locks that die with their process.
//
// A file is saved as: own temporary name in the same folder, size check, fsync,
// rename, fsync of the folder. Nothing here knows what the files mean.
package durable

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// WriteFile saves what write produces under path with the given permission bits,
// whatever the umask. When it returns an error, path is what it was before, and
// no temporary file is left; an error of the last step alone, the fsync of the
// folder, can leave the new content in place.
func WriteFile(path string, mode os.FileMode, write func(io.Writer) error) error {
	return (*Disk)(nil).WriteFile(path, mode, write)
}

// WriteFileAt is WriteFile of what is not written from the beginning to the end.
func WriteFileAt(path string, mode os.FileMode, write func(io.WriterAt) error) error {
	return (*Disk)(nil).save(path, mode, func(t *Temp) error { return write(t) })
}

// WriteFile is the function of that name, on this disk.
func (d *Disk) WriteFile(path string, mode os.FileMode, write func(io.Writer) error) (err error) {
	return d.save(path, mode, func(t *Temp) error { return write(t) })
}

func (d *Disk) save(path string, mode os.FileMode, write func(*Temp) error) (err error) {
	f, err := d.createTemp(path)
	if err != nil {
		return fmt.Errorf("cannot write the file %q: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Discard()
			err = fmt.Errorf("cannot write the file %q: %w", path, err)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Seal(mode); err != nil {
		return err
	}
	if err := f.Rename(path); err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(path))
}

// WriteNew writes a file of a folder that has no lasting name yet, as MkdirTemp makes one:
// what write produces is on the disk under path, where nothing may be, with the given permission bits. Its
// name is not waited for; SyncDir brings all of the folder's there at once. After an error it may be there in part.
func WriteNew(path string, mode os.FileMode, write func(io.Writer) error) error {
	return (*Disk)(nil).WriteNew(path, mode, write)
}

// WriteNew is the function of that name, on this disk.
func (d *Disk) WriteNew(path string, mode os.FileMode, write func(io.Writer) error) (err error) {
	t, err := d.create(path)
	if err == nil {
		if err = write(t); err == nil {
			err = t.Seal(mode)
		}
		err = cmp.Or(err, t.Leave())
	}
	if err != nil {
		return fmt.Errorf("cannot write the file %q: %w", path, err)
	}
	return nil
}

// IsFull reports whether err says that the disk, or the user's share of it, is
// full, or that a file reached the limit that is set for the process (ulimit -f).
func IsFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

// RemoveAll is os.RemoveAll for a tree that may hold folders its owner cannot
// write, as an unpacked root file system does: it makes them writable first.
// It never follows a link.
func RemoveAll(path string) error {
	if err := os.RemoveAll(path); err == nil {
		return nil
	}
	open := func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			return os.Chmod(p, 0o700)
		}
		return nil // what cannot be opened is named by the removal below
	}
	if err := filepath.WalkDir(path, open); err != nil {
		return err
	}
	return os.RemoveAll(path)
}
