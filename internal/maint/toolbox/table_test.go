package toolbox_test

import (
	"testing"

	"kiln/internal/maint/toolbox"
)

// Every command has a reason where it is not honoured, and stands in the table once.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range toolbox.DebianCommands() {
		if seen[c.Name] || c.Run == nil || c.Treatment != toolbox.Honour && c.Why == "" {
			t.Errorf("%q: twice, without a function or without a reason", c.Name)
		}
		seen[c.Name] = true
	}
}
