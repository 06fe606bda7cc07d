package servertool

import (
	"context"

	"kiln/internal/maint/command"
)

// IscsiIname is iscsi-iname(8), whose name must be another on each machine. It
// prints none, and what makes open-iscsi find one when it first starts
// ("GenerateName=yes", as its startup-checks.sh reads /etc/iscsi/initiatorname.iscsi)
// on a line of its own, since scripts write what it prints behind "InitiatorName=".
func IscsiIname(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("p,prefix=")
	if err != nil {
		return 1, err
	}
	if !o.Has("p") || len(o.Rest) > 0 {
		return 1, c.Unhonoured("only the prefix of a name is known")
	}
	c.Note("identity", "/etc/iscsi/initiatorname.iscsi")
	c.Say("\nGenerateName=yes")
	return 0, nil
}
