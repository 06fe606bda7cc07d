package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kiln"
	"kiln/internal/durable"
)

// Host is what of this computer machines are made of.
type Host struct {
	Look     func(program string) (file string, err error) // finds a program
	Firmware []string                                      // folders with descriptors of firmware
	Temp     string                                        // folder where machines keep their files
	Arch     string                                        // of Debian, of this computer's processor
	Stdin    io.Reader                                     // of interactive machines
	Stdout   io.Writer
}

// FirmwareFolders are where packages describe their firmware, as of qemu's docs/interop/firmware.json.
func FirmwareFolders() []string { return []string{"/etc/qemu/firmware", "/usr/share/qemu/firmware"} }

// patience is how long a machine that was told to end may take.
const patience = 10 * time.Second

// Running is a machine that was started.
type Running struct {
	Type        Type
	Accelerator string

	Console *os.File // of a machine that is not interactive: what the guest's console says, and hears
	report  *os.File

	cmd    *exec.Cmd
	told   bytes.Buffer // what qemu complained of
	done   chan struct{}
	status error
	stop   context.CancelFunc
}

// Start starts a machine. It ends when ctx does, and with this process, however that ends.
// Wait must be called.
func Start(ctx context.Context, h Host, o Options) (*Running, error) {
	o, p, program, err := prepare(ctx, h, o)
	if err != nil {
		return nil, err
	}
	dir, release, err := durable.MkdirTemp(filepath.Join(h.Temp, "kiln-machine"))
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder for the machine's files: %w", err)
	}
	clean := func() {
		release()
		_ = durable.RemoveAll(dir) // what is left goes with the next machine
	}
	if err := p.write(dir, o); err != nil {
		clean()
		return nil, err
	}
	r, err := launch(ctx, h, o, p, program, clean)
	if err != nil {
		clean()
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot start %s: %v", program, err), Err: err}
	}
	return r, nil
}

// prepare fills in what was left open, and finds what the host has.
func prepare(ctx context.Context, h Host, o Options) (Options, parts, string, error) {
	var p parts
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.DiskSize == 0 {
		o.DiskSize = DefaultDiskSize
	}
	arch := o.Image.Arch
	if arch == "" {
		arch = h.Arch
	}
	p.uuid = uuidOf(o.Image.Path)
	if o.Image.Format == "efi" {
		o.UKI, o.Image = o.Image.Path, Image{}
	}
	var err error
	if p.typ, err = TypeOf(o.Type, arch); err != nil {
		return o, p, "", err
	}
	if p.typ.direct && o.UKI == "" {
		return o, p, "", &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("the machine %q starts a unified kernel image, and none was given", p.typ.Name), Hints: []string{"--uki FILE names one"}}
	}
	if o.SecureBoot && p.typ.board == "pc" {
		return o, p, "", &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("the machine %q has no Secure Boot: its board has no system management mode", p.typ.Name), Hints: []string{"--machine virtio"}}
	}
	if p.firmware, err = firmware(h.Firmware, p.typ, o.SecureBoot); err != nil {
		return o, p, "", err
	}
	if o.Variables != "" {
		p.firmware.Variables = o.Variables
	}
	name := "qemu-system-" + qemuArch[arch]
	program, err := h.Look(name)
	if err != nil {
		return o, p, "", &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot start a machine: there is no program %s", name), Err: err,
			Hints: []string{"apt install " + map[string]string{"amd64": "qemu-system-x86", "arm64": "qemu-system-arm"}[arch]}}
	}
	p.uki, p.accelerator = o.UKI, o.Accelerator
	if p.accelerator == "" {
		p.accelerator = accelerator(ctx, program, arch, h)
	}
	return o, p, program, nil
}

// write puts the machine's own files into its folder.
func (p *parts) write(dir string, o Options) error {
	text, err := os.ReadFile(p.firmware.Variables)
	if err != nil {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the firmware's variables: %v", err), Err: err}
	}
	p.variables = filepath.Join(dir, "variables.fd")
	if err := os.WriteFile(p.variables, text, 0o600); err != nil {
		return err
	}
	for i, c := range o.Credentials {
		file := filepath.Join(dir, "credential-"+strconv.Itoa(i))
		if err := os.WriteFile(file, []byte(c.smbios()), 0o600); err != nil {
			return err
		}
		p.strings = append(p.strings, file)
	}
	if o.Image.Path == "" {
		return nil
	}
	if o.Keep {
		p.disk, p.diskFormat = o.Image.Path, o.Image.Format
		return nil
	}
	p.disk, p.diskFormat = filepath.Join(dir, "disk.qcow2"), "qcow2"
	f, err := os.OpenFile(p.disk, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(writeOverlay(f, o.Image, max(o.DiskSize, o.Image.Size)), f.Close())
}

// launch starts qemu. clean is called once it has ended.
func launch(ctx context.Context, h Host, o Options, p parts, program string, clean func()) (*Running, error) {
	ctx, stop := context.WithCancel(ctx)
	r := &Running{Type: p.typ, Accelerator: p.accelerator, done: make(chan struct{}), stop: stop}
	var theirs []*os.File
	if !o.Interactive {
		for i, ours := range []**os.File{&r.Console, &r.report} {
			mine, other, err := pair()
			if err != nil {
				stop()
				return nil, err
			}
			*ours, theirs = mine, append(theirs, other)
			*[]*int{&p.console, &p.report}[i] = 3 + i // the first that exec.Cmd hands on
		}
	}
	r.cmd = exec.CommandContext(ctx, program, args(o, p)...)
	r.cmd.Stderr, r.cmd.ExtraFiles = &r.told, theirs
	if o.Interactive {
		r.cmd.Stdin, r.cmd.Stdout = h.Stdin, h.Stdout
	}
	r.cmd.SysProcAttr = bound(!o.Interactive)
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) } // qemu then writes what it holds
	r.cmd.WaitDelay = patience
	started := make(chan error)
	go func() {
		// The kernel ends qemu when the thread ends that started it: so that thread stays.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := r.cmd.Start()
		for _, f := range theirs {
			f.Close()
		}
		started <- err
		if err == nil {
			r.status = r.cmd.Wait()
			clean()
		}
		close(r.done)
	}()
	if err := <-started; err != nil {
		stop()
		r.closePorts()
		return nil, err
	}
	return r, nil
}

// Stop ends the machine, as pulling its plug does.
func (r *Running) Stop() { r.stop() }

// Wait waits for the machine's end. A machine that was stopped, or that switched itself off, ended well.
func (r *Running) Wait(ctx context.Context) error {
	<-r.done
	r.stop()
	var exit *exec.ExitError
	if errors.As(r.status, &exit) && ctx.Err() == nil && exit.ExitCode() > 0 {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot run the machine %q: %s", r.Type.Name, r.complaint()), Err: r.status}
	}
	return ctx.Err()
}

func (r *Running) closePorts() {
	for _, f := range []*os.File{r.Console, r.report} {
		if f != nil {
			f.Close()
		}
	}
}

// complaint is what qemu said, on one line.
func (r *Running) complaint() string {
	text := strings.Join(strings.FieldsFunc(r.told.String(), func(c rune) bool { return c == '\n' }), "; ")
	if text = plain(text); text == "" {
		return r.status.Error()
	}
	return text
}

// pair is two ends of a connection; the first waits without holding a thread.
func pair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a connection to the machine: %w", err)
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "machine"), os.NewFile(uintptr(fds[1]), "machine"), nil
}
