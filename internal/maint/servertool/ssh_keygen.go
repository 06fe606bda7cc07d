package servertool

import (
	"context"

	"kiln/internal/maint/command"
)

// SSHKeygen is ssh-keygen(1), which makes no keys in an image: a key that everyone
// who has the image has is none, and it would differ in each build. The wish is
// noted. Debian's sshd-keygen.service makes host keys at a first boot, and by
// machine-id(5) one with an empty /etc/machine-id is none: there, somebody has to run
// ssh-keygen -A. To show the fingerprint of a key that was not made shows nothing.
func SSHKeygen(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("q l A f= N= t= b= C= P= m= a=")
	switch {
	case err != nil:
		return 0, err
	case len(o.Rest) > 0:
		return 0, c.Unhonoured("it takes no arguments besides options")
	case o.Has("A"):
		c.Note("host-key", "/etc/ssh/ssh_host_*_key")
		return 0, nil
	case !o.Has("f"):
		return 0, c.Unhonoured("it would ask for the name of the file")
	}
	file := c.Path(o.Value("f", ""))
	if !o.Has("l") {
		c.Note("host-key", file)
		return 0, nil
	}
	for _, n := range c.Machine.Notes {
		if n.Kind == "host-key" && n.Subject+".pub" == file {
			return 0, nil
		}
	}
	return 0, c.Unhonoured("fingerprints of keys are not computed")
}
