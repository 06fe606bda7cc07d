package hosttool

import (
	"context"

	"kiln/internal/maint/command"
)

// Stty is stty(1) where standard input is no terminal, as it never is here.
func Stty(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) != 1 || c.Args[0] != "size" {
		return 1, c.Unhonoured("there is no terminal to change")
	}
	return c.Complain(1, "'standard input': Inappropriate ioctl for device")
}
