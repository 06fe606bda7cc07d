package drills_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// compiled copies the example with a stage to where any user can build it.
func compiled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	from := filepath.Join("..", "examples", "stages", "compiled")
	for _, name := range []string{"kiln.yaml", "src/hello.c"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(b))
	}
	return dir
}

// nobodys gives a folder to an ordinary user, with a way to it, and returns a command
// in it as that user.
func nobodys(t *testing.T, dir string) func(args ...string) *exec.Cmd {
	t.Helper()
	own := os.Getuid() != 0
	if !own {
		for up := dir; up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
			if err := os.Chmod(up, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := exec.Command("chown", "-R", "65534:65534", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return func(args ...string) *exec.Cmd {
		cmd := exec.Command(kilnBinary(t), args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "KILN_STORE="+filepath.Join(dir, "store"))
		if !own {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		return cmd
	}
}

// A program that gcc compiles in a stage runs from the image. An ordinary user gets the
// same bytes as root, and again when all is done anew.
func TestStageCompiles(t *testing.T) {
	real(t)
	dir := compiled(t)
	first := build(t, dir, "-o", "docker-archive:image.tar", "-o", "oci:image.oci", "-o", "folder:root")
	podman := engines()[1]
	ref := podman.load(t, filepath.Join(dir, "image.tar"))
	defer podman.remove(t, ref)
	if got := podman.start(t, ref, nil); got != "hello from a stage\n" {
		t.Errorf("the program says %q", got)
	}
	if gcc := filepath.Join(dir, "root/usr/bin/gcc"); exists(gcc) {
		t.Error("the compiler is in the image")
	}
	out := run(t, dir, kilnBinary(t), "provenance", "oci:image.oci")
	for _, want := range []string{"/gcc_", "/libc6-dev_", "/binutils-x86-64-linux-gnu_"} {
		if !strings.Contains(out, want) {
			t.Errorf("the provenance names no %s", want)
		}
	}
	again := build(t, dir, "-o", "oci:image.oci", "--verify-cache")
	if again.Index != first.Index {
		t.Errorf("made anew: %s, want %s", again.Index, first.Index)
	}

	as := nobodys(t, dir)
	out = output(t, as("build", "--json", "-o", "oci:user.oci"))
	if got := decode(t, out); got.Index != first.Index {
		t.Errorf("as an ordinary user: %s, want %s", got.Index, first.Index)
	}
	if out := output(t, as("prove")); !strings.Contains(out, "the same twice") {
		t.Errorf("prove: %s", out)
	}
	why := output(t, as("why", "oci:user.oci", "/usr/bin/hello"))
	if want := "  command:     gcc -O2 -Wall -Werror -o /out/hello hello.c\n"; !strings.Contains(why, want) {
		t.Errorf("why does not tell %q:\n%s", want, why)
	}
}

// Who may make no namespaces is told so, and what to type; a kept stage needs none.
func TestStageWithoutNamespaces(t *testing.T) {
	real(t)
	if !mayMakeNamespaces(t) {
		t.Fatal("this machine lets nobody make a user namespace: that is what the drill takes away")
	}
	dir := compiled(t)
	as := nobodys(t, dir)
	locked := func(args ...string) ([]byte, error) {
		cmd := as(args...)
		shut := exec.Command(cmd.Path, args...)
		if os.Getuid() == 0 {
			shut = exec.Command("setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", cmd.Path}, args...)...)
		}
		shut.Dir, shut.Env = cmd.Dir, cmd.Env
		lockedIn(t, shut)
		return shut.CombinedOutput()
	}
	out, err := locked("build", "-o", "oci:locked.oci")
	for _, want := range []string{"cannot run commands apart from this machine: the system makes no namespaces", "  try: let users have namespaces: sudo sysctl user.max_user_namespaces=15000\n", "  try: or run kiln as root\n"} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("not told: %q in %v:\n%s", want, err, out)
		}
	}
	output(t, as("build", "-o", "oci:free.oci"))
	if out, err := locked("build", "-o", "docker-archive:locked.tar"); err != nil {
		t.Errorf("with the stage kept: %v: %s", err, out)
	}
}

func exists(p string) bool {
	_, err := os.Lstat(p)
	return err == nil
}
