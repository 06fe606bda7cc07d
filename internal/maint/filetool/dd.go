package filetool

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// Dd is dd(1) with if=, of=, bs=, count= and status=: blocks are copied and nothing
// is converted.
func Dd(_ context.Context, c *command.Call) (int, error) {
	given := map[string]string{"if": "-", "of": "/dev/stdout", "bs": "512", "count": "-1", "status": ""}
	for _, arg := range c.Args {
		name, value, ok := strings.Cut(arg, "=")
		if _, known := given[name]; !ok || !known {
			return 0, c.Unhonoured("the operand %q is not known", arg)
		}
		given[name] = value
	}
	size, err := strconv.Atoi(given["bs"])
	count, again := strconv.Atoi(given["count"])
	if err != nil || again != nil || size <= 0 || size > 1<<24 {
		return 0, c.Unhonoured("only plain numbers are known")
	}
	in, err := c.Open(given["if"])
	if err != nil {
		return c.Complain(1, "failed to open '%s': %s", given["if"], command.ErrorText(err))
	}
	defer in.Close()
	out, err := c.Create(given["of"], false)
	if err != nil {
		return c.Complain(1, "failed to open '%s': %s", given["of"], command.ErrorText(err))
	}
	defer out.Close()
	return copyBlocks(c, out, in, make([]byte, size), count, given["status"])
}

// copyBlocks copies count blocks, or all if count is negative, and tells of it.
func copyBlocks(c *command.Call, out io.Writer, in io.Reader, block []byte, count int, status string) (int, error) {
	whole, part := 0, 0
	for count < 0 || whole+part < count {
		n, err := io.ReadFull(in, block)
		if n > 0 {
			if _, err := out.Write(block[:n]); err != nil {
				return 1, err
			}
		}
		switch {
		case err == nil:
			whole++
			continue
		case errors.Is(err, io.ErrUnexpectedEOF):
			part++
		case !errors.Is(err, io.EOF):
			return 1, err
		}
		break
	}
	if status != "none" {
		text := strconv.Itoa(whole) + "+" + strconv.Itoa(part)
		_, _ = io.WriteString(c.Stderr, text+" records in\n"+text+" records out\n")
	}
	return 0, nil
}
