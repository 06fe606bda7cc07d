package shell

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// defaultPath is dpkg's, where a script has none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// find returns where a command is in the tree. The error wraps fs.ErrNotExist or
// fs.ErrPermission.
func (p *process) find(name, dir string, env map[string]string) (string, error) {
	if strings.Contains(name, "/") {
		if !strings.HasPrefix(name, "/") {
			name = strings.TrimSuffix(dir, "/") + "/" + name
		}
		return name, p.executable(name)
	}
	list, ok := env["PATH"]
	if !ok {
		list = defaultPath
	}
	for in := range strings.SplitSeq(list, ":") {
		if !strings.HasPrefix(in, "/") {
			in = path.Join(dir, in)
		}
		if full := strings.TrimSuffix(in, "/") + "/" + name; name != "" && p.executable(full) == nil {
			return full, nil
		}
	}
	return "", fs.ErrNotExist
}

func (p *process) executable(name string) error {
	info, err := p.job.runner.FS.Stat(name)
	if err != nil {
		return err
	}
	if info.Kind() != tree.File || info.Perm()&0o111 == 0 {
		return fs.ErrPermission
	}
	return nil
}

// isTalk tells whether the command stands for a talk with a process that there is
// not, as in the text of debconf's confmodule: it is in no tree.
func isTalk(name string) bool { return strings.HasPrefix(name, "_debconf_") }

// external runs a command that is neither a function nor a builtin.
func (p *process) external(args []string, env map[string]string, dir string) int {
	if !p.job.enter() {
		return fault
	}
	defer p.job.leave()
	full, err := p.find(args[0], dir, env)
	name := path.Base(args[0])
	switch {
	case errors.Is(err, fs.ErrPermission):
		p.complain("%s: Permission denied", args[0])
		return noExec
	case err != nil && !(inBin(args[0]) && (essential(name) || isTalk(name))):
		p.complain("%s: not found", args[0])
		return notFound
	}
	isShell := name == "sh" || name == "dash" || name == "bash"
	if isShell && inBin(args[0]) {
		return p.invokeShell(name == "bash", args[1:], env, dir)
	}
	if err != nil {
		full = "/usr/bin/" + name
	}
	return p.program(full, name, args, env, dir)
}

// program serves a command from the table, or interprets it if it is a script.
// Outside of the folders for commands a script goes first: its name is its own.
func (p *process) program(full, name string, args []string, env map[string]string, dir string) int {
	f, known := p.job.runner.Table[name]
	if known && inBin(full) {
		return p.serve(f, name, args, env, dir)
	}
	source, isScript := p.scriptAt(full)
	interpreter, err := interpreterOf(source)
	switch {
	case isScript && err == nil:
		q := p.child(env, dir)
		q.bash, q.file = interpreter.bash, full
		return q.script(interpreter, args[0], source, args[1:])
	case known:
		return p.serve(f, name, args, env, dir)
	case isScript:
		p.job.stop(p.job.cannot("it calls %q: %v", full, err))
	default:
		p.job.stop(p.job.cannot("it calls %q, which is a program that kiln has no function for (%s)", full, shown(args)))
	}
	return fault
}

// serve calls a function of the table.
func (p *process) serve(f command.Func, name string, args []string, env map[string]string, dir string) int {
	j := p.job
	c := &command.Call{
		Name: name, Args: slices.Clone(args[1:]), Stdin: p.stdin(), Stdout: p.stdout(), Stderr: p.stderr(),
		Dir: dir, Env: maps.Clone(env), Umask: p.umask, FS: j.runner.FS, Machine: j.runner.Machine,
	}
	c.Exec = p.exec(c)
	status, err := j.call(f, c)
	if err != nil && j.expired() == nil && j.err == nil {
		j.stop(j.commandProblem(args, err))
	}
	if j.stopped() {
		return fault
	}
	return status & 0xff
}

// commandProblem is an error of a command: one that does not name it gets its name.
func (j *job) commandProblem(args []string, err error) error {
	var named *kiln.Error
	if !errors.As(err, &named) {
		err = fmt.Errorf("the command %q: %w", shown(args), err)
	}
	return j.problem(kiln.CodeOf(err), err)
}

// shown is a command for a message, cut short.
func shown(args []string) string {
	text := strings.Join(args, " ")
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return text
}

// child returns a process that is to become another program.
func (p *process) child(env map[string]string, dir string) *process {
	q := newProcess(p.job, Script{Dir: dir, Umask: p.umask, Env: env})
	q.files = maps.Clone(p.files)
	return q
}

// scriptAt returns the text of a file that begins with "#!".
func (p *process) scriptAt(full string) ([]byte, bool) {
	r, err := p.job.runner.FS.OpenFile(full, os.O_RDONLY, 0)
	if err != nil {
		return nil, false
	}
	defer r.Close()
	var start [2]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:]) != "#!" {
		return nil, false
	}
	rest, err := io.ReadAll(r)
	return append(start[:], rest...), err == nil
}

// inBin reports whether name is a bare command, or one in a folder for commands.
func inBin(name string) bool {
	switch path.Dir(path.Clean(name)) {
	case ".":
		return !strings.Contains(name, "/")
	case "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin":
		return true
	}
	return false
}

// interpreter is what a script asks for in its first line.
type interpreter struct {
	bash    bool
	options []string // "-e"
}

// interpreterOf reads the "#!" line. A script without one is the shell's.
func interpreterOf(source []byte) (interpreter, error) {
	line, _, _ := bytes.Cut(source, []byte("\n"))
	text, ok := strings.CutPrefix(string(line), "#!")
	if !ok {
		return interpreter{}, nil
	}
	words := strings.Fields(text)
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = words[1:]
	}
	if len(words) > 0 {
		switch path.Base(words[0]) {
		case "sh", "dash":
			return interpreter{options: words[1:]}, nil
		case "bash":
			return interpreter{bash: true, options: words[1:]}, nil
		}
	}
	return interpreter{}, fmt.Errorf("it is written for %q, and kiln interprets only sh, dash and bash", strings.TrimSpace(text))
}
