package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/oci"
	"kiln/internal/proof"
)

// What the second build of kiln prove is told, and what it tells. It runs as a process
// of its own, since umask, time zone, user and host name are a process's.

// secondInput is told on standard input.
type secondInput struct {
	Recipe      string            `json:"recipe"`
	Store       string            `json:"store"`
	Platforms   []kiln.Platform   `json:"platforms"`
	Outputs     []bake.Output     `json:"outputs"`
	Compression oci.Compression   `json:"compression"`
	Days        int               `json:"days"`              // by which the clock is ahead
	HostName    string            `json:"host_name"`         // to be set; empty: it is set, or stays
	Secrets     map[string][]byte `json:"secrets,omitempty"` // of stages
	Watched     bool              `json:"watched"`           // file 3 is a pipe, which ends with the process that started this one
}

// secondOutput is told on standard output.
type secondOutput struct {
	Result   *bake.Result `json:"result"`
	Umask    int          `json:"umask"` // before it was changed
	UID      int          `json:"uid"`
	HostName string       `json:"host_name"`
	Sealed   bool         `json:"sealed"` // no network but its own loopback is there
}

// The surroundings of the second build.
const (
	secondDays     = 400
	secondZone     = "Pacific/Kiritimati" // 14 hours ahead of UTC
	secondLocale   = "tr_TR.UTF-8"        // in which "I" is not the capital of "i"
	secondHostName = "kiln-prove-second"
	nobody         = 65534
)

// second is the second build, to be run.
type second struct {
	app    *app
	folder string // all that is its own
	in     secondInput
	drop   bool   // run as nobody
	why    string // why not
}

// prepare makes the folders of the second build, and hands them to its user.
func (s *second) prepare() error {
	for _, d := range []string{"home", "tmp", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(s.folder, d), 0o755); err != nil {
			return err
		}
	}
	s.drop, s.why = canDrop(s.folder)
	if !s.drop {
		return nil
	}
	err := filepath.WalkDir(s.folder, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, nobody, nobody)
	})
	if errors.Is(err, fs.ErrPermission) { // root of a container, without its rights
		s.drop, s.why = false, err.Error()
		return nil
	}
	return err
}

// canDrop reports whether the second build can run as nobody, and if not, why.
func canDrop(folder string) (ok bool, why string) {
	if os.Geteuid() != 0 {
		return false, "only root can become another user"
	}
	for dir := folder; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return false, err.Error()
		}
		if info.Mode()&0o001 == 0 && dir != folder {
			return false, fmt.Sprintf("another user cannot reach %s: TMPDIR may name another folder", dir)
		}
		if dir == filepath.Dir(dir) {
			return true, ""
		}
	}
}

// processors is how many the second build may use: other than the first.
func processors() int {
	if runtime.GOMAXPROCS(0) > 1 {
		return 1
	}
	return 3
}

