package cli_test

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kiln/internal/apt/apttest"
)

// What a proof that was killed left in the temporary folder goes with the next one;
// what one that is under way has there stays.
func TestProveAfterADeath(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.build()
	s.watch("tmp").killAt(1, s.command("prove", "web"))
	left := names(t, s.path("tmp"))
	if !strings.HasPrefix(left, ".kiln-prove.tmp-") || strings.Contains(left, " ") {
		t.Fatalf("the one that was killed left %q", left)
	}
	s.write("tmp/"+left+"/second/root/file", "x")
	if err := os.Chmod(s.path("tmp/"+left+"/second/root"), 0o555); err != nil {
		t.Fatal(err)
	}
	s.write("tmp/.kiln-prove.tmp-1/first/file", "x")
	held, err := os.Open(s.path("tmp/.kiln-prove.tmp-1"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	s.write("tmp/kiln-prove.txt", "somebody's")
	s.does("prove", "web", "-q")
	if left := names(t, s.path("tmp")); left != ".kiln-prove.tmp-1 kiln-prove.txt" {
		t.Errorf("left in the temporary folder: %s", left)
	}
}
