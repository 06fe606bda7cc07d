package shell

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// process is one shell process: a script, or a subshell of one.
type process struct {
	job     *job
	bash    bool   // bash's language and echo, not dash's
	name    string // $0
	file    string // that is read, unless it is the maintainer script itself
	params  []string
	vars    map[string]expand.Variable
	size    int64 // of vars, in bytes
	funcs   map[string]function
	aliases map[string]string
	scopes  []scope // of the functions that run, with what their locals hide
	files   map[int]*file
	dir     string
	umask   uint32
	opts    map[byte]bool // -e, -u...
	traps   map[string]string
	status  int  // $?
	subst   int  // status of the last command substitution of the command being expanded
	broken  bool // it wrote to a pipe that nobody reads
	mild    bool // the fault of a special builtin does not end it
	pid     int
	lastBG  int // $!
	skip    skip
	levels  int // how many loops a break or continue has still to leave
	loops   int // how many loops there are around
	config  *expand.Config
	opt     getopts
}

// function is a shell function and the file that it stands in.
type function struct {
	body *syntax.Stmt
	file string
}

// scope holds the variables that the locals of one function call hide.
type scope map[string]expand.Variable

// skip says that the commands that follow are passed over, and until where.
type skip int

const (
	skipNone skip = iota
	skipBreak
	skipContinue
	skipReturn
	skipExit
)

func newProcess(j *job, s Script) *process {
	p := &process{
		job: j, dir: s.Dir, umask: s.Umask, pid: j.pids, name: s.Path,
		vars: map[string]expand.Variable{}, funcs: map[string]function{}, opts: map[byte]bool{}, traps: map[string]string{}, aliases: map[string]string{},
	}
	if p.dir == "" {
		p.dir = "/"
	}
	p.files = map[int]*file{0: {r: empty{}}, 1: {w: printer{j, j.runner.Stdout}}, 2: {w: printer{j, j.runner.Stderr}}}
	p.start(s.Env)
	return p
}

// start sets the variables of a new process.
func (p *process) start(env map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if syntax.ValidName(name) {
			p.assign(name, expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: env[name]})
		}
	}
	p.set("IFS", " \t\n")
	p.set("OPTIND", "1")
	p.set("PWD", p.dir)
	p.set("PS4", "+ ")
	p.configure()
}

// subshell returns a copy of p as a process of its own.
func (p *process) subshell() *process {
	q := *p
	q.params, q.vars, q.funcs, q.files = slices.Clone(p.params), maps.Clone(p.vars), maps.Clone(p.funcs), maps.Clone(p.files)
	q.opts, q.traps, q.aliases, q.scopes = maps.Clone(p.opts), map[string]string{}, maps.Clone(p.aliases), nil
	for _, s := range p.scopes {
		q.scopes = append(q.scopes, maps.Clone(s))
	}
	q.broken, q.loops, q.skip = false, 0, skipNone
	q.configure()
	return &q
}

// inSubshell runs body in a subshell and returns its exit status.
func (p *process) inSubshell(body func(q *process) int) int {
	if !p.job.enter() {
		return fault
	}
	defer p.job.leave()
	q := p.subshell()
	return q.finish(body(q))
}

// finish ends a process: its EXIT trap runs, and its status is what that leaves.
func (p *process) finish(status int) int {
	if p.skip == skipExit {
		status = p.status
	}
	p.status, p.skip = status, skipNone
	if action, ok := p.traps["EXIT"]; ok && !p.job.stopped() {
		delete(p.traps, "EXIT")
		p.eval(action, false)
		if p.skip != skipExit {
			p.status = status
		}
	}
	if p.broken {
		return sigpipe
	}
	return p.status
}

// Exit statuses of the shell's own.
const (
	fault    = 2   // dash's for its own errors
	noExec   = 126 // found but not to be executed
	notFound = 127
	sigpipe  = 128 + 13
)

// exit makes the process skip to its end.
func (p *process) exit(status int) int {
	p.status, p.skip = status&0xff, skipExit
	return p.status
}

// complain prints an error as dash does.
func (p *process) complain(format string, args ...any) {
	fmt.Fprintf(p.stderr(), "%s: %d: %s\n", p.name, p.job.place.line, fmt.Sprintf(format, args...))
}

// abs returns path as an absolute one. ".." is left for the tree to resolve.
func (p *process) abs(path string) string {
	if strings.HasPrefix(path, "/") || path == "" {
		return path
	}
	return strings.TrimSuffix(p.dir, "/") + "/" + path
}
