package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Wc is wc(1).
func Wc(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "lines,l words,w bytes,c chars,m")
	if err != nil {
		return 0, err
	}
	w := counter{o: o, width: c.countWidth(o)}
	var total [4]int
	status, err := c.inputs(o.rest, func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		counts := [4]int{bytes.Count(b, []byte("\n")), len(bytes.Fields(b)), len([]rune(string(b))), len(b)}
		for i := range counts {
			total[i] += counts[i]
		}
		if len(o.rest) == 0 {
			name = ""
		}
		w.show(counts, name)
		return err
	})
	if err != nil {
		return status, err
	}
	if len(o.rest) > 1 {
		w.show(total, "total")
	}
	return w.out.flush(c, status)
}

type counter struct {
	o     options
	width int
	out   output
}

func (w *counter) show(counts [4]int, name string) {
	var columns []string
	for i, flag := range []string{"lines", "words", "chars", "bytes"} {
		if w.o.has(flag) || len(w.o.given) == 0 && flag != "chars" {
			columns = append(columns, fmt.Sprintf("%*d", w.width, counts[i]))
		}
	}
	if name != "" {
		columns = append(columns, name)
	}
	w.out.line(strings.Join(columns, " "))
}

// countWidth is how wide GNU's columns are: as the sum of the files' sizes, or 7
// where one is a pipe; 1 for one number alone.
func (c *Call) countWidth(o options) int {
	if len(o.given) == 1 && len(o.rest) < 2 {
		return 1
	}
	size := int64(0)
	for _, name := range o.rest {
		info, err := c.FS.Stat(c.path(name))
		if err != nil || !info.Mode().IsRegular() {
			return 7
		}
		size += info.Size()
	}
	if len(o.rest) == 0 {
		return 7
	}
	return len(strconv.FormatInt(size, 10))
}
