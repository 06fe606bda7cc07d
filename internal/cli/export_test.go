package cli

import (
	"github.com/spf13/cobra"

	"kiln"
)

// Commands is the tree of all commands, for the manual pages.
func Commands() *cobra.Command { return (&app{ui: &ui{}}).root() }

// ExitStatus is what kiln ends with after an error of the code.
func ExitStatus(c kiln.Code) int { return exitStatus(c) }
