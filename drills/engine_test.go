package drills_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// probe reads what a program needs from a base image: its own user, a host name
// file, CA roots and time zones; and proves that the root is read-only.
const probeGo = `package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/user"
	"time"
)

func main() {
	roots, err := x509.SystemCertPool()
	if err != nil {
		panic(err)
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	me, err := user.Current()
	if err != nil {
		panic(err)
	}
	_, err = os.Create("/probe")
	fmt.Printf("uid=%s user=%s roots=%t zone=%s read-only=%t\n", me.Uid, me.Username, !roots.Equal(x509.NewCertPool()), zone, err != nil)
}
`

const probeC = `#include <stdio.h>
#include <pwd.h>
#include <unistd.h>
#include <gnu/libc-version.h>
int main(void) {
	struct passwd *p = getpwuid(getuid());
	FILE *f = fopen("/probe", "w");
	printf("uid=%d user=%s glibc=%d read-only=%d\n", getuid(), p ? p->pw_name : "?", gnu_get_libc_version()[0] == '2', f == NULL);
	return 0;
}
`

// probes builds the two programs into a folder that is mounted in the containers.
func probes(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module probe\n")
	write(t, filepath.Join(dir, "main.go"), probeGo)
	write(t, filepath.Join(dir, "probe.c"), probeC)
	cmd := exec.Command("go", "build", "-o", "static", ".")
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	output(t, cmd)
	run(t, dir, "gcc", "-o", "dynamic", "probe.c")
	run(t, dir, "chmod", "-R", "a+rX", dir)
	return dir
}

func TestProgramsRunUnderTheEngines(t *testing.T) {
	real(t)
	bin := probes(t)
	for _, name := range []string{"static", "base", "debug"} {
		dir := example(t, name)
		build(t, dir, "--platform", "linux/amd64", "-o", "docker-archive:image.tar")
		for _, e := range engines() {
			t.Run(name+"/"+e.name, func(t *testing.T) {
				ref := e.load(t, filepath.Join(dir, "image.tar"))
				defer e.remove(t, ref)
				want := "uid=65532 user=nonroot roots=true zone=Europe/Berlin read-only=true\n"
				if got := e.run(t, ref, bin, "/probe.d/static"); got != want {
					t.Errorf("static program: got %q, want %q", got, want)
				}
				if name == "static" {
					return
				}
				want = "uid=65532 user=nonroot glibc=1 read-only=1\n"
				if got := e.run(t, ref, bin, "/probe.d/dynamic"); got != want {
					t.Errorf("dynamically linked program: got %q, want %q", got, want)
				}
			})
		}
	}
}

func TestDebugHasAShell(t *testing.T) {
	real(t)
	dir := example(t, "debug")
	build(t, dir, "--platform", "linux/amd64", "-o", "docker-archive:image.tar")
	for _, e := range engines() {
		ref := e.load(t, filepath.Join(dir, "image.tar"))
		defer e.remove(t, ref)
		if got := e.run(t, ref, t.TempDir(), "/bin/sh", "-c", "echo $((6*7)); ls / | head -1"); !strings.HasPrefix(got, "42\n") {
			t.Errorf("%s: the shell printed %q", e.name, got)
		}
	}
}

// engine is a container engine and how to run it on machines with an old cgroup layout.
type engine struct {
	name string
	cli  []string
	opts []string
}

func engines() []engine {
	return []engine{
		{"docker", []string{"docker"}, nil},
		{"podman", []string{"podman", "--runtime", "runc"}, []string{"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"}},
	}
}

// load loads an archive and returns the name that the engine gave it.
func (e engine) load(t *testing.T, archive string) string {
	t.Helper()
	out := run(t, "", e.cli[0], append(e.cli[1:], "load", "-i", archive)...)
	_, ref, ok := strings.Cut(out, "Loaded image: ")
	if !ok {
		if _, ref, ok = strings.Cut(out, "Loaded image ID: "); !ok {
			t.Fatalf("%s load printed %q", e.name, out)
		}
	}
	return strings.TrimSpace(ref)
}

// run runs a program with a read-only root, no network, and bin mounted.
func (e engine) run(t *testing.T, ref, bin string, command ...string) string {
	t.Helper()
	args := append(e.cli[1:], "run", "--rm", "--read-only", "--network=none", "-v", bin+":/probe.d:ro", "--entrypoint", command[0])
	args = append(append(args, e.opts...), ref)
	return run(t, "", e.cli[0], append(args, command[1:]...)...)
}

// shell runs a line of shell as root with a read-only root and no network, and
// returns what it prints on either output, whatever its status.
func (e engine) shell(t *testing.T, ref, line string) string {
	t.Helper()
	return e.sh(t, ref, line, "--read-only", "--tmpfs", "/tmp")
}

// change is shell with a root that can be changed.
func (e engine) change(t *testing.T, ref, line string) string {
	t.Helper()
	return e.sh(t, ref, line)
}

func (e engine) sh(t *testing.T, ref, line string, opts ...string) string {
	t.Helper()
	args := append(slices.Clone(e.cli[1:]), "run", "--rm", "--network=none", "--user=0", "--entrypoint", "/bin/sh")
	args = append(append(append(args, opts...), e.opts...), ref, "-c", "{ "+line+"\n} 2>&1; true")
	return run(t, "", e.cli[0], args...)
}

// remove removes the image: engines reuse layers by diffID, and a later load would prove nothing.
func (e engine) remove(t *testing.T, ref string) {
	t.Helper()
	run(t, "", e.cli[0], append(e.cli[1:], "rmi", "-f", ref)...)
}
