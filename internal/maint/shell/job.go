package shell

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// job is what all processes of one Run share.
type job struct {
	expired func() error // of the run's context
	call    func(command.Func, *command.Call) (int, error)
	runner  *Runner
	script  Script
	limits  Limits
	steps   int
	depth   int
	printed int64
	err     error // why the job has to stop
	pids    int
	tasks   scheduler
	place   place
	parsed  map[string]parsed

	patterns map[string]func(string) bool
	statuses map[int]int // of background jobs, by $!
}

// place is where a script is: the line of the maintainer script itself, and the
// file and line that are read, if that is another one.
type place struct {
	line  int
	file  string
	inner int
}

func newJob(ctx context.Context, r *Runner, s Script) *job {
	return &job{
		expired: ctx.Err, call: func(f command.Func, c *command.Call) (int, error) { return f(ctx, c) }, runner: r, script: s, limits: r.Limits.orDefaults(), pids: firstPID, parsed: map[string]parsed{}, patterns: map[string]func(string) bool{}, statuses: map[int]int{},
	}
}

// firstPID is $$ of a maintainer script. No process has it.
const firstPID = 100

// origin is the author of what the script does at a line; 0 stands for none.
func (j *job) origin(line int) tree.Origin {
	name := command.OriginOf(j.script.Package, j.runner.Machine.Arch)
	text := name + "." + j.script.Name
	if line > 0 {
		text = fmt.Sprintf("%s:%d", text, line)
	}
	return tree.Origin{Package: name, Script: text}
}

// at records where the script is.
func (j *job) at(file string, line int) {
	if line == 0 {
		return
	}
	if file != "" {
		j.place.file, j.place.inner = file, line
		return
	}
	if j.runner.Step != nil && line != j.place.line {
		j.runner.Step(line)
	}
	j.place = place{line: line}
	j.runner.Machine.Line = line
	j.runner.FS.Author(j.origin(line))
}

func (j *job) where() string {
	text := fmt.Sprintf("%s's %s", j.script.Package, j.script.Name)
	if j.place.line > 0 {
		text = fmt.Sprintf("%s, line %d", text, j.place.line)
	}
	if j.place.file != "" {
		text = fmt.Sprintf("%s (at %q, line %d)", text, j.place.file, j.place.inner)
	}
	return text
}

// stop ends the job for a reason that no script can handle. The first one counts.
func (j *job) stop(err error) {
	if j.err == nil {
		j.err = err
	}
}

// cannot is an error for what kiln cannot honour at this place.
func (j *job) cannot(format string, args ...any) error {
	return j.problem(kiln.User, fmt.Errorf(format, args...))
}

func (j *job) problem(code kiln.Code, cause error) error {
	name := command.OriginOf(j.script.Package, j.runner.Machine.Arch)
	return &kiln.Error{
		Code: code,
		Text: fmt.Sprintf("cannot honour %s: %v", j.where(), cause),
		Hints: []string{
			fmt.Sprintf("to do without the script, write into the recipe:\nskip:\n  - {package: %s, scripts: [%s], why: ...}", name, j.script.Name),
			fmt.Sprintf("to do without the package, take out what requires it: kiln why RECIPE package:%s tells what does", name),
		},
		Err: cause,
	}
}

// stopped reports whether the job has to stop, and looks for reasons.
func (j *job) stopped() bool {
	if j.err != nil {
		return true
	}
	if err := j.expired(); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = j.cannot("it took longer than it may")
		}
		j.stop(err)
	} else if err := j.runner.FS.Failure(); err != nil {
		j.stop(j.problem(kiln.CodeOf(err), err))
	}
	return j.err != nil
}

// step counts one command or loop turn, and reports whether to go on.
func (j *job) step() bool {
	if j.steps++; j.steps > j.limits.Steps {
		j.stop(j.cannot("it took more than %d steps: it seems to be an endless loop", j.limits.Steps))
	}
	return !j.stopped()
}

// enter counts one level of functions, subshells and scripts in one another.
func (j *job) enter() bool {
	if j.depth++; j.depth > j.limits.Depth {
		j.stop(j.cannot("it calls itself, or nests, more than %d times", j.limits.Depth))
	}
	return !j.stopped()
}

func (j *job) leave() { j.depth-- }

// weigh checks a size in bytes against the memory limit.
func (j *job) weigh(size int64) bool {
	if size > j.limits.Memory {
		j.stop(j.cannot("it holds more than %d bytes in variables, arguments or pipes", j.limits.Memory))
	}
	return j.err == nil
}

// printer passes on what scripts print, within the limit.
type printer struct {
	job *job
	to  io.Writer
}

func (w printer) Write(b []byte) (int, error) {
	if w.job.printed += int64(len(b)); w.job.printed > w.job.limits.Output {
		w.job.stop(w.job.cannot("it printed more than %d bytes", w.job.limits.Output))
		return 0, io.ErrShortWrite
	}
	if w.to == nil {
		return len(b), nil
	}
	return w.to.Write(b)
}

// ended keeps the status of a background job for wait.
func (j *job) ended(pid, status int) { j.statuses[pid] = status }
