package machine

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeHost is a host whose qemu is a shell script.
func fakeHost(t *testing.T, script string) Host {
	t.Helper()
	dir, temp := t.TempDir(), t.TempDir()
	describe(t, dir, "60-plain", "x86_64", `"pc-q35-*"`, ``)
	program := filepath.Join(dir, "qemu")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return Host{Look: func(string) (string, error) { return program, nil }, Firmware: []string{dir}, Temp: temp, Arch: "arm64"}
}

// fakeOptions start a disk of nothing.
func fakeOptions(t *testing.T) Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk.raw")
	if err := os.WriteFile(file, rawDisk(t, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"), 0o600); err != nil {
		t.Fatal(err)
	}
	img, err := OpenImage(file)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Image: img}
}

// isEmpty fails where a machine left something in its host's temporary folder.
func isEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", entries, err)
	}
}

// What a machine reports is judged, and why one that reports nothing does not.
func TestInspect(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "report")
	if err := os.WriteFile(report, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		summary, script string
		silence         time.Duration
		ok              bool
		want, err       string
	}{
		{"all is well", "echo console >&3; cat " + report + " >&4", 0, true, "", ""},
		{"half a report", "head -n 9 " + report + " >&4", 0, false, "it ended before it had reported", ""},
		{"an emergency", "echo '[    3.1] localhost systemd[1]: Dependency failed for /sysroot' >&4", 0, false, "it ended in emergency mode:\n[    3.1] localhost systemd[1]: Dependency failed for /sysroot", ""},
		{"a panic", "echo '[    1.0] Kernel panic - not syncing: no root' >&3; exec sleep 600", 0, false, `its console says "[    1.0] Kernel panic - not syncing: no root"`, ""},
		{"a kernel image that the loader refuses", "echo 'boot.c:2576@image_start: Error loading system.efi: Access denied' >&3; exec sleep 600", 0, false,
			`its console says "boot.c:2576@image_start: Error loading system.efi: Access denied"`, ""},
		{"a root that is not what it was", "echo '[   10.8] device-mapper: verity: 253:2: data block 0 is corrupted' >&3; exec sleep 600", 0, false,
			`its console says "[   10.8] device-mapper: verity: 253:2: data block 0 is corrupted"`, ""},
		{"silence", "exec sleep 600", 50 * time.Millisecond, false, "it said nothing for 50ms", ""},
		{"qemu does not like it", "echo 'qemu: no such device' >&2; exit 1", 0, false, "", `cannot run the machine "virtio": qemu: no such device`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			h := fakeHost(t, row.script)
			var log bytes.Buffer
			res, err := Inspect(context.Background(), h, fakeOptions(t), Inspection{Silence: row.silence, Log: &log})
			if row.err != "" {
				if err == nil || err.Error() != row.err {
					t.Errorf("%v, want %s", err, row.err)
				}
				isEmpty(t, h.Temp)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if res.OK != row.ok || !row.ok && (len(res.Findings) != 1 || res.Findings[0].Found != row.want) {
				t.Errorf("%+v", res)
			}
			if row.ok && log.String() != "console\n" {
				t.Errorf("the console said %q", log.String())
			}
			isEmpty(t, h.Temp)
		})
	}
}

// Somebody who interrupts a test gets that, and no verdict.
func TestInspectIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(context.Background())
	h := fakeHost(t, "echo up >&3; exec sleep 600")
	_, err := Inspect(ctx, h, fakeOptions(t), Inspection{Log: writerFunc(func(b []byte) (int, error) { stop(); return len(b), nil })})
	if err != context.Canceled {
		t.Errorf("got %v", err)
	}
	isEmpty(t, h.Temp)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// What cannot be started is refused before anything is, with what to do.
func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		summary string
		change  func(*Options, *Host)
		want    string
	}{
		{"a machine of another architecture", func(o *Options, _ *Host) { o.Type = "virt" }, `no machine "virt" for amd64`},
		{"no kernel image", func(o *Options, _ *Host) { o.Type = "uki" }, "starts a unified kernel image, and none was given"},
		{"no Secure Boot on i440fx", func(o *Options, _ *Host) { o.Type, o.SecureBoot = "sata", true }, "has no Secure Boot"},
		{"no firmware", func(_ *Options, h *Host) { h.Firmware = nil }, "no UEFI firmware"},
		{"no qemu", func(_ *Options, h *Host) { h.Look = exec.LookPath }, "there is no program qemu-system-x86_64"},
		{"no variables", func(o *Options, _ *Host) { o.Variables = "/nonexistent" }, "cannot read the firmware's variables"},
		{"too large a disk", func(o *Options, _ *Host) { o.DiskSize = 1 << 60 }, "cannot make a disk"},
	} {
		h, o := fakeHost(t, "exit 0"), fakeOptions(t)
		row.change(&o, &h)
		if row.summary == "no qemu" {
			h.Look = func(string) (string, error) { return "", exec.ErrNotFound }
		}
		if _, err := Start(context.Background(), h, o); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.summary, err, row.want)
		}
		isEmpty(t, h.Temp)
	}
}
