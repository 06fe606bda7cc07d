// Package shell runs maintainer scripts as dash would (and, where they ask for
// it, as bash would), inside a vfs.FS. It parses and expands with mvdan.cc/sh and
// evaluates by itself, because three things matter here that a general
// interpreter need not have: "set -e" exactly as dash applies it, file
// descriptors above 2, and pipelines whose stages take turns in a fixed order.
//
// It has no way out: files are those of the FS, commands are Go functions of a
// table, nothing is executed. What it cannot honour is a *kiln.Error that names
// script, line and command; so are its limits on steps, depth, memory and output.
//
// Followed: POSIX.1-2024 Shell Command Language, and dash(1) where that differs.
package shell

import (
	"context"
	"io"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
)

// Runner runs scripts over one file system. It is not safe for concurrent use.
type Runner struct {
	FS      *vfs.FS
	Machine *command.Machine
	Table   map[string]command.Func // by name, as in Debian
	// Source replaces files that a script reads with ".": absolute path to text.
	// It is for what talks to a process that there is not, such as debconf's
	// confmodule.
	Source map[string]string
	Stdout io.Writer // of the scripts; nil drops it
	Stderr io.Writer // of the scripts; nil drops it
	Limits Limits
	Step   func(line int) // called when the script comes to a line; may be nil
}

// Limits bound one Run. A zero field means its default.
type Limits struct {
	Steps  int   // commands and loop turns; 2,000,000
	Depth  int   // functions, subshells and scripts in one another; 200
	Memory int64 // bytes that variables, arguments and pipes of one command hold; 64 MiB
	Output int64 // bytes printed; 16 MiB
}

func (l Limits) orDefaults() Limits {
	if l.Steps == 0 {
		l.Steps = 2_000_000
	}
	if l.Depth == 0 {
		l.Depth = 200
	}
	if l.Memory == 0 {
		l.Memory = 64 << 20
	}
	if l.Output == 0 {
		l.Output = 16 << 20
	}
	return l
}

// Script is one script to run.
type Script struct {
	Package string // as in Machine.Package: "libc6"
	Name    string // "postinst"
	Path    string // $0, as dpkg would call it
	Source  []byte
	Args    []string
	Env     map[string]string
	Dir     string // working directory; empty means /
	Umask   uint32
}

// Run interprets s and returns its exit status. The error is for what kiln cannot
// honour, for a limit, or for ctx's end; the file system is then in between.
func (r *Runner) Run(ctx context.Context, s Script) (int, error) {
	job := newJob(ctx, r, s)
	r.Machine.Package, r.Machine.Script, r.Machine.Line = s.Package, s.Name, 0
	defer r.FS.Author(r.FS.Author(job.origin(0)))
	interpreter, err := interpreterOf(s.Source)
	if err != nil {
		return 0, job.cannot("%v", err)
	}
	p := newProcess(job, s)
	p.bash = interpreter.bash
	status := p.script(interpreter, s.Path, s.Source, s.Args)
	return status, job.err
}
