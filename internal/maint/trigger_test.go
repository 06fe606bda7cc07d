package maint_test

import (
	"context"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/tree"
)

// A package that activates its own trigger while it is configured is told of it
// afterwards, as dpkg does: dictionaries-common leaves its work so.
func TestOwnTrigger(t *testing.T) {
	const script = "#!/bin/sh\nset -e\necho \"$*\" >> /log\nif [ \"$1\" = configure ]; then dpkg-trigger --no-await own; fi\n"
	res := installed(t, maint.Package{
		ID:   kiln.PackageID{Name: "app", Version: "1", Architecture: "all"},
		Info: &deb.Package{Name: "app", Version: "1", Architecture: "all"}, Paragraph: &deb.Paragraph{},
		Files: []deb.ControlFile{
			{Name: "postinst", Mode: 0o755, Content: []byte(script)},
			{Name: "triggers", Mode: 0o644, Content: []byte("interest-noawait own\n")},
		},
		Entries: []tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755}, {Path: "usr", Type: tree.Dir, Mode: 0o755}, {Path: "usr/bin", Type: tree.Dir, Mode: 0o755}},
	})
	var runs []string
	for _, r := range res.Runs {
		runs = append(runs, r.Script+" "+strings.TrimSpace(strings.Join(r.Args, " ")))
	}
	if got := strings.Join(runs, "; "); got != "postinst configure; postinst triggered own" {
		t.Errorf("what ran is %q", got)
	}
}

func installed(t *testing.T, packages ...maint.Package) *maint.Result {
	t.Helper()
	res, err := maint.Install(context.Background(), maint.Input{Tree: tree.New(), Contents: tree.Bytes{}, Packages: packages, Arch: "amd64", Epoch: 1_700_000_000})
	if err != nil {
		t.Fatal(err)
	}
	return res
}
