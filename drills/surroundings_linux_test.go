package drills_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// lockedIn makes a command one that runs where nobody can make a user namespace,
// itself and what it starts: in one of its own, in which their number is limited to
// none. Where the machine lets nobody make any, it is so already. Only root can.
func lockedIn(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 || !mayMakeNamespaces(t) {
		return
	}
	cmd.Args = append([]string{"sh", "-c", `echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"`, "sh", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.SysProcAttr = namespaced()
}

// namespaced are the attributes of a process that is root of a user namespace with the
// same users as outside.
func namespaced() *syscall.SysProcAttr {
	all := []syscall.SysProcIDMap{{Size: 65536}}
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true}
}

// mayMakeNamespaces tells whether a process of the machine may make a user namespace.
func mayMakeNamespaces(t *testing.T) bool {
	t.Helper()
	cmd := exec.Command("true")
	cmd.SysProcAttr = namespaced()
	err := cmd.Run()
	if err != nil && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EINVAL) {
		t.Fatal(err)
	}
	return err == nil
}

// Who is locked in cannot make a user namespace, whether root or not.
func TestLockedIn(t *testing.T) {
	real(t)
	for _, as := range []string{"", "setpriv --reuid=65534 --clear-groups "} {
		cmd := exec.Command("sh", "-c", as+"unshare --user true")
		lockedIn(t, cmd)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "unshare") {
			t.Errorf("%sunshare --user: %v: %s", as, err, out)
		}
	}
}

// fileSystem names the kind of file system that a folder is on, as statfs(2) numbers it.
func fileSystem(t *testing.T, dir string) string {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	const ofTmpfs = 0x01021994
	if s.Type == ofTmpfs {
		return "tmpfs"
	}
	return "disk"
}
