package sandbox

import (
	"errors"

	"golang.org/x/sys/unix"
)

// keptCapabilities are those of root in a sandbox: what root does with its own files.
// Others are of no use in a user namespace of one user, or reach outside where there is
// none; a command finds the same in both.
var keptCapabilities = []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID}

// confine sets what is the same for every command, and takes away what none may have.
func (s *first) confine() error {
	unix.Umask(0o022)
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"cannot set the host name", func() error {
			if err := unix.Sethostname([]byte(HostName)); err != nil {
				return err
			}
			return unix.Setdomainname([]byte("(none)"))
		}},
		{"cannot set limits", limits},
		{"cannot drop capabilities", dropCapabilities},
		{"cannot give up new privileges", func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }},
	} {
		if err := step.do(); err != nil {
			return &unableError{step.what, err}
		}
	}
	return nil
}

// limits sets the limits that commands ask for or run into, the same everywhere so far
// as the machine's own allow.
func limits() error {
	for _, l := range []struct {
		resource   int
		soft, hard uint64
	}{
		{unix.RLIMIT_CORE, 0, 0},
		{unix.RLIMIT_STACK, 8 << 20, unix.RLIM_INFINITY},
		{unix.RLIMIT_NOFILE, 1024, 4096},
	} {
		var now unix.Rlimit
		if err := unix.Getrlimit(l.resource, &now); err != nil {
			return err
		}
		hard := min(l.hard, now.Max)
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: min(l.soft, hard), Max: hard}); err != nil {
			return err
		}
	}
	return nil
}

// dropCapabilities leaves what a command can have to keptCapabilities. This process
// keeps its own: it ends what others leave running, and no command may look into it.
func dropCapabilities() error {
	kept := map[uintptr]bool{}
	for _, c := range keptCapabilities {
		kept[c] = true
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if kept[c] {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return err // EINVAL: an older kernel does not know it
		}
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // older kernels have none
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	return unix.Capset(&header, &data[0])
}
