package rootfs

import "kiln/internal/maint/vfs"

func (a *assembly) answers() map[string]string { return nil }

func (a *assembly) enables(unit string) bool { return false }

func (a *assembly) enableUnits(fs *vfs.FS) error { return nil }
