package maint_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/tree"
)

// scripted is a package whose postinst is script, in a tree that has no more than
// what it ships.
func scripted(script string, entries ...tree.Entry) maint.Package {
	return maint.Package{
		ID:   kiln.PackageID{Name: "app", Version: "1", Architecture: "all"},
		Info: &deb.Package{Name: "app", Version: "1", Architecture: "all"}, Paragraph: &deb.Paragraph{},
		Files:   []deb.ControlFile{{Name: "postinst", Mode: 0o755, Content: []byte("#!/bin/sh\nset -e\n" + script)}},
		Entries: append([]tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755, ModTime: 5}, {Path: "var", Type: tree.Dir, Mode: 0o755, ModTime: 5}}, entries...),
	}
}

// Scripts find the folders that every running system has. Where the tree has none,
// they are gone afterwards, with what is in /tmp and /var/tmp.
func TestScratchFolders(t *testing.T) {
	tmp := tree.Entry{Path: "tmp", Type: tree.Dir, Mode: 0o700, ModTime: 5, Origin: tree.Origin{Package: "app"}}
	link := tree.Entry{Path: "tmp", Type: tree.Symlink, Mode: 0o777, ModTime: 5, Link: "var"}
	for _, row := range []struct {
		summary, script string
		entries         []tree.Entry
		want            string // what is there besides /var/lib
	}{
		{"nothing left", "true", nil, ". var"},
		{"mktemp", "f=$(mktemp); echo x > $f; cp $f /var/f; d=$(mktemp -d -p /var/tmp); touch $d/x", nil, ". var var/f"},
		{"modes", "stat -c %a.%u.%g /tmp /var/tmp /run /dev > /var/f; [ \"$(echo $(cat /var/f))\" = '1777.0.0 1777.0.0 755.0.0 755.0.0' ]", nil, ". var var/f"},
		{"a link from there", "echo x > /tmp/x; ln /tmp/x /var/x; mv /tmp/x /var/y", nil, ". var var/x var/y"},
		{"one name of two is left", "echo x > /tmp/x; ln /tmp/x /var/x", nil, ". var var/x"},
		{"the folder moves out", "mkdir /tmp/d; mv /tmp/d /var/d", nil, ". var var/d"},
		{"what is wanted in /run stays", "mkdir -p /run/app", nil, ". run run/app var"},
		{"nothing in /dev", "echo x > /dev/null; [ -d /dev ]", nil, ". var"},
		{"made anew", "rmdir /tmp; mkdir -m 750 /tmp; touch /tmp/x", nil, ". tmp tmp/x var"},
		{"the package's own", "mktemp; [ $(stat -c %a /tmp) = 700 ]", []tree.Entry{tmp}, ". tmp tmp/tmp.0000000000 var"},
		{"a link", "mktemp", []tree.Entry{link}, ". tmp var var/tmp.0000000000"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			res, err := maint.Install(context.Background(), maint.Input{
				Tree: tree.New(), Contents: tree.Bytes{}, Packages: []maint.Package{scripted(row.script, row.entries...)}, Arch: "amd64", Epoch: 1_700_000_000,
			})
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(res.Tree.Paths(), func(p string) bool { return strings.HasPrefix(p, "var/lib") })
			if strings.Join(got, " ") != row.want {
				t.Errorf("left is %q, want %q", strings.Join(got, " "), row.want)
			}
			for _, c := range res.Runs[0].Changes {
				if _, there := res.Tree.Lookup(c.Path); !there {
					t.Errorf("the trace tells of %q", c.Path)
				}
			}
			if e, _ := res.Tree.Lookup("var/x"); row.want == ". var var/x" && (e.Link != "" || len(res.Tree.Names("var/x")) != 1) {
				t.Errorf("a name that is gone counts: %+v", e)
			}
			if row.want == ". var" {
				if root, _ := res.Tree.Lookup("."); root.ModTime != 5 {
					t.Errorf("the root has the time %d", root.ModTime)
				}
			}
		})
	}
}
