package maint_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/tree"
)

// install runs a postinst over an empty tree.
func install(ctx context.Context, limit time.Duration, script string) (*maint.Result, error) {
	return maint.Install(ctx, maint.Input{
		Tree: tree.New(), Contents: tree.Bytes{}, Arch: "amd64", Limit: limit,
		Packages: []maint.Package{{
			ID: kiln.PackageID{Name: "pkg", Version: "1", Architecture: "all"}, Info: &deb.Package{Name: "pkg"}, Paragraph: &deb.Paragraph{},
			Files: []deb.ControlFile{{Name: "postinst", Mode: 0o755, Content: []byte("#!/bin/sh\n" + script)}},
		}},
	})
}

// Whatever a script is busy with, the end of its time ends it, soon, and the error
// names script and line.
func TestTimeLimit(t *testing.T) {
	const big = "x=$(printf %060000d 1); for i in 1 2 3 4 5 6 7 8 9 10; do echo $x$x$x$x$x; done > /big; for i in 1 2 3 4 5; do cat /big /big /big /big > /b2; mv /b2 /big; done; "
	for _, row := range []struct{ summary, script string }{
		{"loop", "while :; do :; done"},
		{"loop of arithmetic", "i=0; while :; do i=$((i+1)); done"},
		{"awk", "awk 'BEGIN { while (1); }'"},
		{"awk that calls itself", "awk 'function f(n) { return n < 25 ? f(n+1) + f(n+1) : 1 } BEGIN { while (1) f(0) }'"},
		{"awk of matches", big + "awk '{ while (1) n += gsub(/1*0*1*0*1*0*$/, \"&\") }' /big"},
		{"awk of a large array", "awk 'BEGIN { for (i = 0; i < 100000; i++) a[i \"x\"]; while (1) for (k in a) n++ }'"},
		{"awk of many states", big + "awk '{ while (1) n += $0 ~ /((0?){30}){30}2/ }' /big"},
		{"awk of records", big + "while :; do awk 'BEGIN { RS = \"1+\" } { n += NF } END { print n }' /big; done"},
		{"sed", "seq 100000 | while :; do sed 's/1/2/g;s/2/1/g' > /dev/null; done"},
		{"sed back-references", big + "while :; do sed 's/\\(.*\\)\\(.*\\)\\1\\2$/x/' /big > /dev/null; done"},
		{"grep back-references", big + "while :; do grep '\\(.*\\)\\(.*\\)\\(.*\\)\\1\\2\\3y' /big; done"},
		{"grep", big + "while :; do grep -E '(0*)*1(0|00)*2' /big; done"},
		{"find", "for a in 1 2 3 4 5 6 7 8 9; do for b in 1 2 3 4 5 6 7 8 9; do mkdir -p /d/$a/$b/$a/$b; done; done; while :; do find /d -name x; done"},
		{"find with commands", "mkdir -p /d/1/2/3; while :; do find /d -exec true ';'; done"},
		{"sort", big + "while :; do sort /big | uniq > /dev/null; done"},
		{"producer", "while echo y; do :; done | while read l; do :; done"},
		{"xargs", "while echo a; do :; done | xargs -n 1 true"},
		{"expr", "while :; do expr 1111111111111111111111 : '1*1*1*1*2' ; done >/dev/null"},
		{"checksums", big + "while :; do cat /big /big /big /big | sha512sum; done >/dev/null"},
		{"here-document", "while :; do cat <<E >/dev/null\n$(seq 1000)\nE\ndone"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			start := time.Now()
			_, err := install(context.Background(), 100*time.Millisecond, row.script)
			if took := time.Since(start); took > time.Minute {
				t.Errorf("it ended after %v", took)
			}
			if err == nil || !strings.HasPrefix(err.Error(), "cannot honour pkg's postinst, line ") || !strings.Contains(err.Error(), "longer than it may") && !strings.Contains(err.Error(), "steps") && !strings.Contains(err.Error(), "does not end") {
				t.Errorf("error %v", err)
			}
			if len(kiln.HintsOf(err)) == 0 {
				t.Error("no hint")
			}
		})
	}
}

// The end of the caller's own context is no fault of a script.
func TestCallersContext(t *testing.T) {
	for _, script := range []string{"while :; do :; done", "awk 'BEGIN { while (1); }'"} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		if _, err := install(ctx, 0, script); err != context.DeadlineExceeded {
			t.Errorf("%s: error %v", script, err)
		}
		cancel()
		ctx, cancel = context.WithCancel(context.Background())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := install(ctx, 0, script); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", script, err)
		}
	}
}

// What a script holds, prints or writes is bounded, and the error says by what.
func TestMemoryLimits(t *testing.T) {
	for _, row := range []struct{ summary, script, want string }{
		{"printf's width", "printf %1000000000s x", "too large"},
		{"printf's precision", "printf %.1000000000d 1", "too large"},
		{"printf's star", "printf '%*d' 1000000000 1", "too large"},
		{"doubling", "x=x; while :; do x=$x$x; done", "bytes in variables"},
		{"seq into a variable", "x=$(seq 1000000000)", "that many numbers are not supported"},
		{"seq into a pipe", "seq 100000000000 | tac", "that many numbers are not supported"},
		{"here-document", "x=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; y=$x$x$x$x$x$x$x$x; z=$y$y$y$y$y$y$y$y; a=$z$z$z$z$z$z$z$z$z$z; b=$a$a$a$a$a$a$a$a$a$a; c=$b$b$b$b$b$b$b$b$b$b; cat <<E\n$c$c$c$c$c$c$c$c$c$c$c$c$c$c$c$c$c$c$c$c\nE", "bytes"},
		{"yes", "yes | head -n 1", "no function for"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			_, err := install(context.Background(), 20*time.Second, row.script)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
			if err != nil && kiln.CodeOf(err) == kiln.Bug {
				t.Errorf("error %v", err)
			}
		})
	}
}
