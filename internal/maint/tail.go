package maint

import (
	"bytes"
	"io"
	"strings"
)

// tail keeps the last of what a script prints, for the message of its failure.
type tail struct {
	next io.Writer // may be nil
	last []byte
}

const maxTail = 2048 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	if over := len(t.last) - maxTail; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	if t.next != nil {
		return t.next.Write(p)
	}
	return len(p), nil
}

// words returns the last lines, at most five, each indented.
func (t *tail) words() string {
	lines := strings.Split(string(bytes.TrimSpace(t.last)), "\n")
	var b strings.Builder
	for _, line := range lines[max(0, len(lines)-5):] {
		if line != "" {
			b.WriteString("\n  " + line)
		}
	}
	return b.String()
}
