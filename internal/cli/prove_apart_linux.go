package cli

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// apart starts a process with a host name and a network of its own. Root needs no
// user namespace for that; anyone else does, and is root in it.
func apart() starter {
	if os.Geteuid() == 0 {
		return starter{start: startInNewThread}
	}
	return starter{setsName: secondHostName, start: func(cmd *exec.Cmd) error {
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWUTS | unix.CLONE_NEWNET
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		if err := cmd.Start(); err != nil {
			return &notApart{err}
		}
		return nil
	}}
}

// startInNewThread starts a process from a thread with a host name and a network of
// its own, which it inherits. The thread ends with that: it is never unlocked.
func startInNewThread(cmd *exec.Cmd) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWUTS | unix.CLONE_NEWNET)
		if err == nil {
			err = unix.Sethostname([]byte(secondHostName))
		}
		if err == nil {
			err = cmd.Start()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return &notApart{err}
	}
	return nil
}

// setHostName sets the host name of the namespace that the process is in.
func setHostName(name string) error { return unix.Sethostname([]byte(name)) }
