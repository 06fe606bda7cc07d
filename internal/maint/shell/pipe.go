package shell

import (
	"errors"
	"io"
	"slices"
	"syscall"
)

// scheduler lets the tasks of pipelines take turns: just one runs at any time, and
// it runs until it must wait for another. So what a script does is a function of
// the script, with pipelines too, and the file system needs no lock.
type scheduler struct {
	tasks   []*task // those that have not ended, in the order they started
	current *task
	dead    bool // all wait for one another
}

type task struct {
	turn  chan struct{}
	ready func() bool // what it waits for; nil if it can go on
}

// spawn adds a task, which first runs when another waits.
func (s *scheduler) spawn(body func()) {
	if s.current == nil {
		s.current = &task{turn: make(chan struct{})}
		s.tasks = append(s.tasks, s.current)
	}
	t := &task{turn: make(chan struct{})}
	s.tasks = append(s.tasks, t)
	go func() {
		<-t.turn
		body()
		next := s.next(t)
		s.tasks = slices.DeleteFunc(s.tasks, func(o *task) bool { return o == t })
		s.run(next)
	}()
}

// run hands the turn to t, or, where nothing can go on, to the first task, whose
// wait then fails.
func (s *scheduler) run(t *task) {
	if t == nil {
		s.dead, t = true, s.tasks[0]
	}
	s.current = t
	t.turn <- struct{}{}
}

// next returns the first task after t, round about, that can go on.
func (s *scheduler) next(t *task) *task {
	i := slices.Index(s.tasks, t)
	for _, o := range slices.Concat(s.tasks[i+1:], s.tasks[:i]) {
		if o.ready == nil || o.ready() {
			return o
		}
	}
	return nil
}

// wait returns when ready is true, or false if that can never be.
func (s *scheduler) wait(ready func() bool) bool {
	me := s.current
	for !ready() {
		if s.dead || me == nil {
			return false
		}
		me.ready = ready
		next := s.next(me)
		if next == nil {
			s.dead = true
			return false
		}
		s.current = next
		next.turn <- struct{}{}
		<-me.turn
		me.ready = nil
	}
	return true
}

// pipeSize is how many bytes a pipe holds, as in Linux (pipe(7)).
const pipeSize = 64 << 10

// pipe joins two tasks.
type pipe struct {
	job      *job
	data     []byte
	unread   bool // nobody reads any more
	complete bool // nobody writes any more
}

var errDeadlock = errors.New("its processes wait for one another for ever")

func (p *pipe) wait(ready func() bool) error {
	stopped := func() bool { return p.job.err != nil }
	if !p.job.tasks.wait(func() bool { return stopped() || ready() }) {
		p.job.stop(p.job.cannot("%v", errDeadlock))
	}
	return p.job.err
}

// Write implements io.Writer.
func (p *pipe) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		if err := p.wait(func() bool { return p.unread || len(p.data) < pipeSize }); err != nil {
			return written, err
		}
		if p.unread {
			return written, syscall.EPIPE
		}
		n := min(len(b), pipeSize-len(p.data))
		p.data = append(p.data, b[:n]...)
		b = b[n:]
		written += n
	}
	return written, nil
}

// Read implements io.Reader.
func (p *pipe) Read(b []byte) (int, error) {
	if err := p.wait(func() bool { return p.complete || len(p.data) > 0 }); err != nil {
		return 0, err
	}
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.data)
	p.data = p.data[n:]
	return n, nil
}
