package toolboxtest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strconv"
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

// toolCase is one block of testdata/tools.txt: "=== summary", the script, "---
// status", the output. A backslash at its very end stands for no newline there.
type toolCase struct {
	summary, script, want string
	status                int
}

func toolCases(t *testing.T) []toolCase {
	t.Helper()
	data, err := os.ReadFile("testdata/tools.txt")
	if err != nil {
		t.Fatal(err)
	}
	separator := regexp.MustCompile(`(?m)^--- (\d+)\n`)
	var all []toolCase
	text := "\n" + strings.TrimSuffix(string(data), "\n")
	for _, block := range strings.Split(text, "\n=== ")[1:] {
		summary, rest, _ := strings.Cut(block+"\n", "\n")
		at := separator.FindStringSubmatchIndex(rest)
		if at == nil {
			t.Fatalf("%s: no status", summary)
		}
		status, err := strconv.Atoi(rest[at[2]:at[3]])
		if err != nil {
			t.Fatal(err)
		}
		want := rest[at[1]:]
		if bare, ok := strings.CutSuffix(want, "\\\n"); ok {
			want = bare
		}
		all = append(all, toolCase{summary, rest[:at[0]], want, status})
	}
	return all
}

// runTools runs a script over a small tree.
func runTools(t *testing.T, script string) (string, int) {
	t.Helper()
	fs := vfs.New(tree.New(), tree.Bytes{}, 1_700_000_000)
	for _, dir := range []string{"/usr/bin", "/usr/sbin", "/etc", "/tmp/work"} {
		Must(t, fs.MkdirAll(dir, 0o755))
	}
	Must(t, fs.WriteFile("/usr/bin/sh", []byte("\x7fELF"), 0o755))
	Must(t, fs.WriteFile("/etc/passwd", []byte("root:x:0:0:root:/root:/bin/bash\n"), 0o644))
	Must(t, fs.WriteFile("/etc/group", []byte("root:x:0:\n"), 0o644))
	var out, errs bytes.Buffer
	r := shell.Runner{FS: fs, Machine: &command.Machine{Arch: "amd64", Epoch: kiln.Epoch(1_700_000_000), Packages: Packages{}},
		Table: toolbox.ShellTools(), Stdout: &out, Stderr: &errs}
	status, err := r.Run(context.Background(), shell.Script{
		Package: "app", Name: "postinst", Path: "app.postinst", Source: []byte(script), Args: []string{"configure", ""},
		Env: map[string]string{"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}, Dir: "/tmp/work", Umask: 0o022,
	})
	if err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		t.Log(errs.String())
	}
	return out.String(), status
}

// hostTools runs a script with the machine's own shell and tools.
func hostTools(t *testing.T, script string) (string, int) {
	t.Helper()
	name := t.TempDir() + "/script"
	if err := os.WriteFile(name, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dash", "-c", `umask 022; . "$0"`, name, "configure", "")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Judged runs the scripts of testdata/tools.txt. The table was made with the tools of
// Debian 12; with KILN_TEST=real the machine's own are asked again.
func Judged(t *testing.T) {
	t.Helper()
	for _, row := range toolCases(t) {
		t.Run(row.summary, func(t *testing.T) {
			if os.Getenv("KILN_TEST") == "real" {
				if out, status := hostTools(t, row.script); out != row.want || status != row.status {
					t.Fatalf("the real tools give %d and\n%s", status, out)
				}
			}
			out, status := runTools(t, row.script)
			if out != row.want || status != row.status {
				t.Errorf("%s\ngot %d\n%s\nwant %d\n%s", row.script, status, out, row.status, row.want)
			}
		})
	}
}
