package texttool

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// Wc is wc(1).
func Wc(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("lines,l words,w bytes,c chars,m")
	if err != nil {
		return 0, err
	}
	w := counter{o: o, width: countWidth(c, o)}
	var total [4]int
	status, err := c.Inputs(o.Rest, func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		counts := [4]int{bytes.Count(b, []byte("\n")), len(bytes.Fields(b)), len([]rune(string(b))), len(b)}
		for i := range counts {
			total[i] += counts[i]
		}
		if len(o.Rest) == 0 {
			name = ""
		}
		w.show(counts, name)
		return err
	})
	if err != nil {
		return status, err
	}
	if len(o.Rest) > 1 {
		w.show(total, "total")
	}
	return w.out.Flush(c, status)
}

type counter struct {
	o     command.Options
	width int
	out   command.Output
}

func (w *counter) show(counts [4]int, name string) {
	var columns []string
	for i, flag := range []string{"lines", "words", "chars", "bytes"} {
		if w.o.Has(flag) || len(w.o.Given) == 0 && flag != "chars" {
			columns = append(columns, fmt.Sprintf("%*d", w.width, counts[i]))
		}
	}
	if name != "" {
		columns = append(columns, name)
	}
	w.out.Line(strings.Join(columns, " "))
}

// countWidth is how wide GNU's columns are: as the sum of the files' sizes, or 7
// where one is a pipe; 1 for one number alone.
func countWidth(c *command.Call, o command.Options) int {
	if len(o.Given) == 1 && len(o.Rest) < 2 {
		return 1
	}
	size := int64(0)
	for _, name := range o.Rest {
		info, err := c.FS.Stat(c.Path(name))
		if err != nil || !info.Mode().IsRegular() {
			return 7
		}
		size += info.Size()
	}
	if len(o.Rest) == 0 {
		return 7
	}
	return len(strconv.FormatInt(size, 10))
}
