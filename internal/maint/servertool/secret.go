package servertool

import (
	"context"

	"kiln/internal/maint/command"
)

// RndcConfgen is rndc-confgen(8) -a. The key that it makes is a secret, which an
// image must not hold: the file is left empty, with a note, and named does without
// its control channel until the key is made on the machine.
func RndcConfgen(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("a c= u=")
	if err != nil {
		return 1, err
	}
	if !o.Has("a") || o.Has("u") || len(o.Rest) > 0 {
		return 1, c.Unhonoured("only -a is known, which makes the key's file")
	}
	file := o.Value("c", "/etc/bind/rndc.key")
	c.Note("secret", file)
	return 0, c.FS.WriteFile(c.Absolute(file), nil, 0o640)
}

// EximCheck is exim4(8) with -bV, by which its configuration is checked before it
// is put in place. It is not checked here.
func EximCheck(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("C= b=")
	if err != nil {
		return 1, err
	}
	if o.Value("b", "") != "V" || !o.Has("C") || len(o.Rest) > 0 {
		return 1, c.Unhonoured("only the check of a configuration is known")
	}
	if !c.FS.IsFile(c.Absolute(o.Value("C", ""))) {
		return c.Complain(1, "LOG: MAIN PANIC DIE\n  Failed to open the configuration file")
	}
	return 0, nil
}
