package maint_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/maint/toolbox"
	"kiln/internal/tree"
)

// However any of the commands is called, it sees and changes the tree only.
func TestNoCommandIsAWayOut(t *testing.T) {
	folder := t.TempDir()
	secret, victim := filepath.Join(folder, "secret"), filepath.Join(folder, "victim")
	if err := os.WriteFile(secret, []byte("host secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KILN_HOSTILE", "host secret")
	t.Chdir(folder)
	var entries []tree.Entry
	for _, dir := range []string{".", "etc", "tmp", "usr", "usr/bin", "srv"} {
		entries = append(entries, tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755})
	}
	contents := tree.Bytes{}
	program := contents.Add([]byte("\x7fELF"))
	commands := toolbox.Table()
	for name := range commands {
		entries = append(entries, tree.Entry{Path: "usr/bin/" + name, Type: tree.File, Mode: 0o755, Size: 4, Content: program})
	}
	world, err := tree.Of(entries...)
	if err != nil {
		t.Fatal(err)
	}
	for name := range commands {
		for _, call := range []string{
			"", "SECRET", "VICTIM SECRET", "-f SECRET", "-c SECRET", "--file SECRET", "--file=SECRET", "-o VICTIM SECRET", "-t VICTIM SECRET", "-i SECRET",
			"../../../../../..SECRET", "secret", "/etc/../SECRET", "/proc/self/root/SECRET", "/proc/self/cwd/secret", "--root FOLDER", "-C FOLDER secret", "-d FOLDER", "-r SECRET",
			"--install /usr/bin/x x SECRET 1", "--add SECRET", "< SECRET", "show SECRET", "enable SECRET", "--create SECRET",
			"set VICTIM x", "get SECRET", "-c 'open(\"SECRET\").read()'", "'BEGIN{while((getline l < \"SECRET\")>0)print l}'", "KILN_HOSTILE", "-- SECRET",
		} {
			text := strings.NewReplacer("SECRET", secret, "VICTIM", victim, "FOLDER", folder).Replace(name + " " + call)
			var out bytes.Buffer
			res, err := maint.Install(context.Background(), maint.Input{
				Tree: world, Contents: contents, Arch: "amd64", Output: &out,
				Packages: []maint.Package{{
					ID: kiln.PackageID{Name: "pkg", Version: "1", Architecture: "all"}, Info: &deb.Package{Name: "pkg"}, Paragraph: &deb.Paragraph{},
					Files: []deb.ControlFile{{Name: "postinst", Mode: 0o755, Content: []byte("#!/bin/sh\ncd /srv\n" + text + "\nexit 0\n")}},
				}},
			})
			if err != nil && kiln.CodeOf(err) == kiln.Bug {
				t.Errorf("%s: %v", text, err)
			}
			if strings.Contains(out.String(), "host secret") || err != nil && strings.Contains(err.Error(), "host secret") {
				t.Errorf("%s showed what is outside: %s%v", text, out.String(), err)
			}
			if res != nil {
				for _, made := range res.Made {
					if bytes.Contains(made, []byte("host secret")) {
						t.Errorf("%s brought in what is outside", text)
					}
				}
			}
		}
	}
	if _, err := os.Stat(victim); !errors.Is(err, os.ErrNotExist) {
		t.Error("a command wrote outside")
	}
	if got, err := os.ReadFile(secret); err != nil || string(got) != "host secret\n" {
		t.Errorf("a command changed what is outside: %q, %v", got, err)
	}
}
