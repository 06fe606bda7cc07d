package durable

import "golang.org/x/sys/unix"

// exchange swaps two names in one step: renameatx_np(2).
func exchange(a, b string) error {
	return unix.RenameatxNp(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_SWAP)
}
