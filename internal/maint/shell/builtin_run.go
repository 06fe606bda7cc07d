package shell

import (
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"

	"kiln/internal/tree"
)

type variable = expand.Variable

// dot is "." and source.
func (p *process) dot(args []string, _ bool) int {
	if len(args) > 1 && args[1] == "--" {
		args = args[1:]
	}
	if len(args) < 2 {
		return p.wrong(true, "%s: missing operand", args[0])
	}
	name := args[1]
	text, err := p.sourceText(name)
	if err != nil {
		return p.wrong(true, ".: cannot open %s: %s", name, reason(err))
	}
	file, err := p.parse(text, name)
	if err != nil {
		p.job.stop(p.job.cannot("it reads %q, which cannot be parsed: %v", name, err))
		return fault
	}
	if !p.job.enter() {
		return fault
	}
	defer p.job.leave()
	params, reading, place, loops := p.params, p.file, p.job.place, p.loops
	mild := p.mild
	p.mild = false
	defer func() { p.mild = mild }()
	if p.bash && len(args) > 2 {
		p.params = args[2:]
	}
	p.file, p.loops = name, 0
	p.status = 0
	status := p.statements(file.Stmts, false)
	p.file, p.loops = reading, loops
	if p.bash && len(args) > 2 {
		p.params = params
	}
	p.back(place)
	if p.skip == skipReturn {
		p.skip = skipNone
		return p.status
	}
	return status
}

// sourceText returns what "." reads: by PATH where the name has no slash, where
// dash does not look into the working directory.
func (p *process) sourceText(name string) (string, error) {
	full := p.abs(name)
	if !strings.Contains(name, "/") {
		for dir := range strings.SplitSeq(p.vars["PATH"].String(), ":") {
			info, err := p.job.runner.FS.Stat(path.Join(p.abs(dir), name))
			if err == nil && info.Kind() == tree.File {
				full = path.Join(p.abs(dir), name)
				break
			}
		}
	}
	if text, ok := p.job.runner.Source[path.Clean(full)]; ok {
		return text, nil
	}
	if n, ok := descriptor(path.Clean(full)); ok {
		b, err := io.ReadAll(io.LimitReader(p.files[n], p.job.limits.Memory))
		return string(b), err
	}
	b, err := p.job.runner.FS.ReadFile(full)
	return string(b), err
}

// commandArgs is command.
func (p *process) commandArgs(args []string, tested bool) int {
	args = args[1:]
	verbose := byte(0)
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		o := args[0]
		args = args[1:]
		if o == "--" {
			break
		}
		for _, c := range []byte(o[1:]) {
			if c != 'v' && c != 'V' && c != 'p' {
				return p.wrong(false, "command: Illegal option -%c", c)
			}
			if c != 'p' {
				verbose = c
			}
		}
	}
	switch {
	case len(args) == 0:
		return 0
	case verbose == 'v' && !p.bash:
		return p.which(args[:1]) // dash looks at one name only
	case verbose == 'v':
		return p.which(args)
	case verbose == 'V':
		return p.typeOf(append([]string{"type"}, args...), tested)
	}
	if b := builtinOf(args); b.run != nil {
		mild := p.mild
		p.mild = true // behind "command", a fault of a special builtin is no end
		defer func() { p.mild = mild }()
		return b.run(p, args, tested)
	}
	return p.external(args, p.exported(), p.dir)
}

// which is command -v.
func (p *process) which(names []string) int {
	status := 0
	for _, name := range names {
		text, _, ok := p.describe(name)
		if !ok {
			status = notFound
			continue
		}
		fmt.Fprintln(p.stdout(), text)
	}
	return status
}

// describe says what a name calls. Only what the tree holds counts, whatever the
// table could do: scripts ask to learn what is installed.
func (p *process) describe(name string) (text, kind string, ok bool) {
	if builtinOf([]string{name}).special {
		return name, "a special shell builtin", true
	}
	if _, ok := p.funcs[name]; ok {
		return name, "a shell function", true
	}
	if keyword(name) {
		return name, "a shell keyword", true
	}
	if builtinOf([]string{name}).run != nil {
		return name, "a shell builtin", true
	}
	full, err := p.find(name, p.dir, p.exported())
	return full, full, err == nil
}

func keyword(name string) bool {
	switch name {
	case "!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while":
		return true
	}
	return false
}

func (p *process) typeOf(args []string, _ bool) int {
	status := 0
	for _, name := range args[1:] {
		_, kind, ok := p.describe(name)
		if !ok {
			fmt.Fprintf(p.stdout(), "%s: not found\n", name)
			status = notFound
			continue
		}
		fmt.Fprintf(p.stdout(), "%s is %s\n", name, kind)
	}
	return status
}

// cd is cd. The working directory is kept as it was written, as POSIX has it.
func (p *process) cd(args []string, _ bool) int {
	args = args[1:]
	physical := false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		if args[0] != "--" && args[0] != "-P" && args[0] != "-L" {
			return p.wrong(false, "cd: Illegal option %s", args[0])
		}
		physical = args[0] == "-P"
		args = args[1:]
	}
	to := p.vars["HOME"].String()
	if len(args) > 0 {
		to = args[0]
	}
	shown := to == "-"
	if shown {
		to = p.vars["OLDPWD"].String()
	}
	if to == "" {
		to = p.dir
	}
	full := p.abs(to)
	if physical {
		full, _ = p.job.runner.FS.Resolve(full)
	}
	full = path.Clean(full)
	info, err := p.job.runner.FS.Stat(full)
	if err != nil || !info.IsDir() {
		return p.wrong(false, "cd: can't cd to %s", to)
	}
	p.set("OLDPWD", p.dir)
	p.dir = full
	p.set("PWD", full)
	if shown {
		fmt.Fprintln(p.stdout(), full)
	}
	return 0
}

func (p *process) pwd(args []string, _ bool) int {
	dir := p.dir
	if len(args) > 1 && args[1] == "-P" {
		dir, _ = p.job.runner.FS.Resolve(dir)
	}
	if _, err := fmt.Fprintln(p.stdout(), dir); err != nil {
		return 1
	}
	return 0
}

// wait returns the status of background jobs, which have all ended.
func (p *process) wait(args []string, _ bool) int {
	status := 0
	for _, a := range args[1:] {
		n, err := strconv.Atoi(strings.TrimPrefix(a, "%"))
		s, known := p.job.statuses[n]
		if err != nil || !known {
			status = notFound
			continue
		}
		status = s
	}
	return status
}
