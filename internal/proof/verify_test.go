package proof_test

import (
	"io/fs"
	"os"
	"path/filepath"
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

func TestSoundImagesVerify(t *testing.T) {
	for _, comp := range []oci.Compression{oci.Gzip, oci.Zstd} {
		layout := newSample().write(t, comp, true)
		refs := []string{"oci:" + layout, "oci-archive:" + filepath.Dir(layout) + "/image.tar"}
		if comp == oci.Gzip {
			refs = append(refs, "docker-archive:"+filepath.Dir(layout)+"/image.docker")
		}
		for _, ref := range refs {
			reports, err := verify(t, ref)
			if err != nil {
				t.Fatalf("%s: %v", ref, err)
			}
			if len(reports) != 1 || !reports[0].Equal || reports[0].Found != newSample().tree(t).Digest() || reports[0].Entries != newSample().tree(t).Len() {
				t.Errorf("%s: %+v", ref, reports[0])
			}
		}
	}
}

// told is all that is said of an image that does not verify.
func told(reports []*proof.Report, err error) string {
	if err != nil {
		return string(kiln.CodeOf(err)) + ": " + err.Error()
	}
	var lines []string
	for _, r := range reports {
		for _, d := range r.Damage {
			lines = append(lines, "layer "+d.Layer+": "+d.Text)
			lines = append(lines, d.Places...)
		}
		lines = append(lines, r.Files...)
		for _, c := range r.Changes {
			lines = append(lines, c.String())
		}
		if r.Equal {
			return ""
		}
	}
	return strings.Join(lines, "\n")
}

// One bit changed anywhere in a layout is told of, and its file is named.
func TestEveryBitOfALayoutIsCovered(t *testing.T) {
	s := newSample()
	layout := s.write(t, oci.Gzip, true)
	tries := 0
	err := filepath.WalkDir(layout, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		sound, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		step := 3 // of each document the rest are tried with KILN_TEST=real
		switch {
		case len(sound) > 200 && sound[0] != '{':
			step = 17
		case os.Getenv("KILN_TEST") == "real":
			step = 1
		}
		name := strings.TrimPrefix(path, layout+"/")
		for i := 0; i < len(sound); i += step {
			tries++
			change(t, path, func(b []byte) { b[i] ^= 1 << (i % 8) })
			text := told(verify(t, "oci:"+layout))
			if text == "" {
				t.Errorf("%s: bit %d of byte %d: not told of", name, i%8, i)
			} else if named := filepath.Base(name); !strings.Contains(text, named) {
				t.Errorf("%s: bit %d of byte %d: not named: %s", name, i%8, i, text)
			}
			if err := os.WriteFile(path, sound, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if tries < 300 {
		t.Errorf("only %d tries", tries)
	}
	if text := told(verify(t, "oci:"+layout)); text != "" {
		t.Errorf("the sound layout: %s", text)
	}
}

// Of a damaged layer it is told which part is damaged, and which paths that cost.
func TestDamagedLayer(t *testing.T) {
	s := newSample()
	layout := s.write(t, oci.Gzip, true)
	reports, err := verify(t, "oci:"+layout)
	if err != nil {
		t.Fatal(err)
	}
	img, err := image.Read(t.Context(), image.ParseReference(layout), image.Options{Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	blob := filepath.Join(layout, "blobs", "sha256", img.Layers[0].Digest.Hex())
	sound, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	second := memberStarts(sound)[1]
	change(t, blob, func(b []byte) { b[second+40] ^= 1 })
	text := told(verify(t, "oci:"+layout))
	for _, want := range []string{"layer base: ", "is damaged: its digest is", "part 2 of 4, which comes after /usr/bin of base-files: ", "/usr/bin/tool\n  was a file: f 0644", "by  unpack the package tool"} {
		if !strings.Contains(text, want) {
			t.Errorf("not said: %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "/etc/") {
		t.Errorf("parts that are sound are blamed:\n%s", text)
	}
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	text = told(verify(t, "oci:"+layout))
	if want := `layer base: "blobs/sha256/` + img.Layers[0].Digest.Hex() + `" is missing in it`; !strings.HasPrefix(text, want) {
		t.Errorf("said\n%s\nwant %s", text, want)
	}
	if !reports[0].Equal {
		t.Error("the sound image was not equal")
	}
}

func memberStarts(b []byte) []int {
	var all []int
	for i := range b {
		if strings.HasPrefix(string(b[i:]), "\x1f\x8b\x08\x00\x00\x00\x00\x00") {
			all = append(all, i)
		}
	}
	return all
}

// What stands beside an image and is no part of it is told of.
func TestStrayFiles(t *testing.T) {
	layout := newSample().write(t, oci.Gzip, true)
	if err := os.WriteFile(filepath.Join(layout, "blobs", "sha256", "stray"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if text := told(verify(t, "oci:"+layout)); text != `the file "blobs/sha256/stray" is no part of the image` {
		t.Error(text)
	}
	// Of an image that was asked for by its name, others may stand beside it.
	if text := told(verify(t, "oci:"+layout+":1.0")); text != "" {
		t.Error(text)
	}
}

func TestListingSaysWhatAnImageIsToBe(t *testing.T) {
	layout := newSample().write(t, oci.Gzip, false)
	if text := told(verify(t, "oci:"+layout)); !strings.Contains(text, "no record of its build stands beside it") {
		t.Error(text)
	}
	want := newSample()
	want.entry(t, "etc/app.conf").Mode = 0o600
	want.put(t, "etc/made", "first\n2nd\nthird\n")
	reports, err := proof.Verify(t.Context(), image.ParseReference(layout), proof.Expected{Tree: want.tree(t), Name: "the test"}, proof.Options{Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range reports[0].Changes {
		got = append(got, c.Where+" "+c.Field)
	}
	if diff := cmp.Diff([]string{"/etc/app.conf mode", "/etc/made size", "/etc/made content"}, got); diff != "" || reports[0].Against != "the test" {
		t.Errorf("%s (-want +got):\n%s", reports[0].Against, diff)
	}
	reports, err = proof.Verify(t.Context(), image.ParseReference(layout), proof.Expected{Digest: want.tree(t).Digest(), Name: "a digest"}, proof.Options{Spool: t.TempDir()})
	if err != nil || reports[0].Equal || len(reports[0].Changes) != 1 || reports[0].Changes[0].Field != "tree digest" {
		t.Errorf("%+v, %v", reports, err)
	}
}

// A folder that an ordinary user unpacked has no owners, capabilities and devices of
// its own; all else counts.
func TestFolderOfAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a folder that is all another's")
	}
	s := newSample()
	s.entry(t, "usr/bin/tool").Xattrs = map[string]string{"security.capability": "\x01"}
	for i := range s.layers[0].Members[1].Entries[:2] {
		s.layers[0].Members[1].Entries[i].Xattrs = map[string]string{"security.capability": "\x01"}
	}
	device := tree.Entry{Path: "etc/null", Type: tree.CharDev, Mode: 0o666, Major: 1, Minor: 3, ModTime: 100}
	folder := filepath.Join(t.TempDir(), "root")
	if err := oci.WriteFolder(t.Context(), s.tree(t), s.contents, folder, oci.FolderOptions{}); err != nil {
		t.Fatal(err)
	}
	want := s.tree(t)
	if err := want.Insert(device); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(folder, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, 1234, 1234) // and the kernel takes capabilities away
	})
	if err != nil {
		t.Fatal(err)
	}
	check := func() *proof.Report {
		t.Helper()
		reports, err := proof.Verify(t.Context(), image.ParseReference("folder:"+folder), proof.Expected{Tree: want}, proof.Options{Spool: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		return reports[0]
	}
	r := check()
	if !r.Equal || len(r.Ignored) != 3 || !slices.ContainsFunc(r.Ignored, func(s string) bool { return strings.HasPrefix(s, "1 devices") }) {
		t.Errorf("%+v", r)
	}
	if err := os.Chmod(filepath.Join(folder, "etc/made"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := check(); r.Equal || len(r.Changes) != 1 || r.Changes[0].Is != "0600" {
		t.Errorf("%+v", r)
	}
}
