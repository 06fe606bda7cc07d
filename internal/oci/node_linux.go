package oci

import (
	"golang.org/x/sys/unix"

	"kiln/internal/tree"
)

// makeNode makes the device or fifo e as name in the open folder dir: mknodat(2).
func makeNode(dir int, name string, e tree.Entry) error {
	switch e.Type {
	case tree.CharDev:
		return unix.Mknodat(dir, name, unix.S_IFCHR|0o600, int(unix.Mkdev(e.Major, e.Minor)))
	case tree.BlockDev:
		return unix.Mknodat(dir, name, unix.S_IFBLK|0o600, int(unix.Mkdev(e.Major, e.Minor)))
	default:
		return unix.Mknodat(dir, name, unix.S_IFIFO|0o600, 0)
	}
}
