package machine

import "syscall"

// bound has a process end when the thread does that started it. One of its own group does not hear
// what a terminal sends: it is told by kiln.
func bound(own bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: own}
}
