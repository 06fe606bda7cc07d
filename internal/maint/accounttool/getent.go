package accounttool

import (
	"context"
	"fmt"
	"strconv"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

// Getent is getent(1) for the databases that are files of the tree.
func Getent(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("no-idn,i service,s=")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) == 0 {
		return c.Complain(1, "wrong number of arguments")
	}
	f, err := c.ReadAccounts()
	if err != nil {
		return 1, err
	}
	keys := o.Rest[1:]
	switch o.Rest[0] {
	case "passwd":
		return lookupAll(c, keys, f.Users, func(u account.User, k string) bool { return u.Name == k || strconv.Itoa(u.UID) == k })
	case "group":
		return lookupAll(c, keys, f.Groups, func(g account.Group, k string) bool { return g.Name == k || strconv.Itoa(g.GID) == k })
	case "shadow":
		return lookupAll(c, keys, f.Shadows, func(s account.Shadow, k string) bool { return s.Name == k })
	case "gshadow":
		return lookupAll(c, keys, f.GShadows, func(s account.GShadow, k string) bool { return s.Name == k })
	case "hosts", "ahosts", "services", "protocols":
		return 2, nil // nothing is to be found on a network
	}
	return 1, c.Unhonoured("the database %q is not known", o.Rest[0])
}

// lookupAll prints the first line for each key, or all lines. The status is 2 where
// a key is not found.
func lookupAll[T fmt.Stringer](c *command.Call, keys []string, all []T, is func(T, string) bool) (int, error) {
	if len(keys) == 0 {
		for _, v := range all {
			c.Say("%s", v)
		}
		return 0, nil
	}
	status := 0
	for _, k := range keys {
		found := false
		for _, v := range all {
			if is(v, k) {
				c.Say("%s", v)
				found = true
				break
			}
		}
		if !found {
			status = 2
		}
	}
	return status, nil
}
