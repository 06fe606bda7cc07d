package sed

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
)

// sed is a script and its state.
type sed struct {
	expired   func() error // of the call's context
	c         *command.Call
	program   []sedCommand
	silent    bool
	extended  bool
	separate  bool
	inPlace   bool
	suffix    string
	end       string
	out       io.Writer
	in        *sedInput
	space     string
	hold      string
	whole     bool // the line had its end
	line      int
	replaced  bool // the flag of t
	queue     []string
	last      regex.Expression
	status    int
	steps     int
	restart   bool // D: start again without a new line
	files     map[string]io.WriteCloser
	fileNames []string
}

// sedSteps bounds the commands of one call, and sedSpace the pattern and hold
// spaces, in bytes. Replacing in a space of more than sedLarge bytes counts as a
// step for every four of them.
const (
	sedSteps = 4_000_000
	sedSpace = 64 << 20
	sedLarge = 64 << 10
)

var errSedQuit = errors.New("quit")

func (s *sed) reset() { s.line, s.hold, s.space, s.replaced = 0, "", "", false }

func (s *sed) openFile(name string) error {
	if _, ok := s.files[name]; ok {
		return nil
	}
	w, err := s.c.Create(name, false)
	if err != nil {
		return fmt.Errorf("couldn't open file %s: %s", name, command.ErrorText(err))
	}
	s.files[name] = w
	s.fileNames = append(s.fileNames, name)
	return nil
}

func (s *sed) run(in *sedInput) error {
	s.in = in
	for s.restart || s.read() {
		s.restart = false
		printed, err := s.cycle()
		if err != nil && !errors.Is(err, errSedQuit) {
			return err
		}
		if printed && !s.silent {
			if werr := s.print(s.space); werr != nil {
				return werr
			}
		}
		if werr := s.flush(); werr != nil {
			return werr
		}
		if err != nil {
			return s.rest(err)
		}
	}
	return nil
}

// rest copies what is left of a file that is edited in place, after q.
func (s *sed) rest(err error) error {
	for s.inPlace && s.read() {
		if werr := s.print(s.space); werr != nil {
			return werr
		}
	}
	return err
}

// read takes the next line into the pattern space.
func (s *sed) read() bool {
	line, whole, ok := s.in.next()
	if ok {
		s.space, s.whole = line, whole
		s.line++
	}
	return ok
}

func (s *sed) print(text string) error {
	end := s.end
	if !s.whole && s.in.last() {
		end = ""
	}
	_, err := io.WriteString(s.out, text+end)
	return err
}

// flush prints what a and r have put off.
func (s *sed) flush() error {
	for _, text := range s.queue {
		if _, err := io.WriteString(s.out, text); err != nil {
			return err
		}
	}
	s.queue = nil
	return nil
}

// cycle runs the script once. printed says whether the pattern space is to be
// printed at the end.
func (s *sed) cycle() (printed bool, err error) {
	for at := 0; at < len(s.program); {
		c := &s.program[at]
		if err := s.step(c); err != nil {
			return false, err
		}
		at++
		if s.selects(c) == c.negated {
			if c.name == '{' {
				at = c.to
			}
			continue
		}
		next, done, err := s.execute(c, at)
		if done != 0 || err != nil {
			return done == sedPrint, err
		}
		at = next
	}
	return true, nil
}

func (s *sed) step(c *sedCommand) error {
	s.steps++
	if len(s.space) > sedLarge && c.name == 's' {
		s.steps += len(s.space) / 4
	}
	if regex.Exhausted(s.last) {
		return s.c.Unhonoured("its back-references take too long")
	}
	if s.steps > sedSteps || len(s.space)+len(s.hold) > sedSpace {
		return s.c.Unhonoured("it does not end, or grows without end")
	}
	if s.steps%1024 == 0 {
		return s.expired()
	}
	return nil
}

// How a command ends a cycle.
const (
	sedGoOn  = 0
	sedPrint = 1 // with the pattern space printed
	sedDrop  = 2 // without
)

func (s *sed) execute(c *sedCommand, at int) (next, done int, err error) {
	switch c.name {
	case 'd':
		return 0, sedDrop, nil
	case 'D':
		before, rest, found := strings.Cut(s.space, "\n")
		if found {
			s.space, s.restart = rest, true
		}
		_ = before
		return 0, sedDrop, nil
	case 'q':
		s.status = c.number
		return 0, sedPrint, errSedQuit
	case 'Q':
		s.status = c.number
		return 0, sedDrop, errSedQuit
	case 'n', 'N':
		return s.nextLine(c.name, at)
	case 'b':
		return c.to, sedGoOn, nil
	case 't', 'T':
		jump := s.replaced == (c.name == 't')
		s.replaced = false
		if jump {
			return c.to, sedGoOn, nil
		}
	case 'c':
		return 0, sedDrop, s.change(c)
	default:
		err = s.edit(c)
	}
	return at, sedGoOn, err
}

func (s *sed) nextLine(name byte, at int) (int, int, error) {
	if name == 'n' {
		if s.in.last() {
			return 0, sedPrint, errSedQuit
		}
		if !s.silent {
			if err := s.print(s.space); err != nil {
				return 0, 0, err
			}
		}
		if err := s.flush(); err != nil {
			return 0, 0, err
		}
		s.read()
		return at, sedGoOn, nil
	}
	old := s.space
	if s.in.last() {
		return 0, sedPrint, errSedQuit // GNU prints the pattern space
	}
	if err := s.flush(); err != nil {
		return 0, 0, err
	}
	s.read()
	s.space = old + "\n" + s.space
	return at, sedGoOn, nil
}
