package command

import (
	"context"
)

// RndcConfgen is rndc-confgen(8) -a. The key that it makes is a secret, which an
// image must not hold: the file is left empty, with a note, and named does without
// its control channel until the key is made on the machine.
func RndcConfgen(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "a c= u=")
	if err != nil {
		return 1, err
	}
	if !o.has("a") || o.has("u") || len(o.rest) > 0 {
		return 1, unhonoured(c, "only -a is known, which makes the key's file")
	}
	file := o.value("c", "/etc/bind/rndc.key")
	note(c, "secret", file)
	return 0, c.FS.WriteFile(absolute(c, file), nil, 0o640)
}

// EximCheck is exim4(8) with -bV, by which its configuration is checked before it
// is put in place. It is not checked here.
func EximCheck(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "C= b=")
	if err != nil {
		return 1, err
	}
	if o.value("b", "") != "V" || !o.has("C") || len(o.rest) > 0 {
		return 1, unhonoured(c, "only the check of a configuration is known")
	}
	if !isFile(c.FS, absolute(c, o.value("C", ""))) {
		return complain(c, 1, "LOG: MAIN PANIC DIE\n  Failed to open the configuration file")
	}
	return 0, nil
}
