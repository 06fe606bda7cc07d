package awk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"kiln/internal/maint/awk"
)

// listed is one block of testdata/programs.txt: "=== arguments", the program, "---
// status", the output. A backslash at its very end stands for no newline there. The
// folder is testdata/input, the standard input its words.txt.
type listed struct {
	args          []string
	program, want string
	status        int
}

func programs(t testing.TB) []listed {
	t.Helper()
	data, err := os.ReadFile("testdata/programs.txt")
	if err != nil {
		t.Fatal(err)
	}
	separator := regexp.MustCompile(`(?m)^--- (\d+)\n`)
	var all []listed
	for _, block := range strings.Split("\n"+strings.TrimSuffix(string(data), "\n"), "\n===")[1:] {
		first, rest, _ := strings.Cut(block+"\n", "\n")
		at := separator.FindStringSubmatchIndex(rest)
		if at == nil {
			t.Fatalf("%s: no status", block)
		}
		status, err := strconv.Atoi(rest[at[2]:at[3]])
		if err != nil {
			t.Fatal(err)
		}
		want := rest[at[1]:]
		if bare, ok := strings.CutSuffix(want, "\\\n"); ok {
			want = bare
		}
		all = append(all, listed{strings.Fields(first), strings.TrimSuffix(rest[:at[0]], "\n"), want, status})
	}
	return all
}

// options cuts the arguments into those of awk itself, with what they assign, and the
// others.
func (l listed) options() (own, assign, rest []string) {
	rest = l.args
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		arg := rest[0]
		own, rest = append(own, arg), rest[1:]
		switch {
		case arg == "--":
			return own, assign, rest
		case arg == "-v":
			own, assign, rest = append(own, rest[0]), append(assign, rest[0]), rest[1:]
		default:
			assign = append(assign, "FS="+arg[2:])
		}
	}
	return own, assign, rest
}

// hostFiles reads the files of testdata/input.
type hostFiles struct{}

func (hostFiles) Open(name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join("testdata/input", filepath.Base(name)))
}

func (hostFiles) Create(string, bool) (io.WriteCloser, error) {
	return nil, errors.New("nothing is written here")
}

func (l listed) run(t *testing.T) (string, int) {
	t.Helper()
	_, assign, rest := l.options()
	stdin, err := os.Open("testdata/input/words.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	var out, errs bytes.Buffer
	program, err := awk.Parse(l.program)
	status := 2
	if err == nil {
		status, err = awk.Run(context.Background(), program, awk.Options{
			Name: "awk", Args: rest, Assign: assign, Environ: []string{"AWK_TEST=value"}, Stdin: stdin, Stdout: &out, Stderr: &errs, Files: hostFiles{},
		})
	}
	var syntax *awk.SyntaxError
	var running *awk.RuntimeError
	switch {
	case errors.As(err, &syntax) || errors.As(err, &running):
		status = 2
	case err != nil:
		t.Errorf("error %v", err)
	}
	return out.String(), status
}

func (l listed) host(t *testing.T) (string, int) {
	t.Helper()
	own, _, rest := l.options()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mawk", append(append(own, l.program), rest...)...)
	cmd.Dir = "testdata/input"
	cmd.Env = []string{"LC_ALL=C", "AWK_TEST=value"}
	stdin, err := os.Open("testdata/input/words.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	cmd.Stdin = stdin
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// The programs do what mawk does: of Debian 13, which made the list, and, with
// KILN_TEST=real, of this machine.
func TestAsMawk(t *testing.T) {
	all := programs(t)
	if len(all) < 300 {
		t.Fatalf("%d programs", len(all))
	}
	for i, l := range all {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			if os.Getenv("KILN_TEST") == "real" {
				if out, status := l.host(t); out != l.want || status != l.status {
					t.Fatalf("%s\nmawk gives %d and\n%s", l.program, status, out)
				}
			}
			if out, status := l.run(t); out != l.want || status != l.status {
				t.Errorf("%s\n%q\ngot %d\n%s\nwant %d\n%s", l.program, l.args, status, out, l.status, l.want)
			}
		})
	}
}
