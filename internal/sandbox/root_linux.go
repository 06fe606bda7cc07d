package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makeRoot makes the folder that the process stands in its root, with what commands
// expect of a system: devices that hold nothing of the machine, processes, memory for
// temporary files. What stood above is out of reach then.
func (s *first) makeRoot() error {
	root, err := os.Getwd()
	if err != nil {
		return &unableError{"cannot find the root", err}
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"cannot keep mounts to itself", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"cannot mount the root", func() error { return mountRoot(root) }},
		{"cannot make the devices", devices},
		{"cannot mount /proc", processes},
		{"cannot mount /tmp", func() error { return memory("tmp", "mode=1777") }},
		{"cannot mount /run", func() error { return memory("run", "mode=0755") }},
		{"cannot make the secrets' folder", s.secrets},
		{"cannot change the root", changeRoot},
	} {
		if err := step.do(); err != nil {
			return &unableError{step.what, err}
		}
	}
	return nil
}

// mountRoot makes root a mount of its own, in which no program has a privilege of its
// file and no file is a device, and goes there.
func mountRoot(root string) error {
	if err := unix.Mount(root, root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := unix.Chdir(root); err != nil {
		return err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(".", &st); err != nil {
		return err
	}
	if st.Flags&unix.ST_NOEXEC != 0 {
		return errors.New("the store's file system is mounted noexec: take another store, with --store")
	}
	locked := uintptr(st.Flags) & (unix.MS_NOEXEC | unix.MS_NOSUID | unix.MS_NODEV) // what may not be taken away
	return unix.Mount("", ".", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOSUID|unix.MS_NODEV|locked, "")
}

// folder makes a folder of the root. One that leads elsewhere is refused.
func folder(name string) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.Mkdir(name, 0o755)
	case err == nil && !info.IsDir():
		return errors.New("/" + name + " is no folder in the tree")
	}
	return err
}

func memory(name, options string) error {
	if err := folder(name); err != nil {
		return err
	}
	return unix.Mount("tmpfs", name, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options)
}

// devices makes /dev, with the host's devices that hold nothing.
func devices() error {
	if err := folder("dev"); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "dev", "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		at := filepath.Join("dev", name)
		f, err := os.OpenFile(at, os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return err
		}
		f.Close()
		if err := unix.Mount("/dev/"+name, at, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(to, filepath.Join("dev", name)); err != nil {
			return err
		}
	}
	if err := os.Mkdir("dev/shm", 0o777); err != nil {
		return err
	}
	return os.Chmod("dev/shm", 0o777|os.ModeSticky)
}

// processes mounts /proc, without what root could change of the machine there, or read.
func processes() error {
	if err := folder("proc"); err != nil {
		return err
	}
	if err := unix.Mount("proc", "proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	for _, name := range []string{"sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"} {
		at := filepath.Join("proc", name)
		err := unix.Mount(at, at, "", unix.MS_BIND|unix.MS_REC, "")
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err == nil {
			err = unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		}
		if err != nil {
			return err
		}
	}
	for _, name := range []string{"kcore", "keys", "timer_list", "kmsg", "kallsyms"} {
		if err := unix.Mount("/dev/null", filepath.Join("proc", name), "", unix.MS_BIND, ""); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// secrets writes the secrets to memory, for the user of the commands alone.
func (s *first) secrets() error {
	if len(s.order.Secrets) == 0 {
		return nil
	}
	dir := SecretDir[1:]
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	paths := []string{dir}
	for _, secret := range s.order.Secrets {
		p := filepath.Join(dir, secret.ID)
		if err := os.WriteFile(p, secret.Value, 0o400); err != nil {
			return err
		}
		clear(secret.Value)
		paths = append(paths, p)
	}
	for _, p := range paths {
		if s.order.Users {
			break // there is one user only
		}
		if err := os.Lchown(p, s.order.UID, s.order.GID); err != nil {
			return err
		}
	}
	return nil
}

// changeRoot makes the working directory the root. Where the machine's root cannot be
// put away, since it is the kernel's first one, it is covered.
func changeRoot() error {
	err := unix.PivotRoot(".", ".")
	switch {
	case err == nil:
		err = unix.Unmount(".", unix.MNT_DETACH)
	case errors.Is(err, unix.EINVAL):
		if err = unix.Mount(".", "/", "", unix.MS_MOVE, ""); err == nil {
			err = unix.Chroot(".")
		}
	}
	if err != nil {
		return err
	}
	return unix.Chdir("/")
}
