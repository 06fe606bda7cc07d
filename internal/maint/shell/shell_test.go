package shell_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/maint/shell"
	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

const epoch = kiln.Epoch(1_700_000_000)

// bench is a file system and what runs scripts over it.
type bench struct {
	t      *testing.T
	fs     *vfs.FS
	out    bytes.Buffer
	errs   bytes.Buffer
	runner *shell.Runner
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, fs: vfs.New(tree.New(), tree.Bytes{}, epoch)}
	for _, dir := range []string{"/usr/bin", "/usr/sbin", "/etc", "/tmp", "/dev", "/proc"} {
		if err := b.fs.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.runner = &shell.Runner{
		FS: b.fs, Machine: &command.Machine{Arch: "amd64", Epoch: epoch}, Table: toolbox.ShellTools(), Stdout: &b.out, Stderr: &b.errs,
	}
	return b
}

func (b *bench) write(path, text string, mode uint32) {
	b.t.Helper()
	if err := b.fs.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := b.fs.WriteFile(path, []byte(text), mode); err != nil {
		b.t.Fatal(err)
	}
}

func script(text string) shell.Script {
	return shell.Script{
		Package: "pkg", Name: "postinst", Path: "/var/lib/dpkg/info/pkg.postinst", Source: []byte(text),
		Args: []string{"configure", ""}, Env: map[string]string{"PATH": "/usr/sbin:/usr/bin"}, Umask: 0o022,
	}
}

func (b *bench) run(text string) (int, error) {
	b.t.Helper()
	b.out.Reset()
	b.errs.Reset()
	return b.runner.Run(context.Background(), script(text))
}

// hostDash runs a script with the real dash.
func hostDash(t *testing.T, text string) (string, int) {
	t.Helper()
	name := t.TempDir() + "/script"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dash", name, "configure", "")
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
