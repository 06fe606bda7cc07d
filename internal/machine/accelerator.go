package machine

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"kiln/internal/durable"
)

// trialTime is how long a machine may take that does nothing but switch itself off.
const trialTime = 5 * time.Second

// accelerator is "kvm" where a program of three instructions runs with it and switches its machine off, else
// "tcg", emulation: /dev/kvm can be there, and virtual machines within it fail all the same.
func accelerator(ctx context.Context, program, arch string, h Host) string {
	if arch != h.Arch {
		return "tcg"
	}
	if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
		return "tcg"
	} else {
		f.Close()
	}
	if trial(ctx, program, arch, "kvm", h.Temp) != nil {
		return "tcg"
	}
	return "kvm"
}

// trial starts a machine whose whole firmware switches it off.
func trial(ctx context.Context, program, arch, accel, temp string) error {
	dir, release, err := durable.MkdirTemp(filepath.Join(temp, "kiln-trial"))
	if err != nil {
		return err
	}
	defer func() {
		release()
		_ = durable.RemoveAll(dir) // what is left goes with the next
	}()
	rom := filepath.Join(dir, "rom")
	if err := os.WriteFile(rom, trialROM(arch), 0o600); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, trialTime)
	defer stop()
	cpu := "host"
	if accel != "kvm" {
		cpu = "max"
	}
	a := []string{"-accel", accel, "-cpu", cpu, "-nodefaults", "-no-user-config", "-display", "none", "-m", "64M", "-bios", rom}
	want := 0
	if arch == "arm64" {
		a = append(a, "-machine", "virt")
	} else {
		a, want = append(a, "-machine", "q35", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"), trialExit
	}
	cmd := exec.CommandContext(ctx, program, a...)
	cmd.WaitDelay = patience
	err = cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == want {
		return nil
	}
	return errors.Join(errors.New("the machine did not switch itself off"), err)
}

// trialExit is qemu's status when the program writes 0x10 to its debug exit: 0x10<<1 | 1.
const trialExit = 0x21

// trialROM is firmware that switches the machine off.
func trialROM(arch string) []byte {
	if arch == "arm64" {
		return []byte{ // PSCI's SYSTEM_OFF (Arm DEN0022, 5.10)
			0x00, 0x01, 0x80, 0x52, // movz w0, #0x0008
			0x00, 0x80, 0xb0, 0x72, // movk w0, #0x8400, lsl #16
			0x02, 0x00, 0x00, 0xd4, // hvc #0
			0x00, 0x00, 0x00, 0x14, // b .
		}
	}
	rom := make([]byte, 64<<10)
	copy(rom[len(rom)-16:], []byte{ // where an x86 begins
		0xb0, 0x10, // mov al, 0x10
		0xe6, 0xf4, // out 0xf4, al
		0xf4, // hlt
	})
	return rom
}
