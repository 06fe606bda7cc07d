package sandbox_test

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kiln"
	"kiln/internal/sandbox"
)

// The test program is all that is in a sandbox: as its first process, and as the
// commands that look about.
const (
	initArg  = "sandbox-init"
	probeArg = "sandbox-probe"
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == initArg:
		os.Exit(sandbox.Init())
	case len(os.Args) > 2 && os.Args[1] == probeArg:
		os.Exit(probe(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// probe is a command in a sandbox.
func probe(what string, args []string) int {
	fail := func(err error) int {
		fmt.Println(err)
		return 3
	}
	switch what {
	case "look":
		look()
	case "exit":
		fmt.Println("on the way out")
		return 7
	case "write":
		if err := os.WriteFile(args[0], []byte(args[1]), 0o666); err != nil {
			return fail(err)
		}
	case "print":
		b, err := os.ReadFile(args[0])
		if err != nil {
			return fail(err)
		}
		info, _ := os.Stat(args[0])
		fmt.Printf("%s %v\n", b, info.Mode())
	case "leave": // a child that outlives its parent, and would write
		cmd := exec.Command("/probe", probeArg, "wait")
		if err := cmd.Start(); err != nil {
			return fail(err)
		}
	case "wait":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		hear := make(chan os.Signal, 1)
		signal.Notify(hear, syscall.SIGUSR1)
		fmt.Println("waiting")
		<-hear
	case "count":
		list, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			return fail(err)
		}
		fmt.Println(len(list), "processes")
	}
	return 0
}

// look tells what a command finds.
func look() {
	host, _ := os.Hostname()
	wd, _ := os.Getwd()
	fmt.Println("host", host, "uid", os.Getuid(), "gid", os.Getgid(), "wd", wd, "parent", os.Getppid())
	umask := syscall.Umask(0)
	fmt.Printf("umask %03o\n", umask)
	env := os.Environ()
	slices.Sort(env)
	fmt.Println("env", env)
	interfaces, _ := os.ReadFile("/proc/net/dev")
	for line := range strings.Lines(string(interfaces)) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			fmt.Println("interface", strings.TrimSpace(name))
		}
	}
	if s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil {
		fmt.Println("connect:", unix.Connect(s, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}))
		unix.Close(s)
	}
	for _, dir := range []string{"/", "/dev", "/run"} {
		list, _ := os.ReadDir(dir)
		var names []string
		for _, d := range list {
			names = append(names, d.Name())
		}
		fmt.Println(dir, names)
	}
	open, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range open {
		to, _ := os.Readlink(fd)
		if to != "" && !strings.HasPrefix(to, "/dev/null") && !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "anon_inode:") && !strings.HasPrefix(to, "/proc/") {
			fmt.Println("has open", to)
		}
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "CapEff") || strings.HasPrefix(line, "CapBnd") || strings.HasPrefix(line, "NoNewPrivs") {
			fmt.Println(strings.Join(strings.Fields(line), " "))
		}
	}
	for _, p := range []string{"/proc/sys/kernel/hostname", "/proc/sysrq-trigger"} {
		if f, err := os.OpenFile(p, os.O_WRONLY, 0); err == nil {
			fmt.Println("can write", p)
			f.Close()
		}
	}
	if b, err := os.ReadFile("/proc/1/environ"); err == nil && len(b) > 0 {
		fmt.Println("can read the first process")
	}
	if f, err := os.OpenFile("/proc/kcore", os.O_RDONLY, 0); err == nil {
		if b, _ := io.ReadAll(io.LimitReader(f, 16)); len(b) > 0 {
			fmt.Println("can read memory")
		}
	}
	for what, err := range map[string]error{
		"mount": unix.Mount("tmpfs", "/tmp", "tmpfs", 0, ""), "node": unix.Mknod("/tmp/node", unix.S_IFBLK|0o600, 0), "host name": unix.Sethostname([]byte("other")),
		"owner": os.Chown("/probe", 12345, 12345), "time": unix.Settimeofday(&unix.Timeval{Sec: 1}),
	} {
		if err == nil {
			fmt.Println("can change the", what)
		}
	}
	if err := os.WriteFile("/dev/null", []byte("x"), 0); err != nil {
		fmt.Println("null:", err)
	}
	if _, err := os.Open("/dev/tty"); err == nil {
		fmt.Println("has a terminal")
	}
}

// program is the test program as a static one.
var program = sync.OnceValues(func() ([]byte, error) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(self))
	if err != nil || f.Section(".interp") == nil {
		return self, err
	}
	dir, err := os.MkdirTemp("", "probe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "test", "-c", "-o", filepath.Join(dir, "probe"), ".")
	cmd.Env, cmd.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "probe"))
})

// scene makes a root with the probe alone.
func scene(t *testing.T) sandbox.Job {
	t.Helper()
	root := t.TempDir()
	b, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "probe"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	return sandbox.Job{Self: []string{"/proc/self/exe", "kiln", initArg}, Root: root, Dir: "/work/here", Env: []string{"PATH=/none:/", "A=b"}}
}

func command(what string, args ...string) sandbox.Command {
	return append(sandbox.Command{"probe", probeArg, what}, args...)
}

