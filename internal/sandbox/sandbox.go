// Package sandbox runs commands in a folder that is a whole root file system, apart
// from the machine: with users, mounts, processes, IPC, a host name and a network of
// their own (namespaces(7)), the network being none; with few devices, no privilege
// that reaches outside, and an environment that says nothing of the machine.
//
// Run starts its own program a second time, as the first process of the sandbox: a
// command of that program calls Init. What is to be done, secrets among it, comes to
// that through a pipe, and stands in no argument and no variable.
//
// What it does not hide, since Linux has no namespace of it: the kernel's release, the
// kind and number of processors, the time. What it does not do, since one user number is
// all that an ordinary user has: files of several owners.
package sandbox

import (
	"fmt"
	"time"

	"kiln"
)

// Job is what is to be done in a sandbox.
type Job struct {
	Self     []string  // a program as exec takes it, and its arguments from the name on, that calls Init
	Root     string    // folder that becomes the root; what is missing of /dev, /proc, /run and /tmp is made in it
	Commands []Command // in order; the first that fails ends it
	Dir      string    // absolute path in Root, made where it is not there
	Env      []string  // "NAME=value", all of it
	UID, GID int       // of who runs the commands, and owns all in Root
	Secrets  []Secret
	Limit    time.Duration                  // of all commands together; zero: none
	Output   func(command int, text []byte) // is told that a command begins, with no text, and then what it prints, on either stream
}

// Command is one command.
type Command []string

// Secret is a file below SecretDir while the commands run, in memory only.
type Secret struct {
	ID    string
	Value []byte
}

// SecretDir is where the secrets stand.
const SecretDir = "/run/secrets"

// HostName is the host's name in each sandbox.
const HostName = "kiln"

// Failed is the error of a command that did not end well.
type Failed struct {
	Command int    // its number
	How     string // "exit status 2", "signal: killed"
}

func (e *Failed) Error() string { return fmt.Sprintf("command %d: %s", e.Command, e.How) }

// OverLimit is the error of commands that took too long.
type OverLimit struct{ Limit time.Duration }

func (e *OverLimit) Error() string { return fmt.Sprintf("the commands took longer than %s", e.Limit) }

// unable is the error of a system that lets nobody have a sandbox.
func unable(what string, err error, hints ...string) error {
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot run commands apart from this machine: %s: %v", what, err),
		Hints: hints, Err: err,
	}
}

// order is a Job as Init reads it.
type order struct {
	Commands []Command `json:"commands"`
	Dir      string    `json:"dir"`
	Env      []string  `json:"env"`
	UID      int       `json:"uid"`
	GID      int       `json:"gid"`
	Users    bool      `json:"users"` // in a user namespace
	Secrets  []Secret  `json:"secrets"`
}

// report is a line that Init answers with.
type report struct {
	Command int    `json:"command"`
	Began   bool   `json:"began,omitempty"`  // the command
	Output  []byte `json:"output,omitempty"` // of the command
	Failed  string `json:"failed,omitempty"` // how the command ended
	Unable  string `json:"unable,omitempty"` // what of the sandbox could not be made
	Error   string `json:"error,omitempty"`  // and why
	Done    bool   `json:"done,omitempty"`
}
