package oci

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/store"
)

// CheckFile tells before any work whether WriteLayoutTar, WriteDockerArchive or
// WriteTar would refuse the place: something else is there, or no folder leads to it.
func CheckFile(file string) error {
	if err := checkParent(file); err != nil {
		return err
	}
	return checkFilePlace(file)
}

// CheckLayout is CheckFile for WriteLayout.
func CheckLayout(dir string) error {
	if err := checkParent(dir); err != nil {
		return err
	}
	return checkLayoutPlace(dir)
}

// CheckFolder is CheckFile for WriteFolder.
func CheckFolder(dir string) error {
	if err := checkParent(dir); err != nil {
		return err
	}
	return checkFolderPlace(dir)
}

func checkParent(path string) error {
	_, err := os.ReadDir(filepath.Dir(filepath.Clean(path)))
	if errors.Is(err, fs.ErrPermission) { // it may be writable though not readable
		return nil
	}
	return problem(path, err)
}

func checkFilePlace(file string) error {
	if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
		return refuse(file, "something that is not a file is there")
	}
	return nil
}

// writeFile puts a file in place whole or not at all. It takes the place of a
// file only: not of a folder, and not of a device such as /dev/stdout.
func writeFile(file string, write func(io.Writer) error) error {
	if err := checkFilePlace(file); err != nil {
		return err
	}
	return problem(file, durable.WriteBulk(file, 0o644, write))
}

// writeOnce is writeFile, unless the file is there already, untouched since kiln
// wrote into it what it is to hold; job is told.
func writeOnce(st *store.Store, file string, holds kiln.Digest, job *kiln.Job, write func(io.Writer) error) error {
	if err := checkFilePlace(file); err != nil {
		return err
	}
	if lastWritten(st, file).still(file, holds) {
		job.Cached()
		return nil
	}
	if err := writeFile(file, write); err != nil {
		return err
	}
	remember(st, file, holds, []string{"."})
	return nil
}

// WriteOnceAt writes a file that an output of some kind is, of the tree with the tree
// digest d, unless it is there already, untouched since kiln wrote it. It appears whole
// or not at all; job is told.
func WriteOnceAt(st *store.Store, file, kind string, d kiln.Digest, job *kiln.Job, write func(io.WriterAt) error) error {
	if err := checkFilePlace(file); err != nil {
		return err
	}
	holds := holding(kind, string(d))
	if lastWritten(st, file).still(file, holds) {
		job.Cached()
		return nil
	}
	if err := problem(file, durable.WriteFileAt(file, 0o644, write)); err != nil {
		return err
	}
	remember(st, file, holds, []string{"."})
	return nil
}

// writeDir puts a folder in place whole or not at all: write fills another one
// beside it, and place puts that one where dir was.
func writeDir(dir string, write func(tmp string) error, place func(tmp, dir string) error) (err error) {
	dir = filepath.Clean(dir)
	tmp, done, err := durable.MkdirTemp(dir)
	if err != nil {
		return problem(dir, err)
	}
	defer done()
	defer func() {
		if err != nil {
			_ = durable.RemoveAll(tmp) // the error that led here is the one to tell
		}
	}()
	if err := write(tmp); err != nil {
		return problem(dir, err)
	}
	return place(tmp, dir)
}

// placeLayout looks again at what it takes the place of: the build took its time.
func placeLayout(tmp, dir string) error {
	if err := checkLayoutPlace(dir); err != nil {
		return err
	}
	return problem(dir, durable.ReplaceDir(tmp, dir))
}

// placeFolder takes the place of nothing or of an empty folder, in one step.
func placeFolder(tmp, dir string) error {
	err := durable.ReplaceEmptyDir(tmp, dir)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return refuse(dir, "a folder that is not empty is there")
	}
	return problem(dir, err)
}

// checkLayoutPlace refuses to replace anything but nothing, an empty folder, or
// a layout that holds nothing else.
func checkLayoutPlace(dir string) error {
	entries, err := entriesOf(dir)
	if err != nil {
		return err
	}
	layout := len(entries) == 0
	for _, e := range entries {
		layout = layout || e.Name() == layoutFile
	}
	if !layout {
		return refuse(dir, "a folder that is no image layout is there, and is not empty")
	}
	for _, e := range entries {
		if n := e.Name(); n != layoutFile && n != indexFile && n != "blobs" {
			return refuse(dir, fmt.Sprintf("an image layout is there, and with it %q, which is no part of one", n))
		}
	}
	return nil
}

// checkFolderPlace refuses to replace anything but nothing or an empty folder.
func checkFolderPlace(dir string) error {
	entries, err := entriesOf(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return refuse(dir, "a folder that is not empty is there")
	}
	return nil
}

// entriesOf lists a folder, which may be missing.
func entriesOf(dir string) ([]fs.DirEntry, error) {
	info, err := os.Lstat(filepath.Clean(dir))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, problem(dir, err)
	case !info.IsDir():
		return nil, refuse(dir, "something that is not a folder is there")
	}
	entries, err := os.ReadDir(dir)
	return entries, problem(dir, err)
}

func refuse(path, why string) error {
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot write the output %q: %s", path, why),
		Hints: []string{"name another place, or remove what is there"},
	}
}

// problem is err as it reaches a person. What says already what to do next, such
// as an error of the store, keeps saying it.
func problem(path string, err error) error {
	if err == nil {
		return nil
	}
	e := &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot write the output %q: %v", path, err), Err: err}
	switch {
	case len(kiln.HintsOf(err)) > 0:
	case durable.IsFull(err):
		e.Text = fmt.Sprintf("cannot write the output %q: disk full: %v", path, err)
		e.Hints = []string{"free some room there, or name a place on another disk"}
	case errors.Is(err, fs.ErrPermission):
		e.Hints = []string{"name a place that is writable"}
	case errors.Is(err, syscall.ENOTDIR):
		e.Hints = []string{"name another place: a file is in the way"}
	case errors.Is(err, fs.ErrNotExist):
		e.Hints = []string{"mkdir -p " + filepath.Dir(filepath.Clean(path))}
	}
	return e
}
