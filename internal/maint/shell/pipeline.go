package shell

import (
	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// pipefail is the letter under which the option of that name is kept.
const pipefail = '|'

// pipeline runs the stages as tasks, the first one first.
func (p *process) pipeline(c *syntax.BinaryCmd, tested bool) int {
	place := p.job.place
	stages, both := flatten(c)
	statuses := make([]int, len(stages))
	running := len(stages)
	var input *pipe
	for i, s := range stages {
		q := p.subshell()
		q.traps = map[string]string{}
		in, out := input, (*pipe)(nil)
		if in != nil {
			q.files[0] = &file{r: in}
		}
		if i < len(stages)-1 {
			out = &pipe{job: p.job}
			q.files[1] = &file{w: out}
			if both[i] {
				q.files[2] = q.files[1]
			}
		}
		input = out
		p.job.tasks.spawn(func() {
			statuses[i] = p.stage(q, s, tested)
			running--
			if in != nil {
				in.unread = true
			}
			if out != nil {
				out.complete = true
			}
		})
	}
	if !p.job.tasks.wait(func() bool { return running == 0 }) {
		p.job.stop(p.job.cannot("%v", errDeadlock))
	}
	p.back(place)
	return p.pipelineStatus(statuses)
}

func (p *process) stage(q *process, s *syntax.Stmt, tested bool) int {
	if !p.job.enter() {
		return fault
	}
	defer p.job.leave()
	return q.finish(q.list([]*syntax.Stmt{s}, tested))
}

func (p *process) pipelineStatus(statuses []int) int {
	last := statuses[len(statuses)-1]
	if !p.opts[pipefail] {
		return last
	}
	for i := len(statuses) - 1; i >= 0; i-- {
		if statuses[i] != 0 {
			return statuses[i]
		}
	}
	return 0
}

// flatten lists the stages of a pipeline, and which of them pass on standard error
// too, as bash's |& does.
func flatten(c *syntax.BinaryCmd) (stages []*syntax.Stmt, both []bool) {
	for _, s := range []*syntax.Stmt{c.X, c.Y} {
		inner, ok := s.Cmd.(*syntax.BinaryCmd)
		if ok && (inner.Op == syntax.Pipe || inner.Op == syntax.PipeAll) && len(s.Redirs) == 0 && !s.Negated {
			more, also := flatten(inner)
			stages, both = append(stages, more...), append(both, also...)
		} else {
			stages, both = append(stages, s), append(both, false)
		}
		if s == c.X {
			both[len(both)-1] = c.Op == syntax.PipeAll
		}
	}
	return stages, both
}

// matcher compiles a pattern once.
func (j *job) matcher(pat string, mode pattern.Mode) (func(string) bool, error) {
	if m, ok := j.patterns[pat]; ok {
		return m, nil
	}
	m, err := compile(pat, mode)
	if err == nil {
		j.patterns[pat] = m
	}
	return m, err
}
