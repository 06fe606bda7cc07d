package toolbox_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestUnknownUsesStop(t *testing.T) {
	for name := range toolbox.ShellTools() {
		switch name {
		case "[", "test", "echo", "printf", "expr", "seq", "true", "false", "sleep", "sync", "clear", "tput", "pgrep", "pidof", "tty", "kill",
			"killall", "findmnt", "chattr", "whoami", "arch", "nproc", "unlink", "locale", "lsmod", "systemd-sysctl":
			continue // they take anything, or have no options
		}
		s := toolboxtest.Tools(t)
		if _, _, err := s.Tool(name, "--no-such-option", "a", "b"); err == nil {
			t.Errorf("%s --no-such-option is no error", name)
		}
	}
	for _, call := range []string{"find /d -frobnicate", "find /d -exec", "find ( /d", "stat /d/f", "awk BEGIN{srand()}", "date +%Q", "ls -h", "sort -z", "grep -P x", "su app", "seq 1.5", "diff /d /d"} {
		s := toolboxtest.Tools(t)
		args := strings.Fields(call)
		if _, _, err := s.Tool(args[0], args[1:]...); err == nil {
			t.Errorf("%s is no error", call)
		}
	}
}

// Whatever the arguments, a command ends, with a status or an error.
func FuzzTools(f *testing.F) {
	for _, row := range []string{"sed\x00-n\x00s/a/b/gp;$!{N;P;D}", "grep\x00-E\x00(a|b){1,2}[[:alpha:]]*", "find\x00/d\x00(\x00-name\x00*\x00-o\x00-type\x00f\x00)\x00-printf\x00%p",
		"sort\x00-t:\x00-k2,3nr\x00-u", "cut\x00-d:\x00-f1,3-", "tr\x00a-z\x00[:upper:]", "cp\x00-a\x00/d\x00/e", "chmod\x00u=rwX,go-w\x00/d/f", "awk\x00{print $1}", "printf\x00%5.3s\x00a",
		"test\x00(\x00a\x00-o\x00b\x00)", "expr\x001\x00+\x002", "date\x00-d\x00@1\x00+%F", "getopt\x00-o\x00a:\x00--\x00-a", "xargs\x00-n1", "setcap\x00cap_net_raw+ep\x00/d/f", "install\x00-D\x00/d/f\x00/x/y"} {
		f.Add(row, "a b\nc:d\n")
	}
	tools := toolbox.ShellTools()
	names := slices.Sorted(maps.Keys(tools))
	f.Fuzz(func(t *testing.T, line, stdin string) {
		args := strings.Split(line, "\x00")
		if tools[args[0]] == nil {
			args[0] = names[len(line)%len(names)]
		}
		s := toolboxtest.Tools(t)
		s.FS.Limit(1 << 20)
		s.Stdin = stdin
		if args[0] == "awk" || args[0] == "mawk" {
			return // a program of its own may well not end
		}
		_, status, _ := s.Tool(args[0], args[1:]...)
		if status < 0 || status > 255 {
			t.Errorf("%q: status %d", args, status)
		}
		if _, err := s.FS.Tree(); err != nil {
			t.Errorf("%q left no tree: %v", args, err)
		}
	})
}
