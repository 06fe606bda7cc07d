package texttool

import (
	"context"
	"io"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// Paste is paste(1).
func Paste(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("serial,s delimiters,d=")
	if err != nil {
		return 0, err
	}
	between, _ := command.Unescape(o.Value("delimiters", "\t"))
	if len(between) > 1 {
		return 0, c.Unhonoured("more than one delimiter is not supported")
	}
	var out command.Output
	var columns [][]string
	status := 0
	for _, name := range append([]string{}, o.Rest...) {
		lines, s := c.LinesOf([]string{name})
		status = max(status, s)
		columns = append(columns, lines)
	}
	if len(o.Rest) == 0 {
		lines, _ := c.LinesOf(nil)
		columns = [][]string{lines}
	}
	if o.Has("serial") {
		for _, lines := range columns {
			out.Line(strings.Join(lines, between))
		}
		return out.Flush(c, status)
	}
	rows := 0
	for _, lines := range columns {
		rows = max(rows, len(lines))
	}
	for i := range rows {
		var row []string
		for _, lines := range columns {
			cell := ""
			if i < len(lines) {
				cell = lines[i]
			}
			row = append(row, cell)
		}
		out.Line(strings.Join(row, between))
	}
	return out.Flush(c, status)
}

// Fold is fold(1).
func Fold(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("spaces,s bytes,b width,w=")
	if err != nil {
		return 0, err
	}
	width, err := strconv.Atoi(o.Value("width", "80"))
	if err != nil || width < 1 {
		return c.Complain(1, "invalid number of columns")
	}
	var out command.Output
	status, err := c.Inputs(o.Rest, func(_ string, r io.Reader) error {
		return command.EachLine(r, func(line string, whole bool) error {
			for len(line) > width {
				at := width
				if i := strings.LastIndexAny(line[:width], " \t"); o.Has("spaces") && i >= 0 {
					at = i + 1
				}
				out.Line(line[:at])
				line = line[at:]
			}
			return writeLine(&out, line, whole)
		})
	})
	if err != nil {
		return status, err
	}
	return out.Flush(c, status)
}
