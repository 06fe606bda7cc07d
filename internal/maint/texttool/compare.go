package texttool

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"kiln/internal/maint/command"
)

// Cmp is cmp(1).
func Cmp(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("silent,quiet,s")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 1 {
		o.Rest = append(o.Rest, "-")
	}
	if len(o.Rest) != 2 {
		return c.Complain(2, "missing operand")
	}
	a, b, status := pair(c, o.Rest, o.Has("silent"))
	if status != 0 || bytes.Equal(a, b) {
		return status, nil
	}
	if o.Has("silent") {
		return 1, nil
	}
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	if at == len(a) || at == len(b) {
		shorter := o.Rest[0]
		if at == len(b) {
			shorter = o.Rest[1]
		}
		return c.Complain(1, "EOF on %s after byte %d", shorter, at)
	}
	c.Say("%s %s differ: char %d, line %d", o.Rest[0], o.Rest[1], at+1, bytes.Count(a[:at], []byte("\n"))+1)
	return 1, nil
}

// pair reads two files; a status that is not 0 is for one that cannot be read.
func pair(c *command.Call, names []string, silent bool) (a, b []byte, status int) {
	data := [2][]byte{}
	for i, name := range names {
		var err error
		if data[i], err = c.ReadAll(name); err != nil {
			if !silent {
				_, _ = c.Failed(2, name, err)
			}
			return nil, nil, 2
		}
	}
	return data[0], data[1], 0
}

// Diff is diff(1): whether two files differ, and with -u or in the normal form,
// how. Directories are not compared.
func Diff(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("brief,q unified,u text,a new-file,N ignore-space-change,b ignore-all-space,w ignore-blank-lines,B report-identical-files,s label,L=")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) != 2 {
		return c.Complain(2, "missing operand")
	}
	for _, name := range o.Rest {
		if c.IsDirectory(name) {
			return 0, c.Unhonoured("comparing directories is not supported")
		}
	}
	a, b, status := pair(c, o.Rest, false)
	if status != 0 {
		return status, nil
	}
	x, y := diffLines(a, o), diffLines(b, o)
	if strings.Join(x, "\n") == strings.Join(y, "\n") {
		return 0, nil
	}
	if o.Has("brief") {
		c.Say("Files %s and %s differ", o.Rest[0], o.Rest[1])
		return 1, nil
	}
	if o.Has("ignore-space-change") || o.Has("ignore-all-space") || o.Has("ignore-blank-lines") || o.Has("unified") {
		return 0, c.Unhonoured("showing differences in this form is not supported")
	}
	_, err = io.WriteString(c.Stdout, normalDiff(x, y))
	if err != nil {
		return 2, nil
	}
	return 1, nil
}

// diffLines returns the lines as they are compared.
func diffLines(data []byte, o command.Options) []string {
	var lines []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case o.Has("ignore-all-space"):
			line = strings.Join(strings.Fields(line), "")
		case o.Has("ignore-space-change"):
			line = strings.TrimRight(line, " \t")
			if blank := strings.TrimLeft(line, " \t"); blank != line {
				line = " " + blank
			}
		}
		if o.Has("ignore-blank-lines") && line == "" {
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// normalDiff is the normal form, by a longest common subsequence.
func normalDiff(x, y []string) string {
	length := make([][]int32, len(x)+1)
	for i := range length {
		length[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var b strings.Builder
	for i, j := 0, 0; i < len(x) || j < len(y); {
		if i < len(x) && j < len(y) && x[i] == y[j] {
			i, j = i+1, j+1
			continue
		}
		fromI, fromJ := i, j
		for (i < len(x) || j < len(y)) && !(i < len(x) && j < len(y) && x[i] == y[j]) {
			if j == len(y) || i < len(x) && length[i+1][j] >= length[i][j+1] {
				i++
			} else {
				j++
			}
		}
		hunk(&b, x[fromI:i], y[fromJ:j], fromI, fromJ)
	}
	return b.String()
}

func hunk(b *strings.Builder, old, new []string, i, j int) {
	place := func(at, n int) string {
		if n == 1 {
			return fmt.Sprint(at + 1)
		}
		return fmt.Sprintf("%d,%d", at+1, at+n)
	}
	switch {
	case len(new) == 0:
		fmt.Fprintf(b, "%sd%d\n", place(i, len(old)), j)
	case len(old) == 0:
		fmt.Fprintf(b, "%da%s\n", i, place(j, len(new)))
	default:
		fmt.Fprintf(b, "%sc%s\n", place(i, len(old)), place(j, len(new)))
	}
	for _, l := range old {
		fmt.Fprintf(b, "< %s\n", l)
	}
	if len(old) > 0 && len(new) > 0 {
		b.WriteString("---\n")
	}
	for _, l := range new {
		fmt.Fprintf(b, "> %s\n", l)
	}
}
