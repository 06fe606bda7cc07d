package hosttool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
)

// True is true(1), and what a question is answered with that succeeds and has
// nothing to say: lsmod(8).
func True(context.Context, *command.Call) (int, error) { return 0, nil }

// Nothing is all that has no effect on an image, being about time, a terminal, the
// disk below or the kernel that runs: sleep(1), sync(1), clear(1), tput(1),
// chattr(1), systemd-sysctl(8). Like all that is not carried out, it leaves a note.
func Nothing(_ context.Context, c *command.Call) (int, error) {
	c.Note(c.Name, strings.Join(c.Args, " "))
	return 0, nil
}

// False is false(1), and all that asks for something of a running system, which
// there is not: pgrep(1), tty(1).
func False(context.Context, *command.Call) (int, error) { return 1, nil }

// Kill is kill(1), and killall(1): no process is there to get a signal. It fails,
// as it would in a chroot, and what it was to reach is noted.
func Kill(_ context.Context, c *command.Call) (int, error) {
	c.Note(c.Name, strings.Join(c.Args, " "))
	return c.Complain(1, "No such process")
}

// Logger is logger(1): there is no log. What it would log is kept as a note.
func Logger(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("priority,p= tag,t= stderr,s id,i file,f=")
	if err != nil {
		return 0, err
	}
	text := ""
	for i, w := range o.Rest {
		if i > 0 {
			text += " "
		}
		text += w
	}
	c.Note("log", text)
	return 0, nil
}

// OfTheHost is what an image cannot have done to it, or cannot know: chroot(8),
// mount(8), df(1), du(1).
func OfTheHost(_ context.Context, c *command.Call) (int, error) {
	return 0, c.Unhonoured("it is about a running system, or about the disk it is on, and there is none")
}

// Ischroot is ischroot(1): a tree that is being made is as one.
func Ischroot(_ context.Context, c *command.Call) (int, error) {
	if _, err := c.ParseOptions("default-true,t default-false,f"); err != nil {
		return 0, err
	}
	return 0, nil
}
