package cli

import (
	"github.com/spf13/cobra"

	"kiln"
)

// recordFlags are the flags of a command that can tell where its time went.
type recordFlags struct {
	timings bool
	trace   string
}

func (f *recordFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.timings, "timings", false, "print at the end, on standard error, where the time went; with --json, add it to the object")
	cmd.Flags().StringVar(&f.trace, "trace", "", "write to `FILE` what was done when, failed or not, for ui.perfetto.dev or chrome://tracing")
	complete(cmd, "trace", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault))
}

// recorded does the work of a command, which is called name, and then tells of it
// as the flags ask.
func (a *app) recorded(f recordFlags, name string, do func() error) error {
	if f.trace != "" {
		if err := checkTracePlace(f.trace); err != nil {
			return err
		}
	}
	a.ui.record(f.timings || f.trace != "")
	err := do()
	if f.timings && !a.ui.json {
		a.ui.tell(a.ui.timings().text(a.ui.terminal.look()))
	}
	if f.trace == "" {
		return err
	}
	failed := saveTrace(f.trace, a.ui.trace(name))
	if err == nil {
		return failed
	}
	if failed != nil {
		a.ui.sink(kiln.Event{State: kiln.Warning, Text: failed.Error()})
	}
	return err
}

// timingsFor is what --json prints of the time so far, if that is asked for.
func (a *app) timingsFor(f recordFlags) *timings {
	if !f.timings {
		return nil
	}
	return a.ui.timings()
}
