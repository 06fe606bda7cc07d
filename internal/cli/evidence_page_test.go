package cli_test

import (
	"os"
	"strings"
	"testing"

	"kiln/internal/apt/apttest"
	"kiln/internal/registry/registrytest"
)

// The commands of docs/evidence.md run, one after the other, over the files that it
// shows: with another archive, whose packages have other names, and another registry.
func TestEvidencePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, apttest.New(stable()))
	srv := registrytest.Serve(t, &registrytest.Server{})
	s.env = append(s.env, "KILN_KEY_PASSPHRASE=a passphrase of this test")
	names := map[string]string{"yaml": "web/kiln.yaml", "yaml trust": "trust.yaml", "yaml policy": "house.cel.yaml"}
	here := strings.NewReplacer("registry.example.org", srv.Host, "{archive: debian, suite: trixie}", "{name: test, url: "+s.url+", suite: stable, keyring: key.asc}",
		"tzdata:", "alpha:", "linux/amd64, linux/arm64", "linux/amd64")
	ran := 0
	parts := strings.Split(here.Replace(string(page)), "\n```")
	for i := 1; i < len(parts); i += 2 { // every other one is a block
		info, text, _ := strings.Cut(parts[i], "\n")
		if info == "sh" {
			for _, line := range strings.Split(text, "\n") {
				args := strings.Fields(line)
				if len(args) == 0 || args[0] != "kiln" {
					t.Fatalf("cannot run %q", line)
				}
				s.does(args[1:]...)
				ran++
			}
			continue
		}
		if names[info] == "" {
			t.Fatalf("the block %q is to be run or to be a file", info)
		}
		s.write(names[info], text+"\n")
		delete(names, info)
	}
	if ran < 10 || len(names) > 0 {
		t.Errorf("%d commands ran; there is no block for %v", ran, names)
	}
}
