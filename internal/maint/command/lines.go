package command

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// lineLimit bounds one line of input, in bytes.
const lineLimit = 64 << 20

// EachLine calls each with every line of r, without the newline. whole is false
// for a last line that has none.
func EachLine(r io.Reader, each func(line string, whole bool) error) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if len(line) > lineLimit {
			return fmt.Errorf("a line is longer than %d bytes", lineLimit)
		}
		if line != "" {
			text, whole := strings.CutSuffix(line, "\n")
			if err := each(text, whole); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// LinesOf returns all lines of the files named.
func (c *Call) LinesOf(names []string) (lines []string, status int) {
	status, _ = c.Inputs(names, func(_ string, r io.Reader) error {
		return EachLine(r, func(line string, _ bool) error {
			lines = append(lines, line)
			return nil
		})
	})
	return lines, status
}

// Output collects what a command prints, and writes it at once.
type Output struct{ strings.Builder }

// Line adds a line.
func (o *Output) Line(text string) { o.WriteString(text); o.WriteByte('\n') }

// Flush writes what was collected and returns the command's status.
func (o *Output) Flush(c *Call, status int) (int, error) {
	if _, err := io.WriteString(c.Stdout, o.String()); err != nil {
		return 1, nil
	}
	return status, nil
}

// NonEmptyLines splits a text into its lines, empty ones left out.
func NonEmptyLines(text []byte) []string {
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// CutWord splits at the first run of white space.
func CutWord(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}
