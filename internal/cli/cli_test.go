package cli_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"kiln/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kiln": func() {
			os.Exit(cli.Run(context.Background(), os.Args[1:], cli.World{
				Stdin:  os.Stdin,
				Stdout: os.Stdout,
				Stderr: os.Stderr,
				Getenv: os.Getenv,
				Now:    time.Now,
			}))
		},
	})
}

// Each script is one behaviour of the command line, its error text asserted.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("KILN_STORE", env.WorkDir+"/store")
			env.Setenv("HOME", env.WorkDir+"/home")
			return nil
		},
	})
}
