package tree

import (
	"fmt"
	"strings"

	"kiln"
)

// maxMode is the widest mode of an Entry: permissions, setuid, setgid, sticky.
const maxMode = 0o7777

// maxID is the largest numeric user or group id of Linux that is not "no id".
const maxID = 1<<32 - 2

// empty is the digest of no bytes.
const empty kiln.Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Check says what is wrong with e by itself, if anything: a path that is not
// clean, a field that its type does not have, a value out of range.
func (e *Entry) Check() error {
	if clean, err := CleanPath(e.Path); err != nil {
		return err
	} else if clean != e.Path {
		return fmt.Errorf("the path %q is not clean (want %q)", e.Path, clean)
	}
	if e.Mode > maxMode {
		return fmt.Errorf("%q: mode %#o has bits other than permissions", e.Path, e.Mode)
	}
	if e.UID < 0 || e.GID < 0 || e.UID > maxID || e.GID > maxID {
		return fmt.Errorf("%q: owner %d:%d is out of range", e.Path, e.UID, e.GID)
	}
	if err := e.checkType(); err != nil {
		return fmt.Errorf("%q: %w", e.Path, err)
	}
	return e.checkXattrs()
}

func (e *Entry) checkType() error {
	if e.Path == "." && e.Type != Dir {
		return fmt.Errorf("the root is not a directory")
	}
	if e.Type != File && (e.Hard || e.Size != 0 || e.Content != "") {
		return fmt.Errorf("an entry of type %q has content or a hard link", e.Type)
	}
	if e.Type != CharDev && e.Type != BlockDev && (e.Major != 0 || e.Minor != 0) {
		return fmt.Errorf("an entry of type %q has a device number", e.Type)
	}
	switch e.Type {
	case File:
		return e.checkFile()
	case Symlink:
		return checkTarget(e.Link)
	case Dir, CharDev, BlockDev, Fifo:
		if e.Link != "" {
			return fmt.Errorf("an entry of type %q has a link target", e.Type)
		}
		return nil
	}
	return fmt.Errorf("unknown type %q", e.Type)
}

func (e *Entry) checkFile() error {
	if _, err := kiln.ParseDigest(string(e.Content)); err != nil {
		return err
	}
	if e.Size < 0 {
		return fmt.Errorf("size %d is negative", e.Size)
	}
	if (e.Size == 0) != (e.Content == empty) {
		return fmt.Errorf("size %d does not go with content %s", e.Size, e.Content)
	}
	if !e.Hard {
		if e.Link != "" {
			return fmt.Errorf("a file that is no hard link has a link target")
		}
		return nil
	}
	clean, err := CleanPath(e.Link)
	if err != nil {
		return fmt.Errorf("hard link: %w", err)
	}
	if clean != e.Link || clean == e.Path {
		return fmt.Errorf("hard link to %q is not clean", e.Link)
	}
	return nil
}

func checkTarget(target string) error {
	if target == "" || len(target) > maxPath || strings.ContainsRune(target, 0) {
		return fmt.Errorf("bad link target %q", target)
	}
	return nil
}

// maxXattrs bounds the names and values of an entry's extended attributes together,
// in bytes. Linux has the same bound for one value (XATTR_SIZE_MAX) and for the
// list of names (XATTR_LIST_MAX).
const maxXattrs = 64 << 10

func (e *Entry) checkXattrs() error {
	if len(e.Xattrs) == 0 {
		return nil
	}
	size := 0
	for _, name := range sortedKeys(e.Xattrs) {
		if name == "" || len(name) > maxName || strings.ContainsAny(name, "=\x00") {
			return fmt.Errorf("%q: bad name of an extended attribute: %q", e.Path, name)
		}
		size += len(name) + len(e.Xattrs[name])
	}
	if size > maxXattrs {
		return fmt.Errorf("%q: its extended attributes take %d bytes, of %d that they may", e.Path, size, maxXattrs)
	}
	return nil
}
