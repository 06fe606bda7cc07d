package toolbox_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/toolbox/toolboxtest"
)

// FuzzOptions gives arguments to every command of the table: the first word chooses
// one, and what names none is given to one that its text picks. A call ends with a
// status or an error, and leaves a tree. The seeds alone reach each command.
func FuzzOptions(f *testing.F) {
	table := toolbox.Table()
	names := slices.Sorted(maps.Keys(table))
	for _, name := range names {
		for _, args := range []string{"", "--system --group --home=/x name", "-W -f=${x} -- --y", "-", "--", "-x= a:b c,d", "/etc/passwd /var/lib/ -n1"} {
			f.Add(name+" "+args, "a b\nroot:x:0\n")
		}
	}
	f.Fuzz(func(t *testing.T, line, stdin string) {
		args := strings.Fields(line)
		if len(args) == 0 || table[args[0]] == nil {
			args = append([]string{names[sum(line)%len(names)]}, args...)
		}
		s := toolboxtest.Accounts(t, map[string]string{"/usr/share/pam-configs/": "", "/tmp/": "", "/d/f": "x", "/d/l": "-> f"})
		s.FS.Limit(1 << 20)
		s.Stdin = stdin
		// awk and sed run programs, which need not end by themselves.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		status, _, err := s.CallContext(ctx, args...)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Skip("it was stopped")
		}
		if status < 0 || status > 255 {
			t.Errorf("%q: status %d", args, status)
		}
		if _, err := s.FS.Tree(); err != nil {
			t.Errorf("%q left no tree: %v", args, err)
		}
	})
}

func sum(s string) int {
	n := 0
	for i := range len(s) {
		n += int(s[i])
	}
	return n
}
