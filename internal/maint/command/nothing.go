package command

import "context"

// True is true(1), and all that has no effect on an image: sleep(1), sync(1),
// clear(1), tput(1).
func True(context.Context, *Call) (int, error) { return 0, nil }

// False is false(1), and all that asks for something of a running system, which
// there is not: pgrep(1), mountpoint(1), tty(1).
func False(context.Context, *Call) (int, error) { return 1, nil }

// Kill is kill(1): no process is there to get a signal.
func Kill(_ context.Context, c *Call) (int, error) {
	return complain(c, 1, "No such process")
}

// Logger is logger(1): there is no log. What it would log is kept as a note.
func Logger(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "priority,p= tag,t= stderr,s id,i file,f=")
	if err != nil {
		return 0, err
	}
	text := ""
	for i, w := range o.rest {
		if i > 0 {
			text += " "
		}
		text += w
	}
	note(c, "log", text)
	return 0, nil
}

// OfTheHost is what an image cannot have done to it, or cannot know: chroot(8),
// mount(8), df(1), du(1).
func OfTheHost(_ context.Context, c *Call) (int, error) {
	return 0, unhonoured(c, "it is about a running system, or about the disk it is on, and there is none")
}

// Ischroot is ischroot(1): a tree that is being made is as one.
func Ischroot(_ context.Context, c *Call) (int, error) {
	if _, err := parseOptions(c, "default-true,t default-false,f"); err != nil {
		return 0, err
	}
	return 0, nil
}
