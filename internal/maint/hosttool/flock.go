package hosttool

import (
	"context"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// Flock is flock(1): nobody else is there to hold a lock. Of a descriptor, there is
// nothing to do; of a file, its command runs.
func Flock(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("shared,s exclusive,x,e unlock,u nonblock,nb,n timeout,wait,w= close,o conflict-exit-code,E=")
	if err != nil {
		return 64, err
	}
	switch {
	case len(o.Rest) == 1:
		if _, err := strconv.Atoi(o.Rest[0]); err != nil {
			return c.Complain(64, "bad file descriptor: '%s'", o.Rest[0])
		}
		return 0, nil
	case len(o.Rest) < 2 || strings.HasPrefix(o.Rest[1], "-"):
		return 64, c.Unhonoured("only a descriptor, or a file and a command, are known")
	}
	lock, err := c.Create(o.Rest[0], true) // the file is made if it is not there
	if err != nil {
		return c.Complain(66, "cannot open lock file %s: %s", o.Rest[0], command.ErrorText(err))
	}
	lock.Close()
	return c.Exec(ctx, o.Rest[1:], c.Stdin, c.Stdout, c.Stderr)
}
