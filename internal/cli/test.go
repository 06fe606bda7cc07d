package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/machine"
)

// testFlags are the flags of kiln test, as typed.
type testFlags struct {
	machineFlags
	machines []string
	checks   string
	console  string
	silence  time.Duration
	network  bool
	snapshot bool
	reboot   bool
}

func (a *app) testCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test IMAGE",
		Short: "Start a disk image in virtual machines, and check that it does what it is to",
		Long: `Start a disk image in one virtual machine after the other, and check of each that
multi-user.target is reached, that no unit failed, that the root is read-only and
verified, that /var can be written to, and that there is one network interface; and
what a file of checks asks for (docs/boot.md). What kiln boot says of images, machines and the host
holds here, too.

Nothing has to be in the image for this: systemd is handed units as credentials, which
write what they find to a second serial port and switch the machine off.

Status 0 means that all holds on all machines; 3 that something does not.`,
		Example: `  kiln test system.raw
  kiln test system.raw --machine virtio,nvme,sata --checks tests/server.yaml
  kiln test system.raw --secure-boot --variables /usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd
  kiln test system.raw --json --console logs`,
		Args:              exactly(1, "a disk image, such as system.raw"),
		ValidArgsFunction: completeAny,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.test(cmd.Context(), args[0], f) },
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.machines, "machine", nil, "test on each `TYPE` of "+strings.Join(machine.Names(), ", ")+"; several with commas (default the first for the image)")
	flags.StringVar(&f.checks, "checks", "", "check what the YAML file `FILE` asks for, too")
	flags.StringVar(&f.console, "console", "", "keep what the consoles say in `FOLDER`, a file for each machine")
	flags.DurationVar(&f.silence, "silence", machine.Silence, "give a machine up that says nothing for `TIME`")
	flags.BoolVar(&f.network, "network", false, "let the machines reach what this host reaches")
	flags.BoolVar(&f.snapshot, "snapshot", true, "leave the image as it is; --snapshot=false writes to it, so that the next test finds it so")
	flags.BoolVar(&f.reboot, "reboot", false, "let a machine that cannot start try again by itself, until it can or is silent")
	complete(cmd, "machine", words(machine.Names()...))
	complete(cmd, "console", completeFolder)
	complete(cmd, "silence", words("5m", "20m"))
	return cmd
}

// testReport is what kiln test tells, in the shape that --json prints.
type testReport struct {
	Image    string            `json:"image"`
	OK       bool              `json:"ok"`
	Machines []*machine.Result `json:"machines"`
}

func (a *app) test(ctx context.Context, path string, f testFlags) error {
	o, err := f.options(path)
	if err != nil {
		return err
	}
	o.Network, o.Keep, o.Reboot = f.network, !f.snapshot, f.reboot
	in := machine.Inspection{Silence: f.silence}
	if f.checks != "" {
		text, err := os.ReadFile(f.checks)
		if err != nil {
			return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the checks: %v", err), Err: err}
		}
		if in.Checks, err = machine.ParseChecks(f.checks, text); err != nil {
			return err
		}
	}
	if len(f.machines) == 0 {
		f.machines = []string{""}
	}
	rep := testReport{Image: path, OK: true}
	for _, name := range f.machines {
		o.Type = name
		res, err := a.testOn(ctx, o, in, f.console)
		if err != nil {
			return err
		}
		a.ui.sink(kiln.Event{State: kiln.Note, Text: res.Machine + ": " + map[bool]string{true: "all holds", false: "not all holds"}[res.OK]})
		rep.Machines = append(rep.Machines, res)
		rep.OK = rep.OK && res.OK
	}
	if err := a.ui.result(rep, func(w io.Writer) { printTest(w, rep) }); err != nil {
		return err
	}
	if !rep.OK {
		return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("%q does not do what it is to", path), Hints: []string{"kiln boot " + path + " shows its console"}}
	}
	return nil
}

// testOn tests on one machine.
func (a *app) testOn(ctx context.Context, o machine.Options, in machine.Inspection, folder string) (*machine.Result, error) {
	name := o.Type
	if name == "" {
		name = "machine"
	}
	a.ui.sink(kiln.Event{State: kiln.Note, Text: "starting " + o.Image.Path + " (" + name + ")"})
	if folder == "" {
		return machine.Inspect(ctx, a.host(), o, in)
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make the folder for consoles: %v", err), Err: err}
	}
	log, err := os.Create(filepath.Join(folder, name+".log"))
	if err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot write the console: %v", err), Err: err}
	}
	defer log.Close()
	in.Log = log
	return machine.Inspect(ctx, a.host(), o, in)
}

// printTest prints a line for each thing that was checked.
func printTest(w io.Writer, rep testReport) {
	for _, m := range rep.Machines {
		fmt.Fprintf(w, "machine %s (%s)\n", m.Machine, m.Accelerator)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, x := range m.Findings {
			if x.OK {
				fmt.Fprintf(t, "  ok\t%s\n", x.Check)
			} else {
				fmt.Fprintf(t, "  FAILED\t%s\t%s\n", x.Check, strings.ReplaceAll(x.Found, "\n", "\n\t\t"))
			}
		}
		t.Flush()
		if f := m.Facts; f != nil {
			fmt.Fprintf(w, "  %s %s, Linux %s; root on %s, /var on %s (%s), network %s\n", f.Name, f.Version, f.Kernel, f.Root.Device, f.Var.Device, f.Var.Label, strings.Join(f.Interfaces, " "))
			fmt.Fprintf(w, "  up after %s\n", f.Startup)
		}
		if m.OK {
			continue
		}
		if f := m.Facts; f != nil {
			for _, line := range f.Journal {
				fmt.Fprintf(w, "  journal: %s\n", line)
			}
		}
		for _, line := range m.Console {
			fmt.Fprintf(w, "  console: %s\n", line)
		}
	}
}
