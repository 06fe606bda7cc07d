package texttool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// Iconv is iconv(1), from ISO 8859-1 to UTF-8, and where the text is the same in both
// encodings: UTF-8 in both, or nothing but ASCII.
func Iconv(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("from-code,f= to-code,t= output,o= c silent,s")
	if err != nil {
		return 0, err
	}
	from, to := encodingName(o.Value("from-code", "")), encodingName(o.Value("to-code", ""))
	var out bytes.Buffer
	status, err := c.Inputs(o.Rest, func(_ string, r io.Reader) error {
		b, err := io.ReadAll(r)
		ascii := !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 })
		switch {
		case err != nil:
			return err
		case from == to && to == "UTF8" || ascii:
			out.Write(b)
		case from == "LATIN1" && to == "UTF8":
			for _, c := range b {
				out.WriteRune(rune(c))
			}
		default:
			return c.Unhonoured("it would have to change the encoding of a text")
		}
		return nil
	})
	if err != nil || status != 0 {
		return status, err
	}
	name := o.Value("output", "-")
	if name == "-" {
		name = "/dev/stdout"
	}
	w, err := c.Create(name, false)
	if err != nil {
		return c.Failed(1, name, err)
	}
	_, err = w.Write(out.Bytes())
	return 0, errors.Join(err, w.Close())
}

// encodingName is the one name that kiln has for an encoding.
func encodingName(name string) string {
	name, _, _ = strings.Cut(strings.ToUpper(name), "//")
	name = strings.NewReplacer("-", "", "_", "").Replace(name)
	if name == "ISO88591" || name == "L1" {
		return "LATIN1"
	}
	return name
}
