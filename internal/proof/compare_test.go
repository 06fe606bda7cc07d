package proof_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/proof"
	"kiln/internal/tree"
)

// compare compares two layouts and returns what differs, each difference in one line.
func compare(t *testing.T, a, b string) []string {
	t.Helper()
	all, err := proof.Compare(t.Context(), image.ParseReference("oci:"+a), image.ParseReference("oci:"+b),
		proof.Options{Platforms: []kiln.Platform{amd64()}, Files: true, Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range all {
		if d.Part != proof.PartDocument && d.Where != "linux-amd64.tree.gz" && d.Where != "linux-amd64.origins.gz" { // they follow
			lines = append(lines, strings.Join([]string{string(d.Part), d.Where, d.Field, d.Was, d.Is, d.Step}, "|"))
		}
	}
	if len(all) > 0 && lines == nil {
		for _, d := range all {
			lines = append(lines, strings.Join([]string{string(d.Part), d.Where, d.Field, d.Was, d.Is, d.Step}, "|"))
		}
	}
	return lines
}

// Whatever a second build does otherwise is found, with its path, both values and
// the step that it comes of.
func TestWhatDiffersIsNamed(t *testing.T) {
	rows := []struct {
		summary string
		change  func(s *sample)
		want    []string
	}{
		{"nothing", func(*sample) {}, nil},
		{"content that a script made", func(s *sample) { s.put(t, "etc/made", "first\nsecund\nthird\n") },
			[]string{`path|/etc/made|content|DIGEST, line 2: "second"|DIGEST, line 2: "secund"|configure: the maintainer script tool.postinst:7`}},
		{"content that is no text", func(s *sample) { s.put(t, "etc/made", "first\n\x00\xff\nthird\n") },
			[]string{`path|/etc/made|size|19 bytes|15 bytes|configure: the maintainer script tool.postinst:7`,
				`path|/etc/made|content|DIGEST, byte 7: 7365636f6e640a74686972640a|DIGEST, byte 7: 00ff0a74686972640a|configure: the maintainer script tool.postinst:7`}},
		{"a mode", func(s *sample) { s.entry(t, "etc/app.conf").Mode = 0o664 },
			[]string{"path|/etc/app.conf|mode|0644|0664|the recipe's layers[app].files[0]"}},
		{"an owner", func(s *sample) { e := s.entry(t, "etc/passwd"); e.UID, e.GID = 1000, 1000 },
			[]string{"path|/etc/passwd|uid|0|1000|the rule accounts", "path|/etc/passwd|gid|0|1000|the rule accounts"}},
		{"a time", func(s *sample) { s.entry(t, "usr/bin/t").ModTime = 1700000000 },
			[]string{"path|/usr/bin/t|mtime|100 (1970-01-01T00:01:40Z)|1700000000 (2023-11-14T22:13:20Z)|unpack the package tool"}},
		{"a link", func(s *sample) { s.entry(t, "usr/bin/t").Link = "tool2" }, []string{"path|/usr/bin/t|link|tool|tool2|unpack the package tool"}},
		{"a capability", func(s *sample) { s.entry(t, "etc/made").Xattrs = map[string]string{"security.capability": "\x01\x02"} },
			[]string{"path|/etc/made|xattr||security.capability=0102|configure: the maintainer script tool.postinst:7"}},
		{"a path more", func(s *sample) {
			m := &s.layers[0].Members[2]
			m.Entries = slices.Insert(m.Entries, 0, s.file("etc/extra", "x", tree.Origin{Package: "tool", Script: "tool.postinst:9"}))
		}, []string{"path|/etc/extra|||a file: f 0644 @100 1B 2d711642b726|configure: the maintainer script tool.postinst:9"}},
		{"a path less", func(s *sample) {
			m := &s.layers[1].Members[1]
			m.Entries = nil
		}, []string{"path|/etc/app.conf||a file: f 0644 @100 13B 40844ce2f215||the recipe's layers[app].files[0]"}},
		{"a file instead of a link", func(s *sample) {
			e := s.entry(t, "usr/bin/t")
			*e = s.file("usr/bin/t", "", e.Origin)
		}, []string{"path|/usr/bin/t|type|a symbolic link|a file|unpack the package tool", "path|/usr/bin/t|mode|0777|0644|unpack the package tool",
			"path|/usr/bin/t|content||DIGEST|unpack the package tool", "path|/usr/bin/t|link|tool||unpack the package tool"}},
		{"the order of entries", func(s *sample) { slices.Reverse(s.layers[0].Members[2].Entries) },
			[]string{"layer|base|order of entries|/etc/made|/etc/passwd|write the layer as tar"}},
		{"the cut of members", func(s *sample) {
			m := s.layers[0].Members
			s.layers[0].Members = []tree.Member{m[0], {Name: "joined", Entries: slices.Concat(m[1].Entries, m[2].Entries)}}
		}, []string{"layer|base|compressed bytes|DIGEST|DIGEST|compress the layer"}},
		{"a layer more", func(s *sample) {
			s.layers = append(s.layers, tree.Layer{Name: "more", Members: []tree.Member{{Name: "directories", Entries: []tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755, ModTime: 100, Origin: tree.Origin{Package: "base-files"}}}}}})
		}, []string{"layer|more|||DIGEST|assemble the layer"}},
		{"the configuration", func(s *sample) { s.config.Env = []string{"A=2"} }, []string{`document|configuration .config.Env[0]||"A=1"|"A=2"|write the image's documents`}},
		{"the lock", func(s *sample) { s.lock = "{\"at\":1}\n" }, []string{`record|kiln.lock|content|DIGEST, line 1: "{}"|DIGEST, line 1: "{\"at\":1}"|write the record of the build`}},
	}
	first := newSample().write(t, oci.Gzip, true)
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			s := newSample()
			row.change(s)
			got := compare(t, first, s.write(t, oci.Gzip, true))
			for i := range got {
				got[i] = undigested(got[i])
			}
			if row.summary == "the configuration" {
				got = slices.DeleteFunc(got, func(l string) bool { return !strings.HasPrefix(l, "document|configuration") })
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// undigested replaces digests, which other tests look at, where they are not told to be short.
func undigested(line string) string {
	fields := strings.Split(line, "|")
	for i, f := range fields {
		head, rest, ok := strings.Cut(f, ", ")
		if _, err := kiln.ParseDigest(head); err == nil || len(head) == 12 && ok && strings.Trim(head, "0123456789abcdef") == "" {
			fields[i] = "DIGEST"
			if ok {
				fields[i] += ", " + rest
			}
		}
	}
	return strings.Join(fields, "|")
}

// A layout of which another tool changed index.json alone holds the same image.
func TestOtherFilesOfTheSameImage(t *testing.T) {
	first, second := newSample().write(t, oci.Gzip, false), newSample().write(t, oci.Gzip, false)
	change(t, second+"/index.json", func(b []byte) { copy(b[strings.Index(string(b), `"1.0"`):], `"2.0"`) })
	compareWith := func(files bool) []proof.Difference {
		all, err := proof.Compare(t.Context(), image.ParseReference("oci:"+first), image.ParseReference("oci:"+second), proof.Options{Files: files, Spool: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := compareWith(false); all != nil {
		t.Errorf("%v", all)
	}
	if all := compareWith(true); len(all) != 1 || all[0].Part != proof.PartFile || all[0].Where != "index.json" {
		t.Errorf("%v", all)
	}
}

func TestListingsAreCompared(t *testing.T) {
	dir := t.TempDir()
	s := newSample()
	write := func(name string) string {
		path := dir + "/" + name
		if err := writeFile(path, s.tree(t).Listing()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a := write("a")
	s.entry(t, "etc/made").Mode = 0o600
	all, err := proof.CompareListings(a, write("b"))
	if err != nil || len(all) != 1 || all[0].Where != "/etc/made" || all[0].Was != "0644" || all[0].Is != "0600" {
		t.Errorf("%v, %v", all, err)
	}
}
