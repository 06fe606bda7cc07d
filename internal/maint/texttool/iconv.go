package texttool

import (
	"context"
	"io"
	"strings"

	"kiln/internal/maint/command"
)

// Iconv is iconv(1), where the text is the same in both encodings: UTF-8 in both,
// or nothing but ASCII.
func Iconv(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("from-code,f= to-code,t= c silent,s")
	if err != nil {
		return 0, err
	}
	utf8Name := func(name string) bool {
		name, _, _ = strings.Cut(strings.ToUpper(name), "//")
		return name == "UTF-8" || name == "UTF8"
	}
	both := utf8Name(o.Value("from-code", "")) && utf8Name(o.Value("to-code", ""))
	status, err := c.Inputs(o.Rest, func(_ string, r io.Reader) error {
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if !both && strings.ContainsFunc(string(b), func(r rune) bool { return r >= 0x80 }) {
			return c.Unhonoured("it would have to change the encoding of a text")
		}
		_, err = c.Stdout.Write(b)
		return err
	})
	return status, err
}
