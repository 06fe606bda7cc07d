package command

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
)

// Base64 is base64(1), with -d and -w.
func Base64(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "decode,d wrap,w= ignore-garbage,i")
	if err != nil {
		return 0, err
	}
	wrap, err := strconv.Atoi(o.value("wrap", "76"))
	if err != nil || len(o.rest) > 1 || o.has("ignore-garbage") {
		return 0, unhonoured(c, "it is not one of the uses that kiln knows")
	}
	data, err := c.readAll(append(o.rest, "-")[0])
	if err != nil {
		return c.failed(1, append(o.rest, "-")[0], err)
	}
	if o.has("decode") {
		text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(data), "\n", ""))
		if err != nil {
			return complain(c, 1, "invalid input")
		}
		_, _ = c.Stdout.Write(text)
		return 0, nil
	}
	text := base64.StdEncoding.EncodeToString(data)
	var out output
	for wrap > 0 && len(text) > wrap {
		out.line(text[:wrap])
		text = text[wrap:]
	}
	out.WriteString(text)
	if wrap > 0 && text != "" {
		out.WriteByte('\n')
	}
	return out.flush(c, 0)
}
