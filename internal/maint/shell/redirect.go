package shell

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// redirect applies redirections. undo puts back what was; it is to be called even
// if ok is false, which it is after an error was printed.
func (p *process) redirect(redirs []*syntax.Redirect) (undo func(), ok bool) {
	if len(redirs) == 0 {
		return func() {}, true
	}
	old := map[int]*file{}
	undo = func() {
		for n, f := range old { // each its own descriptor
			p.files[n] = f
		}
	}
	for _, r := range redirs {
		changes, err := p.redirection(r)
		if err != nil {
			p.complain("%v", err)
			return undo, false
		}
		for n, f := range changes { // each its own descriptor
			if _, seen := old[n]; !seen {
				old[n] = p.files[n]
			}
			p.files[n] = f
		}
		if p.skip != skipNone || p.job.err != nil {
			return undo, false
		}
	}
	return undo, true
}

// redirection returns the descriptors that r sets, and what to.
func (p *process) redirection(r *syntax.Redirect) (map[int]*file, error) {
	n, err := redirected(r)
	if err != nil {
		return nil, p.unsupported(err)
	}
	p.job.at(p.file, int(r.OpPos.Line()))
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		return p.here(n, p.hereDocument(r))
	case syntax.WordHdoc:
		return p.here(n, p.literal(r.Word)+"\n")
	}
	word := p.literal(r.Word)
	if p.skip != skipNone {
		return nil, nil
	}
	switch r.Op {
	case syntax.DplIn, syntax.DplOut:
		return p.duplicate(r.Op, n, word)
	case syntax.RdrAll, syntax.AppAll:
		f, err := p.openFor(r.Op, word)
		return map[int]*file{1: f, 2: f}, err
	}
	f, err := p.openFor(r.Op, word)
	return map[int]*file{n: f}, err
}

func (p *process) unsupported(err error) error {
	err = p.job.cannot("%v", err)
	p.job.stop(err)
	return err
}

// redirected returns the number of the descriptor that r is about.
func redirected(r *syntax.Redirect) (int, error) {
	if r.N != nil {
		n, err := strconv.Atoi(r.N.Value)
		if err != nil {
			return 0, fmt.Errorf("it redirects {%s}, a descriptor by variable", strings.Trim(r.N.Value, "{}"))
		}
		return n, nil
	}
	switch r.Op {
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		return 0, nil
	}
	return 1, nil
}

func (p *process) openFor(op syntax.RedirOperator, name string) (*file, error) {
	flag := os.O_RDONLY
	switch op {
	case syntax.RdrOut, syntax.RdrClob, syntax.RdrAll:
		flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	case syntax.AppOut, syntax.AppAll:
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	case syntax.RdrInOut:
		flag = os.O_RDWR | os.O_CREATE
	}
	if op == syntax.RdrOut && p.opts['C'] {
		if info, err := p.job.runner.FS.Stat(p.abs(name)); err == nil && info.Mode().IsRegular() {
			return nil, fmt.Errorf("cannot create %s: File exists", name)
		}
	}
	f, err := p.open(name, flag)
	if err != nil {
		verb := "create"
		if flag == os.O_RDONLY {
			verb = "open"
		}
		return nil, fmt.Errorf("cannot %s %s: %s", verb, name, reason(err))
	}
	return f, nil
}

// duplicate is <&word and >&word.
func (p *process) duplicate(op syntax.RedirOperator, n int, word string) (map[int]*file, error) {
	if word == "-" {
		return map[int]*file{n: nil}, nil
	}
	from, err := strconv.Atoi(word)
	if err != nil {
		if p.bash && op == syntax.DplOut {
			f, err := p.openFor(syntax.RdrAll, word)
			return map[int]*file{1: f, 2: f}, err
		}
		return nil, fmt.Errorf("bad fd number: %s", word)
	}
	f := p.files[from]
	if f == nil {
		return nil, fmt.Errorf("%d: Bad file descriptor", from)
	}
	return map[int]*file{n: f}, nil
}

func (p *process) here(n int, text string) (map[int]*file, error) {
	return map[int]*file{n: {r: strings.NewReader(text)}}, nil
}

// hereDocument returns the text of a here-document.
func (p *process) hereDocument(r *syntax.Redirect) string {
	if r.Hdoc == nil {
		return ""
	}
	word := r.Hdoc
	if r.Op == syntax.DashHdoc {
		word = untabbed(word)
	}
	if quoted(r.Word) {
		return showBytes(literalText(word))
	}
	text, err := expand.Document(p.config, word)
	p.expandError(err)
	return showBytes(text)
}

// quoted reports whether any part of a here-document's delimiter is quoted.
func quoted(w *syntax.Word) bool {
	for _, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); !ok || strings.Contains(lit.Value, `\`) {
			return true
		}
	}
	return false
}

func literalText(w *syntax.Word) string {
	var b strings.Builder
	for _, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); ok {
			b.WriteString(lit.Value)
		}
	}
	return b.String()
}

// untabbed takes the tabs from the beginnings of the lines of a here-document.
func untabbed(w *syntax.Word) *syntax.Word {
	out := &syntax.Word{}
	start := true
	for _, part := range w.Parts {
		lit, ok := part.(*syntax.Lit)
		if !ok {
			out.Parts = append(out.Parts, part)
			start = false
			continue
		}
		var lines []string
		for i, line := range strings.Split(lit.Value, "\n") {
			if i > 0 || start {
				line = strings.TrimLeft(line, "\t")
			}
			lines = append(lines, line)
		}
		text := *lit
		text.Value = strings.Join(lines, "\n")
		out.Parts = append(out.Parts, &text)
		start = strings.HasSuffix(lit.Value, "\n")
	}
	return out
}
