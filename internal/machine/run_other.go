//go:build !linux

package machine

import "syscall"

// bound has a process of its own group not hear what a terminal sends: it is told by kiln. Only Linux ends
// it where kiln is killed.
func bound(own bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: own}
}