// does runs a job and returns what its commands printed, each behind its number.
func does(t *testing.T, ctx context.Context, j sandbox.Job) (string, error) {
	t.Helper()
	var b strings.Builder
	j.Output = func(command int, text []byte) {
		if text == nil {
			fmt.Fprintf(&b, "[%d]\n", command)
		}
		b.Write(text)
	}
	err := sandbox.Run(ctx, j)
	var e *kiln.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Text, "cannot run commands apart") && os.Getenv("KILN_TEST") != "real" {
		t.Skip(err)
	}
	return b.String(), err
}

func TestWhatACommandFinds(t *testing.T) {
	t.Setenv("KILN_LEAK", "leaked")
	host, err := os.Open("/etc")
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	fd, err := unix.Dup(int(host.Fd())) // as a careless shell leaves one open
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, uid := range []int{0, 1234} {
		j := scene(t)
		j.UID, j.GID = uid, uid
		if os.Geteuid() == 0 {
			if err := os.Chown(filepath.Join(j.Root, "probe"), uid, uid); err != nil {
				t.Fatal(err)
			}
		}
		j.Commands = []sandbox.Command{command("look")}
		got, err := does(t, t.Context(), j)
		if err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
		caps := "CapEff: 000000000000001a"
		if uid != 0 {
			caps = "CapEff: 0000000000000000"
		}
		want := fmt.Sprintf(`[0]
host kiln uid %d gid %d wd /work/here parent 1
umask 022
env [A=b PATH=/none:/]
interface lo
connect: network is unreachable
/ [dev probe proc run tmp work]
/dev [fd full null random shm stderr stdin stdout tty urandom zero]
/run []
%s
CapBnd: 000000000000001a
NoNewPrivs: 1
`, uid, uid, caps)
		if uid != 0 && os.Geteuid() != 0 {
			// A namespace of one's own bounds nothing that is outside of it.
			bound := regexp.MustCompile(`CapBnd: [0-9a-f]+\n`)
			got, want = bound.ReplaceAllString(got, ""), bound.ReplaceAllString(want, "")
		}
		if got != want {
			t.Errorf("uid %d: got:\n%s\nwant:\n%s", uid, got, want)
		}
	}
}

func TestCommandsInOrder(t *testing.T) {
	j := scene(t)
	j.Commands = []sandbox.Command{command("write", "/work/here/a", "one"), command("print", "a"), command("leave"), command("count"), command("exit"), command("count")}
	got, err := does(t, t.Context(), j)
	var failed *sandbox.Failed
	if !errors.As(err, &failed) || failed.Command != 4 || failed.How != "exit status 7" {
		t.Errorf("got %v", err)
	}
	got = strings.Replace(got, "[2]\nwaiting\n", "[2]\n", 1) // it may get so far
	if want := "[0]\n[1]\none -rw-r--r--\n[2]\n[3]\n2 processes\n[4]\non the way out\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if b, err := os.ReadFile(filepath.Join(j.Root, "work/here/a")); err != nil || string(b) != "one" {
		t.Errorf("what a command wrote: %q, %v", b, err)
	}
}

func TestSecretsStandInMemory(t *testing.T) {
	for _, uid := range []int{0, 1234} {
		j := scene(t)
		j.UID, j.GID = uid, uid
		j.Secrets = []sandbox.Secret{{ID: "token", Value: []byte("hush")}}
		j.Commands = []sandbox.Command{command("print", "/run/secrets/token")}
		got, err := does(t, t.Context(), j)
		if want := "[0]\nhush -r--------\n"; err != nil || got != want {
			t.Errorf("uid %d: got %q, %v, want %q", uid, got, err, want)
		}
		err = filepath.WalkDir(j.Root, func(p string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && d.Name() != "probe" {
				t.Errorf("left behind: %s", p)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestNoSuchProgram(t *testing.T) {
	j := scene(t)
	j.Commands = []sandbox.Command{{"make", "all"}}
	_, err := does(t, t.Context(), j)
	if want := `command 0: there is no program "make": is its package among the stage's?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A cancelled job ends with all its processes, and so does one that takes too long.
func TestEnd(t *testing.T) {
	j := scene(t)
	j.Commands = []sandbox.Command{command("wait")}
	ctx, cancel := context.WithCancel(t.Context())
	waits := j
	waits.Output = func(_ int, text []byte) {
		if text != nil {
			cancel()
		}
	}
	if err := sandbox.Run(ctx, waits); !errors.Is(err, context.Canceled) {
		var e *kiln.Error
		if errors.As(err, &e) && os.Getenv("KILN_TEST") != "real" {
			t.Skip(err)
		}
		t.Errorf("got %v", err)
	}
	j.Limit = 100 * time.Millisecond
	_, err := does(t, t.Context(), j)
	var late *sandbox.OverLimit
	if !errors.As(err, &late) {
		t.Errorf("got %v", err)
	}
}

// Nobody but Run may start the first process: it would mount over the machine.
func TestInitIsNotForPeople(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", initArg)
	cmd.Args = []string{"kiln", initArg}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "it is not the first process of a sandbox") {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestForeignArchitectures(t *testing.T) {
	if err := sandbox.CanRun(runtime.GOARCH); err != nil {
		t.Errorf("this machine's own: %v", err)
	}
	err := sandbox.CanRun("ppc64le")
	_, absent := os.Stat("/proc/sys/fs/binfmt_misc/qemu-ppc64le")
	if absent != nil && runtime.GOARCH != "ppc64le" && (err == nil || !strings.Contains(err.Error(), "cannot run programs for ppc64le on this machine") || !strings.Contains(err.Error(), "no emulator is registered")) {
		t.Errorf("got %v", err)
	}
}
