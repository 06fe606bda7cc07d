package command

import (
	"context"
	"io"
	"strconv"
	"strings"
)

// Paste is paste(1).
func Paste(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "serial,s delimiters,d=")
	if err != nil {
		return 0, err
	}
	between, _ := Unescape(o.value("delimiters", "\t"))
	if len(between) > 1 {
		return 0, unhonoured(c, "more than one delimiter is not supported")
	}
	var out output
	var columns [][]string
	status := 0
	for _, name := range append([]string{}, o.rest...) {
		lines, s := c.linesOf([]string{name})
		status = max(status, s)
		columns = append(columns, lines)
	}
	if len(o.rest) == 0 {
		lines, _ := c.linesOf(nil)
		columns = [][]string{lines}
	}
	if o.has("serial") {
		for _, lines := range columns {
			out.line(strings.Join(lines, between))
		}
		return out.flush(c, status)
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
		out.line(strings.Join(row, between))
	}
	return out.flush(c, status)
}

// Fold is fold(1).
func Fold(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "spaces,s bytes,b width,w=")
	if err != nil {
		return 0, err
	}
	width, err := strconv.Atoi(o.value("width", "80"))
	if err != nil || width < 1 {
		return complain(c, 1, "invalid number of columns")
	}
	var out output
	status, err := c.inputs(o.rest, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, whole bool) error {
			for len(line) > width {
				at := width
				if i := strings.LastIndexAny(line[:width], " \t"); o.has("spaces") && i >= 0 {
					at = i + 1
				}
				out.line(line[:at])
				line = line[at:]
			}
			return writeLine(&out, line, whole)
		})
	})
	if err != nil {
		return status, err
	}
	return out.flush(c, status)
}
