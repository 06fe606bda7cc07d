package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Files of the first process, as Run opens them.
const (
	ordersFD  = 3
	reportsFD = 4
)

// Init is the first process of a sandbox, from the beginning to the end. It returns
// the status to exit with. A process that Run did not start has nothing to call it for.
func Init() int {
	runtime.LockOSThread() // capabilities and no_new_privs are a thread's
	if err := keepFiles(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot keep open files to itself:", err)
		return 1
	}
	orders := os.NewFile(ordersFD, "orders")
	s := &first{reports: json.NewEncoder(os.NewFile(reportsFD, "reports"))}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "this command is kiln's own: it is not the first process of a sandbox")
		return 2
	}
	in := json.NewDecoder(orders)
	if err := in.Decode(&s.order); err != nil {
		fmt.Fprintln(os.Stderr, "cannot read what is to be done:", err)
		return 1
	}
	go func() { // where Run's process ends, however it does, so does all here
		_, _ = io.Copy(io.Discard, orders)
		os.Exit(1)
	}()
	var unable *unableError
	switch err := s.work(); {
	case errors.As(err, &unable):
		s.tell(report{Unable: unable.what, Error: unable.err.Error()})
	case err != nil:
		s.tell(report{Command: s.current, Failed: err.Error()})
	default:
		s.tell(report{Done: true})
	}
	return 0
}

// keepFiles keeps all open files from commands: the pipes to Run, and whatever kiln
// itself was started with, through which a command could reach out of the sandbox.
func keepFiles() error {
	err := unix.CloseRange(ordersFD, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	list, err := os.ReadDir("/proc/self/fd") // a kernel before 5.11
	for _, d := range list {
		if fd, err := strconv.Atoi(d.Name()); err == nil && fd >= ordersFD {
			syscall.CloseOnExec(fd)
		}
	}
	return err
}

// first is the first process.
type first struct {
	order   order
	current int // number of the command that runs

	mu      sync.Mutex
	reports *json.Encoder
}

func (s *first) tell(r report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.reports.Encode(r) // where nobody listens, nobody misses it
}

// unableError is the error of a part of the sandbox that cannot be made.
type unableError struct {
	what string
	err  error
}

func (e *unableError) Error() string { return e.what + ": " + e.err.Error() }

func (s *first) work() error {
	if err := s.makeRoot(); err != nil {
		return err
	}
	if err := s.confine(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.order.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder %q: %w", s.order.Dir, err)
	}
	if s.order.UID != 0 && !s.order.Users {
		_ = os.Lchown(s.order.Dir, s.order.UID, s.order.GID)
	}
	for i, c := range s.order.Commands {
		s.current = i
		s.tell(report{Command: i, Began: true})
		if err := s.command(c); err != nil {
			return err
		}
	}
	return nil
}

// command runs one command, and ends all that it leaves running.
func (s *first) command(c Command) error {
	program, err := s.find(c[0])
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	attr := &syscall.ProcAttr{Dir: s.order.Dir, Env: s.order.Env, Files: []uintptr{null.Fd(), in.Fd(), in.Fd()}, Sys: s.identity()}
	pid, err := syscall.ForkExec(program, c, attr)
	in.Close()
	if err != nil {
		out.Close()
		return fmt.Errorf("cannot start %q: %w", c[0], err)
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		s.relay(out)
	}()
	status := reap(pid)
	_ = unix.Kill(-1, unix.SIGKILL) // in this namespace, but for this process
	reap(-1)
	<-copied
	out.Close()
	switch {
	case status.Signaled():
		return fmt.Errorf("signal: %v", status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}

// identity is what makes the process another user's: in a user namespace, where there
// is one user only, a namespace below in which that has the number.
func (s *first) identity() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	switch {
	case s.order.UID == 0:
	case s.order.Users:
		attr.Cloneflags = unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: s.order.UID, HostID: 0, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: s.order.GID, HostID: 0, Size: 1}}
	default:
		attr.Credential = &syscall.Credential{Uid: uint32(s.order.UID), Gid: uint32(s.order.GID)}
	}
	return attr
}

// relay tells what a command prints.
func (s *first) relay(out *os.File) {
	buf := make([]byte, 32<<10)
	for {
		n, err := out.Read(buf)
		if n > 0 {
			s.tell(report{Command: s.current, Output: buf[:n]})
		}
		if err != nil {
			return
		}
	}
}

// reap waits for a process and takes in all others that end before it; -1: for all
// that there are.
func reap(pid int) unix.WaitStatus {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil: // none is left
			return status
		case got == pid:
			return status
		}
	}
}

// find finds a program as execvp(3) does.
func (s *first) find(name string) (string, error) {
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		candidates = nil
		for _, v := range s.order.Env {
			if list, ok := strings.CutPrefix(v, "PATH="); ok {
				for _, dir := range filepath.SplitList(list) {
					candidates = append(candidates, filepath.Join(dir, name))
				}
			}
		}
	}
	shut := ""
	for _, p := range candidates {
		if !filepath.IsAbs(p) {
			p = filepath.Join(s.order.Dir, p)
		}
		switch info, err := os.Stat(p); {
		case err != nil || !info.Mode().IsRegular():
		case info.Mode()&0o111 != 0:
			return p, nil
		case shut == "":
			shut = p
		}
	}
	if shut != "" {
		return "", fmt.Errorf("%s may not be executed: give it mode: \"0755\"", shut)
	}
	return "", fmt.Errorf("there is no program %q: is its package among the stage's?", name)
}
