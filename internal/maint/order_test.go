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

// sample makes a package of a line: "name Field: value; Field: value". It has a
// preinst and a postinst, unless the line says "bare".
func sample(t *testing.T, line string) maint.Package {
	t.Helper()
	name, rest, _ := strings.Cut(line, " ")
	p := maint.Package{
		ID:        kiln.PackageID{Name: name, Version: "1", Architecture: "all"},
		Info:      &deb.Package{Name: name, Version: "1", Architecture: "all", Priority: "optional"},
		Paragraph: &deb.Paragraph{},
		Files:     []deb.ControlFile{{Name: "preinst", Mode: 0o755, Content: []byte("#!/bin/sh\n")}, {Name: "postinst", Mode: 0o755, Content: []byte("#!/bin/sh\n")}},
	}
	for field := range strings.SplitSeq(rest, "; ") {
		key, value, _ := strings.Cut(field, ": ")
		switch key {
		case "":
		case "bare":
			p.Files = p.Files[:1]
		case "Priority":
			p.Info.Priority = value
		case "Essential":
			p.Info.Essential, p.Bootstrap = true, true
		case "Bootstrap":
			p.Bootstrap = true
		case "Pre-Depends":
			p.Info.PreDepends = relations(t, value)
		case "Depends":
			p.Info.Depends = relations(t, value)
		case "Provides":
			p.Info.Provides = relations(t, value)
		default:
			t.Fatalf("what is %q?", key)
		}
	}
	return p
}

func relations(t *testing.T, text string) deb.Relations {
	t.Helper()
	r, err := deb.ParseRelations(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scriptsOf installs packages and lists the scripts in the order in which they
// ran: "-name" for a preinst, "+name" for a postinst.
func scriptsOf(t *testing.T, packages []maint.Package) string {
	t.Helper()
	root := tree.New()
	for _, dir := range []string{"etc", "var", "var/lib", "var/lib/dpkg"} {
		if err := root.Insert(tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
	}
	res, err := maint.Install(context.Background(), maint.Input{Tree: root, Contents: tree.Bytes{}, Packages: packages, Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range res.Runs {
		all = append(all, map[string]string{"preinst": "-", "postinst": "+"}[r.Script]+r.ID.Name)
	}
	return strings.Join(all, " ")
}

// The order is that of apt's unpacking and of dpkg's queue, in whatever order the
// packages come; dpkg's queue is sorted by its hash of names: z, a, q, p, c, b, m. The drills of parity hold it against
// dpkg itself.
func TestOrder(t *testing.T) {
	for _, row := range []struct {
		name     string
		packages []string
		want     string
	}{
		{"what is needed comes before, else by name", []string{"a Depends: z", "m", "z"}, "-z -a -m +z +a +m"},
		{"a higher priority is first", []string{"a", "b Priority: required", "c Priority: important"}, "-b -c -a +a +c +b"},
		{"the bootstrap set is done before the rest begins", []string{"a", "z Essential: yes; Depends: y", "y Bootstrap: yes"}, "-y -z +y +z -a +a"},
		{"Pre-Depends are configured before", []string{"a Pre-Depends: p", "p Depends: q", "q"}, "-q -p +q +p -a +a"},
		{"nothing more is configured early", []string{"a Pre-Depends: p", "b", "p"}, "-p +p -a -b +a +b"},
		{"an alternative that is there", []string{"a Depends: none | z", "z"}, "-z -a +z +a"},
		{"a provider", []string{"a Depends: virtual", "z Provides: virtual"}, "-z -a +z +a"},
		{"a provider of too old a version", []string{"a Depends: virtual (>= 2)", "z Provides: virtual (= 1)"}, "-a -z +z +a"},
		{"a cycle", []string{"a Depends: b", "b Depends: a"}, "-b -a +a +b"},
		{"a cycle is broken where there is no postinst", []string{"a Depends: b", "b bare: yes; Depends: c", "c Depends: a"}, "-c -b -a +a +c"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for range len(row.packages) {
				var list []maint.Package
				for _, line := range row.packages {
					list = append(list, sample(t, line))
				}
				if got := scriptsOf(t, list); got != row.want {
					t.Errorf("%q gives %s, want %s", row.packages, got, row.want)
				}
				slices.Reverse(list)
				if got := scriptsOf(t, list); got != row.want {
					t.Errorf("reversed, %q gives %s, want %s", row.packages, got, row.want)
				}
				row.packages = append(row.packages[1:], row.packages[0])
			}
		})
	}
}
