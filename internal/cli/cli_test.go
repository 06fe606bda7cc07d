package cli_test

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"kiln/internal/cli"
)

// clockVariable sets the clock of the kiln that tests run, in RFC 3339: archives
// of the tests are signed and expire at fixed times.
const clockVariable = "TEST_CLOCK"

func TestMain(m *testing.M) {
	// Builds of tests wait for disks and mirrors more than they compute. What is
	// given on the command line still counts.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"kiln": kilnMain})
}

// kilnMain is what cmd/kiln does, but for the clock.
func kilnMain() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	signal.Ignore(syscall.SIGXFSZ)
	now := time.Now
	if at, err := time.Parse(time.RFC3339, os.Getenv(clockVariable)); err == nil {
		now = func() time.Time { return at }
	}
	status := cli.Run(ctx, os.Args[1:], cli.World{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Now: now,
	})
	stop()
	os.Exit(status)
}
