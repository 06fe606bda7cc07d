package slim

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// maxLine bounds a line of a trace, in bytes: strace prints long arguments whole
// when it is told to.
const maxLine = 1 << 20

// Trace is what a record of a real run tells.
type Trace struct {
	Paths    []string // that were there, in the order of their first use, each once
	Relative int      // paths left out because they are relative
}

// ReadTrace reads a record of the files that a run used, line by line, in any of
// these forms: a path; what strace prints of system calls on files (-e trace=%file,
// with or without -f, -tt and the like), of which those that failed do not count;
// what fatrace prints, "name(123): RO /path".
func ReadTrace(r io.Reader) (*Trace, error) {
	t := &Trace{}
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for number := 1; lines.Scan(); number++ {
		for _, p := range pathsOf(strings.TrimSpace(lines.Text())) {
			if !strings.HasPrefix(p, "/") {
				t.Relative++
				continue
			}
			if p = path.Clean(p); !seen[p] {
				seen[p] = true
				t.Paths = append(t.Paths, p)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the trace: %w", err)
	}
	return t, nil
}

// pathsOf returns what one line names.
func pathsOf(line string) []string {
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return nil
	case strings.HasPrefix(line, "/"):
		return []string{line}
	}
	if head, rest, ok := strings.Cut(line, "): "); ok && strings.Contains(head, "(") && !strings.Contains(head, "\"") {
		if _, p, ok := strings.Cut(rest, " /"); ok { // fatrace
			return []string{"/" + p}
		}
	}
	open := strings.IndexByte(line, '(')
	if open < 0 {
		return nil
	}
	if end := strings.LastIndex(line, ") = "); end >= 0 && strings.HasPrefix(line[end+len(") = "):], "-") {
		return nil
	}
	quoted := quotedIn(line[open:])
	for _, call := range []string{"execve", "execveat", "readlink", "readlinkat"} {
		if strings.HasSuffix(line[:open], call) {
			return quoted[:min(1, len(quoted))] // behind it are arguments, or where a link leads
		}
	}
	return quoted
}

// quotedIn returns the strings of a system call, as C writes them.
func quotedIn(s string) []string {
	var list []string
	for {
		begin := strings.IndexByte(s, '"')
		if begin < 0 {
			return list
		}
		text, err := strconv.QuotedPrefix(s[begin:])
		if err != nil {
			return list
		}
		if p, err := strconv.Unquote(text); err == nil {
			list = append(list, p)
		}
		s = s[begin+len(text):]
	}
}
