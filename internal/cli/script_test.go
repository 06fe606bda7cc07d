package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"kiln/internal/apt/apttest"
)

// Each script is one behaviour of the command line, its error text asserted.
// Besides the usual commands there are
//
//	archive FOLDER           a mirror of a signed archive is there from now on: $URL, its key FOLDER/key.asc
//	expand FILE...           replaces $URL in files
//	refused STATUS ARGS...   kiln ends with that status, prints no result, and leaves no trace; then: stderr
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("KILN_STORE", env.WorkDir+"/store")
			env.Setenv("HOME", env.WorkDir+"/home")
			env.Setenv("KILN_RETRIES", "0")
			env.Setenv(clockVariable, apttest.Now.Format(time.RFC3339))
			env.Values["t"] = env.T()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"archive": archiveCommand, "expand": expandCommand, "refused": refusedCommand,
		},
	})
}

func archiveCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: archive FOLDER")
	}
	server := apttest.Serve(ts.Value("t").(testing.TB), apttest.New(stable()))
	ts.Setenv("URL", server.URL)
	ts.Check(os.WriteFile(ts.MkAbs(filepath.Join(args[0], "key.asc")), apttest.DefaultKey().Public(), 0o666))
}

func expandCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: expand FILE...")
	}
	for _, name := range args {
		text := strings.ReplaceAll(ts.ReadFile(name), "$URL", ts.Getenv("URL"))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o666))
	}
}

func refusedCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: refused STATUS ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	root, store := ts.MkAbs("."), ts.Getenv("KILN_STORE")
	before, err := snapshot(root, store)
	ts.Check(err)
	err = ts.Exec("kiln", args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		ts.Fatalf("kiln ended with %v, want status %d", err, want)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("printed on standard output: %s", out)
	}
	after, err := snapshot(root, store)
	ts.Check(err)
	if diff := cmp.Diff(before, after); diff != "" {
		ts.Fatalf("left traces (-before +after):\n%s", diff)
	}
}
