package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces are those that everything in a sandbox has of its own.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET

// Run carries out a job, and returns when none of its processes is left. A command
// that does not end well gives a *Failed; the end of ctx ends all at once. Root needs no
// user namespace; where it lacks the privilege, as in many a container, and for anyone
// else, there is one, in which the user is root.
func Run(ctx context.Context, j Job) error {
	if j.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, j.Limit, &OverLimit{j.Limit})
		defer cancel()
	}
	var refused *refusedError
	users := !IsRoot()
	err := j.run(ctx, users)
	if !users && errors.As(err, &refused) {
		users = true
		err = j.run(ctx, users)
	}
	if errors.As(err, &refused) {
		return unable(refused.what, refused.err, remedies()...)
	}
	return err
}

// refusedError is the error of what the system does not let the user do.
type refusedError struct {
	what string
	err  error
}

func (e *refusedError) Error() string { return e.what + ": " + e.err.Error() }

// running is a job with its process.
type running struct {
	job     Job
	cmd     *exec.Cmd
	stderr  bytes.Buffer
	orders  *os.File   // write end; its end ends the sandbox
	reports *os.File   // read end
	far     []*os.File // what the process has of these
}

func (j Job) run(ctx context.Context, users bool) error {
	r, err := j.prepare(users)
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = r.cmd.Process.Kill() })
	defer stop()
	err = r.converse(order{Commands: j.Commands, Dir: j.Dir, Env: j.Env, UID: j.UID, GID: j.GID, Users: users, Secrets: j.Secrets})
	if err != nil {
		_ = r.cmd.Process.Kill()
	}
	died := r.cmd.Wait() // the first process of the namespace: none of the others is left
	switch {
	case err == nil && died == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	return fmt.Errorf("the sandbox ended before its commands: %v: %s", died, bytes.TrimSpace(r.stderr.Bytes()))
}

// prepare makes the process, which is not started yet, and the pipes to it.
func (j Job) prepare(users bool) (*running, error) {
	r := &running{job: j, cmd: exec.Command(j.Self[0])}
	orders, near, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	r.orders = near
	near, reports, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, orders.Close(), r.orders.Close())
	}
	r.reports, r.far = near, []*os.File{orders, reports}
	r.cmd.Args = j.Self[1:]
	r.cmd.Dir = j.Root
	r.cmd.Env = []string{"GOMAXPROCS=1"}
	r.cmd.ExtraFiles = r.far
	r.cmd.Stderr = &r.stderr
	attr := &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true}
	if users {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	r.cmd.SysProcAttr = attr
	return r, nil
}

// start starts it. What says that there may be no namespaces is a refusedError.
func (r *running) start() error {
	err := r.cmd.Start()
	for _, f := range r.far {
		f.Close()
	}
	r.far = nil
	if slices.ContainsFunc([]error{unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EINVAL, unix.EUSERS, unix.ENOSYS}, func(e error) bool { return errors.Is(err, e) }) {
		return &refusedError{"the system makes no namespaces", err}
	}
	return err
}

func (r *running) close() {
	for _, f := range append(r.far, r.orders, r.reports) {
		_ = f.Close()
	}
}

// converse hands over what is to be done, and listens until all is.
func (r *running) converse(o order) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	sent := make(chan struct{})
	go func() {
		_, _ = r.orders.Write(text) // where nobody reads it, the reports end
		clear(text)
		close(sent)
	}()
	defer func() { <-sent }()
	return r.listen()
}

// listen takes in reports until one says how it ended.
func (r *running) listen() error {
	in := json.NewDecoder(r.reports)
	for {
		var rep report
		if err := in.Decode(&rep); err != nil {
			return fmt.Errorf("the sandbox says no more: %w", io.ErrUnexpectedEOF)
		}
		switch {
		case rep.Began, rep.Output != nil:
			r.job.Output(rep.Command, rep.Output)
		case rep.Failed != "":
			return &Failed{rep.Command, rep.Failed}
		case rep.Unable != "":
			return &refusedError{rep.Unable, errors.New(rep.Error)}
		case rep.Done:
			return nil
		}
	}
}
