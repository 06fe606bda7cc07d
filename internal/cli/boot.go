package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kiln"
	"kiln/internal/machine"
)

// bootFlags are the flags of kiln boot, as typed.
type bootFlags struct {
	machineFlags
	machine  string
	ssh      string
	network  bool
	snapshot bool
	reboot   bool
}

func (a *app) bootCommand() *cobra.Command {
	var f bootFlags
	cmd := &cobra.Command{
		Use:   "boot IMAGE",
		Short: "Start a disk image in a virtual machine, with its console on the terminal",
		Long: `Start a disk image (raw, qcow2, vhd or vmdk) or a unified kernel image in a virtual
machine, with its serial console on this terminal. Ctrl-A X ends the machine, Ctrl-A H
tells what else Ctrl-A does.

The image stays as it is: what the machine writes is gone when it ends, unless
--snapshot=false is given. Its disk is as large as --disk-size, so that there is room for what
the first boot makes.

It runs in qemu (qemu-system-x86_64, qemu-system-aarch64), with the UEFI firmware that the
host's packages describe to qemu (ovmf, qemu-efi-aarch64), and the processor's own
virtualisation where that works, which is tried out; else it is emulated, which takes
ten times as long.

The machine reaches no network unless --network or --ssh is given.`,
		Example: `  kiln boot system.raw
  kiln boot system.qcow2 --memory 2G --credential passwd.plaintext-password.root=secret
  kiln boot system.raw --ssh 2222 --credential "ssh.authorized_keys.root=$(cat ~/.ssh/id_ed25519.pub)"
  kiln boot system.raw --machine nvme --secure-boot
  kiln boot system.raw --uki system.efi --machine uki`,
		Args:              exactly(1, "a disk image, such as system.raw"),
		ValidArgsFunction: completeAny,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.boot(cmd.Context(), args[0], f) },
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.machine, "machine", "", "the machine: `TYPE` is "+strings.Join(machine.Names(), ", "))
	flags.StringVar(&f.ssh, "ssh", "", "let `PORT` of this host's loopback address lead to port 22 of the machine")
	flags.BoolVar(&f.network, "network", false, "let the machine reach what this host reaches")
	flags.BoolVar(&f.snapshot, "snapshot", true, "leave the image as it is; --snapshot=false writes to it")
	flags.BoolVar(&f.reboot, "reboot", true, "let the machine start again when it wants to; --reboot=false ends it then")
	complete(cmd, "machine", words(machine.Names()...))
	complete(cmd, "ssh", words())
	return cmd
}

func (a *app) boot(ctx context.Context, path string, f bootFlags) error {
	if a.ui.json {
		return &kiln.Error{Code: kiln.Usage, Text: "kiln boot shows a console, and has no result for --json", Hints: []string{"kiln test " + path + " --json"}}
	}
	o, err := f.options(path)
	if err != nil {
		return err
	}
	o.Type, o.Keep, o.Reboot, o.Network, o.Interactive = f.machine, !f.snapshot, f.reboot, f.network || f.ssh != "", true
	if f.ssh != "" {
		port, err := freePort(f.ssh)
		if err != nil {
			return err
		}
		o.Forward = []machine.Forward{{Host: port, Guest: 22}}
	}
	restore := a.keepTerminal()
	defer restore()
	r, err := machine.Start(ctx, a.host(), o)
	if err != nil {
		return err
	}
	a.ui.sink(kiln.Event{State: kiln.Note, Text: fmt.Sprintf("machine %s (%s); Ctrl-A X ends it", r.Type.Name, r.Accelerator)})
	if f.ssh != "" {
		a.ui.sink(kiln.Event{State: kiln.Note, Text: "ssh -p " + f.ssh + " root@127.0.0.1"})
	}
	return r.Wait(ctx)
}

// freePort reads a port that nothing on this host listens on.
func freePort(s string) (int, error) {
	port, err := strconv.Atoi(s)
	if err != nil || port < 1 || port > 65535 {
		return 0, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the port %q of --ssh", s), Hints: []string{"--ssh 2222"}}
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+s)
	if err != nil {
		return 0, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the port %d of this host for --ssh: %v", port, err), Err: err, Hints: []string{"--ssh " + strconv.Itoa(port%65535+1)}}
	}
	return port, l.Close()
}

// keepTerminal remembers how the terminal is set: qemu sets it otherwise, and cannot put it back
// when it is killed.
func (a *app) keepTerminal() (restore func()) {
	f, ok := a.world.Stdin.(*os.File)
	if !ok {
		return func() {}
	}
	state, err := term.GetState(int(f.Fd()))
	if err != nil {
		return func() {}
	}
	return func() { _ = term.Restore(int(f.Fd()), state) }
}
