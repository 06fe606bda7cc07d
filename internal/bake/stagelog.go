package bake

import (
	"bytes"
	"fmt"
	"strings"

	"kiln"
	"kiln/internal/redact"
)

// mostTail is how many of the last lines that commands print are shown with an error,
// and mostLine how much of a line, in bytes.
const (
	mostTail = 25
	mostLine = 2000
)

// stageLog passes on what commands print, line by line, without secrets. Its methods
// are called by one goroutine.
type stageLog struct {
	stage   *stage
	command int // of which the last line was; -1: none
	masked  *redact.Writer
	line    []byte // begun
	last    []string
}

func (s *stage) newLog() *stageLog {
	l := &stageLog{stage: s, command: -1}
	l.masked = s.forms.NewWriter(l)
	return l
}

// see takes in what a command printed.
func (l *stageLog) see(command int, text []byte) {
	if command != l.command {
		l.end()
		l.command = command
		l.tell(fmt.Sprintf("+ %s", l.stage.forms.Mask(l.stage.of.Run[command].String())))
	}
	_, _ = l.masked.Write(text) // Write below does not fail
}

// Write takes in what is safe to show.
func (l *stageLog) Write(p []byte) (int, error) {
	l.line = append(l.line, p...)
	for {
		i := bytes.IndexByte(l.line, '\n')
		if i < 0 && len(l.line) < mostLine {
			return len(p), nil
		}
		rest := i + 1
		if i < 0 {
			i, rest = mostLine, mostLine
		}
		l.keep(string(l.line[:i]))
		l.line = append(l.line[:0], l.line[rest:]...)
	}
}

func (l *stageLog) keep(line string) {
	line = strings.ToValidUTF8(strings.TrimRight(line, "\r"), "?")
	l.last = append(l.last, line)
	if len(l.last) > mostTail {
		l.last = l.last[1:]
	}
	l.tell(line)
}

func (l *stageLog) tell(line string) {
	l.stage.sink.Send(kiln.Event{Step: kiln.StepStage, State: kiln.Output, Subject: l.stage.subject(), Text: line})
}

// end passes on what was held back.
func (l *stageLog) end() {
	_ = l.masked.Flush()
	if len(l.line) > 0 {
		l.keep(string(l.line))
		l.line = nil
	}
}

// tail is the end of what was printed, indented.
func (l *stageLog) tail() string {
	if len(l.last) == 0 {
		return ""
	}
	return "  " + strings.Join(l.last, "\n  ")
}
