// Command kiln builds operating-system images and container base images.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"kiln/internal/cli"
)

func main() {
	collectLess()
	// A file that reaches the user's size limit is an error of that write (EFBIG),
	// which can be told and cleaned up after; the signal would end kiln.
	signal.Ignore(syscall.SIGXFSZ)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Run(ctx, os.Args[1:], cli.World{
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Getenv: os.Getenv,
		Now:    time.Now,
	})
	stop()
	os.Exit(status)
}

// collectLess collects garbage less often than Go does by itself, a fifth of the
// time of interpreting scripts, up to 320 MiB in all. GOGC and GOMEMLIMIT have
// the last word.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(320 << 20)
	}
}
