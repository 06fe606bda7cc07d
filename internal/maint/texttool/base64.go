package texttool

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// Base64 is base64(1), with -d and -w.
func Base64(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("decode,d wrap,w= ignore-garbage,i")
	if err != nil {
		return 0, err
	}
	wrap, err := strconv.Atoi(o.Value("wrap", "76"))
	if err != nil || len(o.Rest) > 1 || o.Has("ignore-garbage") {
		return 0, c.Unhonoured("it is not one of the uses that kiln knows")
	}
	data, err := c.ReadAll(append(o.Rest, "-")[0])
	if err != nil {
		return c.Failed(1, append(o.Rest, "-")[0], err)
	}
	if o.Has("decode") {
		text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(data), "\n", ""))
		if err != nil {
			return c.Complain(1, "invalid input")
		}
		_, _ = c.Stdout.Write(text)
		return 0, nil
	}
	text := base64.StdEncoding.EncodeToString(data)
	var out command.Output
	for wrap > 0 && len(text) > wrap {
		out.Line(text[:wrap])
		text = text[wrap:]
	}
	out.WriteString(text)
	if wrap > 0 && text != "" {
		out.WriteByte('\n')
	}
	return out.Flush(c, 0)
}
