package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// child is a command to measure.
type child struct {
	argv []string
	dir  string
	env  []string // besides this process's own
}

// sample is what one run of a child took.
type sample struct {
	Seconds float64 `json:"seconds"` // by the clock on the wall
	CPU     float64 `json:"cpu"`     // seconds of processor time, its children's included
	Peak    int64   `json:"peak"`    // most resident memory of the process itself, in bytes
}

// peakInterval is how often the child is asked for its peak. The kernel keeps the
// peak, so only what is added in a child's last moment can be missed.
const peakInterval = 2 * time.Millisecond

// run runs the child to its end and returns what it wrote to standard output.
func (c child) run(ctx context.Context) (sample, []byte, error) {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that it can be ended with all that it started
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, nil, err
	}
	over, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watchPeak(cmd.Process.Pid, over) }()
	err := cmd.Wait()
	s := sample{Seconds: time.Since(began).Seconds()}
	close(over)
	s.Peak = <-peak
	if err != nil {
		return s, nil, &failure{argv: c.argv, err: err, text: errs.String() + out.String()}
	}
	s.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return s, out.Bytes(), nil
}

// failure is a command that ended badly, with what it said.
type failure struct {
	argv []string
	err  error
	text string
}

func (f *failure) Error() string {
	return fmt.Sprintf("cannot run %s: %v\n%s", strings.Join(f.argv, " "), f.err, f.text)
}

// watchPeak asks the kernel for the peak resident memory of a process until over.
// (What wait4(2) tells is no less than the peak of the parent that forked it.)
func watchPeak(pid int, over <-chan struct{}) int64 {
	var peak int64
	path := fmt.Sprintf("/proc/%d/status", pid)
	for {
		if data, err := os.ReadFile(path); err == nil {
			peak = max(peak, highWater(data))
		}
		select {
		case <-over:
			return peak
		case <-time.After(peakInterval):
		}
	}
}

// highWater reads VmHWM of /proc/PID/status (proc(5)), in bytes; 0 where it is not there.
func highWater(status []byte) int64 {
	_, rest, ok := bytes.Cut(status, []byte("\nVmHWM:"))
	if !ok {
		return 0
	}
	fields := strings.Fields(string(rest[:min(len(rest), 64)]))
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// confined is argv with mounts of its own, where it is root that could make others:
// what a peer mounts below its root must not be met by those who remove that.
func confined(argv ...string) []string {
	if os.Getuid() != 0 {
		return argv
	}
	return append([]string{"unshare", "--mount"}, argv...)
}

// settle has the kernel write what earlier runs left to write, so that no run pays
// for another.
func settle() { syscall.Sync() }
