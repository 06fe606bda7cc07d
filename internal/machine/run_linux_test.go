package machine

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestMain is also the process that TestMachineEndsWithKiln kills.
func TestMain(m *testing.M) {
	if fifo := os.Getenv("KILN_MACHINE_VICTIM"); fifo != "" {
		victim(fifo, os.Getenv("KILN_MACHINE_FOLDER"))
	}
	os.Exit(m.Run())
}

// victim starts a machine and waits for it.
func victim(fifo, dir string) {
	h := Host{Look: func(string) (string, error) { return filepath.Join(dir, "qemu"), nil }, Firmware: []string{dir}, Temp: dir, Arch: "arm64"}
	img, err := OpenImage(filepath.Join(dir, "disk.raw"))
	if err != nil {
		panic(err)
	}
	r, err := Start(context.Background(), h, Options{Image: img})
	if err != nil {
		panic(err)
	}
	_ = r.Wait(context.Background())
	os.Exit(0)
}

// A kiln that is killed leaves no machine behind.
func TestMachineEndsWithKiln(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	describe(t, dir, "60-plain", "x86_64", `"pc-q35-*"`, ``)
	for name, text := range map[string]string{"qemu": "#!/bin/sh\nexec 9>" + fifo + "\necho up >&9\nexec sleep 600\n", "disk.raw": string(rawDisk(t, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "KILN_MACHINE_VICTIM="+fifo, "KILN_MACHINE_FOLDER="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(fifo) // waits for the machine
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b := bufio.NewReader(r)
	if line, err := b.ReadString('\n'); err != nil || line != "up\n" {
		t.Fatalf("the machine said %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()                                               // it was killed
	if rest, err := io.ReadAll(b); err != nil || len(rest) > 0 { // ends when the machine does
		t.Errorf("the machine said %q, %v", rest, err)
	}
}
