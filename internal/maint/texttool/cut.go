package texttool

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// span is a range of numbers from 1; to is 0 where it is open.
type span struct{ from, to int }

func (s span) has(n int) bool { return n >= s.from && (s.to == 0 || n <= s.to) }

// spans reads a list such as "1,3-5,7-".
func spans(list string) ([]span, error) {
	var all []span
	for part := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		from, to, ranged := strings.Cut(part, "-")
		s := span{from: 1}
		var err error
		if from != "" {
			s.from, err = strconv.Atoi(from)
		}
		if err == nil && to != "" {
			s.to, err = strconv.Atoi(to)
		}
		if !ranged {
			s.to = s.from
		}
		if err != nil || s.from < 1 || part == "-" {
			return nil, fmt.Errorf("invalid field value %q", part)
		}
		all = append(all, s)
	}
	return all, nil
}

func within(all []span, n int) bool {
	for _, s := range all {
		if s.has(n) {
			return true
		}
	}
	return false
}

// Cut is cut(1).
func Cut(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("bytes,b= characters,c= fields,f= delimiter,d= only-delimited,s complement output-delimiter= n")
	if err != nil {
		return 0, err
	}
	list, err := spans(o.Value("fields", o.Value("bytes", o.Value("characters", ""))))
	if err != nil || len(list) == 0 {
		return c.Complain(1, "you must specify a list of bytes, characters, or fields")
	}
	delimiter := o.Value("delimiter", "\t")
	if len(delimiter) > 1 {
		return c.Complain(1, "the delimiter must be a single character")
	}
	if delimiter == "" {
		delimiter = "\x00"
	}
	between := o.Value("output-delimiter", delimiter)
	chosen := func(n int) bool { return within(list, n) != o.Has("complement") }
	var out command.Output
	status, err := c.Inputs(o.Rest, func(_ string, r io.Reader) error {
		return command.EachLine(r, func(line string, _ bool) error {
			if !o.Has("fields") {
				out.Line(cutBytes(line, chosen))
				return nil
			}
			if !strings.Contains(line, delimiter) {
				if !o.Has("only-delimited") {
					out.Line(line)
				}
				return nil
			}
			var kept []string
			for i, f := range strings.Split(line, delimiter) {
				if chosen(i + 1) {
					kept = append(kept, f)
				}
			}
			out.Line(strings.Join(kept, between))
			return nil
		})
	})
	if err != nil {
		return status, err
	}
	return out.Flush(c, status)
}

func cutBytes(line string, chosen func(int) bool) string {
	var b []byte
	for i := range len(line) {
		if chosen(i + 1) {
			b = append(b, line[i])
		}
	}
	return string(b)
}
