package shell

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// arithmetic evaluates an expression.
func (p *process) arithmetic(e syntax.ArithmExpr) int {
	n, err := expand.Arithm(p.config, e)
	p.expandError(err)
	return n
}

// expandError prints err, if any, and ends the process, as dash does for every
// error of expansion.
func (p *process) expandError(err error) {
	if err == nil || p.job.err != nil || p.skip == skipExit {
		return
	}
	var unset expand.UnsetParameterError
	if errors.As(err, &unset) {
		p.complain("%s: %s", unset.Node.Param.Value, unset.Message)
	} else {
		p.complain("%v", err)
	}
	p.exit(fault)
}

// substitute is $(...) and `...`.
func (p *process) substitute(w io.Writer, c *syntax.CmdSubst) error {
	if c.TempFile || c.ReplyVar {
		return p.unsupported(errors.New("it uses a substitution ${ ...; }, which neither dash nor bash 5.2 has"))
	}
	var out bytes.Buffer
	place := p.job.place
	p.subst = p.inSubshell(func(q *process) int {
		q.files[1] = &file{w: limited{p.job, &out}}
		if name, ok := onlyFile(c); ok && p.bash {
			return q.copyFile(name)
		}
		return q.list(c.Stmts, false)
	})
	p.back(place)
	if p.job.err != nil {
		return p.job.err
	}
	// A shell's variables hold no NUL bytes.
	_, err := w.Write(bytes.ReplaceAll(out.Bytes(), []byte{0}, nil))
	return err
}

// back returns to where the script was before a substitution.
func (p *process) back(place place) {
	p.job.place = place
	p.job.runner.Machine.Line = place.line
	p.job.runner.FS.Author(p.job.origin(place.line))
}

// onlyFile recognises bash's $(<file).
func onlyFile(c *syntax.CmdSubst) (*syntax.Word, bool) {
	if len(c.Stmts) != 1 || c.Stmts[0].Cmd != nil || len(c.Stmts[0].Redirs) != 1 || c.Stmts[0].Redirs[0].Op != syntax.RdrIn {
		return nil, false
	}
	return c.Stmts[0].Redirs[0].Word, true
}

func (p *process) copyFile(name *syntax.Word) int {
	f, err := p.openFor(syntax.RdrIn, p.literal(name))
	if err == nil {
		_, err = io.Copy(p.stdout(), f)
	}
	if err != nil {
		p.complain("%v", err)
		return 1
	}
	return 0
}

// limited is a buffer within the memory limit.
type limited struct {
	job *job
	b   *bytes.Buffer
}

func (l limited) Write(b []byte) (int, error) {
	if !l.job.weigh(int64(l.b.Len() + len(b))) {
		return 0, syscall.ENOMEM
	}
	return l.b.Write(b)
}

// readDir is what globbing reads.
func (p *process) readDir(dir string) ([]fs.DirEntry, error) {
	names, err := p.job.runner.FS.ReadNames(p.abs(dir))
	var entries []fs.DirEntry
	for _, n := range names {
		entries = append(entries, n)
	}
	return entries, err
}

// reason is the last part of an error, as shells print it.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "No such file or directory"
	case errors.Is(err, fs.ErrExist):
		return "File exists"
	}
	text := fmt.Sprint(err)
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