// command is the second build as a process, in no namespaces yet.
func (s *second) command(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	if runtime.GOOS != "linux" {
		if path, err := os.Executable(); err == nil {
			cmd = exec.CommandContext(ctx, path)
		}
	}
	cmd.Args = []string{"kiln", secondCommand}
	cmd.Dir = filepath.Join(s.folder, "elsewhere")
	cmd.Env = []string{
		"HOME=" + filepath.Join(s.folder, "home"), "TMPDIR=" + filepath.Join(s.folder, "tmp"), "USER=nobody", "LOGNAME=nobody",
		"TZ=" + secondZone, "LANG=" + secondLocale, "LC_ALL=" + secondLocale, "GOMAXPROCS=" + strconv.Itoa(processors()),
		"KILN_CONFIG=" + os.DevNull,
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if s.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return cmd
}

// run runs the second build, apart where that can be.
func (s *second) run(ctx context.Context) (*secondOutput, []proof.Variation, error) {
	whyNot := ""
	out, err := s.try(ctx, apart())
	var not *notApart
	if errors.As(err, &not) {
		whyNot = "it cannot be started apart: " + not.Error()
		out, err = s.try(ctx, starter{start: (*exec.Cmd).Start})
	}
	if err != nil {
		return nil, nil, err
	}
	return out, s.variations(out, whyNot), nil
}

// notApart is the error of a system that lets nobody have a host name and a network of
// their own.
type notApart struct{ error }

// try runs it once, its process started by start.
func (s *second) try(ctx context.Context, start starter) (*secondOutput, error) {
	in := s.in
	in.HostName, in.Watched = start.setsName, true
	input, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	cmd := s.command(ctx)
	alive, life, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer life.Close()
	defer alive.Close()
	cmd.ExtraFiles = []*os.File{alive}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	if err := start.start(cmd); err != nil {
		return nil, fmt.Errorf("cannot start the second build: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &kiln.Error{
			Code:  kiln.Refused,
			Text:  fmt.Sprintf("the second build failed where the first did not (%v):\n%s", err, strings.TrimSpace(stderr.String())),
			Hints: []string{"kiln build --verify-cache, to see whether it fails here too"},
		}
	}
	var out secondOutput
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil || out.Result == nil {
		return nil, fmt.Errorf("bug: the second build told %q: %v", stdout.String(), err)
	}
	return &out, nil
}

// variations lists what was different for the second build.
func (s *second) variations(out *secondOutput, whyNot string) []proof.Variation {
	getenv := s.app.world.Getenv
	host, _ := os.Hostname()
	locale := getenv("LC_ALL")
	if locale == "" {
		locale = getenv("LANG")
	}
	octal := func(n int) string { return fmt.Sprintf("%04o", n) }
	all := []proof.Variation{
		{Name: "clock", First: "as it is", Second: fmt.Sprintf("%d days ahead", s.in.Days), Applied: true},
		{Name: "time zone", First: getenv("TZ"), Second: secondZone, Applied: true},
		{Name: "locale", First: locale, Second: secondLocale, Applied: true},
		{Name: "umask", First: octal(out.Umask), Second: octal(otherUmask(out.Umask)), Applied: true},
		{Name: "working directory", Second: "another", Applied: true},
		{Name: "environment", Second: "nothing but home, temporary folder, time zone, locale and processors", Applied: true},
		{Name: "store", Second: "another one, which held the packages alone", Applied: true},
		{Name: "recipe's folder", Second: "a copy elsewhere", Applied: true},
		{Name: "directory order", First: "sorted", Second: "reversed", Applied: true},
		{Name: "processors", First: strconv.Itoa(runtime.GOMAXPROCS(0)), Second: strconv.Itoa(processors()), Applied: true},
		{Name: "user", First: strconv.Itoa(os.Getuid()), Second: strconv.Itoa(out.UID), Applied: out.UID != os.Getuid(), Reason: s.why},
		{Name: "host name", First: host, Second: out.HostName, Applied: out.HostName != host, Reason: whyNot},
		{Name: "network", First: "as it is", Second: "none", Applied: out.Sealed, Reason: whyNot},
	}
	for i := range all {
		if all[i].Applied {
			all[i].Reason = ""
		} else {
			all[i].Second = ""
		}
	}
	return all
}

// otherUmask is the umask of the second build.
func otherUmask(first int) int {
	if first == 0o077 {
		return 0o002
	}
	return 0o077
}

// starter starts a process somewhere apart.
type starter struct {
	start    func(*exec.Cmd) error
	setsName string // the host name that the process is to set itself
}

// reversed is a file system whose folders list what they hold backwards.
type reversed struct{ fs.FS }

// ReadDir implements fs.ReadDirFS.
func (r reversed) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(r.FS, name)
	slices.Reverse(list)
	return list, err
}

// Stat implements fs.StatFS.
func (r reversed) Stat(name string) (fs.FileInfo, error) { return fs.Stat(r.FS, name) }

// ReadLink implements fs.ReadLinkFS.
func (r reversed) ReadLink(name string) (string, error) { return fs.ReadLink(r.FS, name) }

// Lstat implements fs.ReadLinkFS.
func (r reversed) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(r.FS, name) }
