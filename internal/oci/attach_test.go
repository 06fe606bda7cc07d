package oci_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/store"
)

// note is an artifact about subject that says text.
func note(t *testing.T, st *store.Store, subject *oci.Descriptor, artifactType, text string) oci.Artifact {
	t.Helper()
	empty, err := oci.PutFile(st, "", "application/vnd.oci.empty.v1+json", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	blob, err := oci.PutFile(st, "", "text/plain", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return oci.Artifact{Type: artifactType, Config: empty, Blobs: []oci.Descriptor{blob}, Subject: subject, Annotations: map[string]string{"note": text}}
}

// beside reads what stands beside the image in a layout.
func beside(t *testing.T, ref string) (found []string) {
	t.Helper()
	img, err := image.Read(context.Background(), image.ParseReference(ref), image.Options{Referrers: func(string) bool { return true }, Platform: kiln.Platform{OS: "linux", Architecture: "amd64"}, Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	for _, r := range img.Referrers {
		if r.Annotations["note"] != string(r.Contents[0]) {
			t.Errorf("%s: its annotations %v are not those of its content %q", ref, r.Annotations, r.Contents[0])
		}
		found = append(found, r.ArtifactType+" "+string(r.Contents[0]))
	}
	return found
}

func TestAttach(t *testing.T) {
	st, s, ctx := openStore(t), newSample(t), context.Background()
	for kind, output := range map[string]string{"oci": "layout", "oci-archive": "layout tar"} {
		t.Run(kind, func(t *testing.T) {
			ix := indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Gzip), manifestFor(t, st, s, armv7(), oci.Gzip))
			write := func(ix oci.Index, name string) string {
				place := filepath.Join(t.TempDir(), name)
				t.Helper()
				if err := outputs(st, s, ix)[output](ctx, place); err != nil {
					t.Fatal(err)
				}
				return place
			}
			place := write(ix, "image")
			b, a := note(t, st, ix.Subject(), "application/b", "second"), note(t, st, ix.Manifests[0].Subject(), "application/a", "first")
			for _, one := range []oci.Artifact{b, a, b} {
				if err := oci.AttachLayout(ctx, st, place, "", []oci.Artifact{one}); err != nil {
					t.Fatal(err)
				}
			}
			const want = "application/a first, application/b second"
			if got := strings.Join(beside(t, kind+":"+place), ", "); got != want {
				t.Errorf("attached %q, want %q", got, want)
			}
			both, err := ix.Refer(st, a, b)
			if err != nil {
				t.Fatal(err)
			}
			if at := write(both, "built"); !bytes.Equal(all(t, at), all(t, place)) {
				t.Error("attached later, the layout is not what it is with both from the beginning")
			}
			// The same image written again keeps them; another image there does not have them.
			if err := outputs(st, s, ix)[output](ctx, place); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(beside(t, kind+":"+place), ", "); got != want {
				t.Errorf("written again, the layout has %q, want %q", got, want)
			}
			if err := outputs(st, s, indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Zstd)))[output](ctx, place); err != nil {
				t.Fatal(err)
			}
			if got := beside(t, kind+":"+place); got != nil {
				t.Errorf("with another image, the layout has %q", got)
			}
		})
	}
}

// all is the content of a file, or of all files of a folder.
func all(t *testing.T, place string) []byte {
	t.Helper()
	var b bytes.Buffer
	err := filepath.Walk(place, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		b.WriteString(strings.TrimPrefix(path, place) + "\n")
		b.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAttachRefuses(t *testing.T) {
	st, s, ctx := openStore(t), newSample(t), context.Background()
	ix := indexOf(t, st, manifestFor(t, st, s, amd64(), oci.Gzip), manifestFor(t, st, s, armv7(), oci.Gzip))
	place := filepath.Join(t.TempDir(), "image")
	if err := oci.WriteLayout(ctx, st, ix, place, nil); err != nil {
		t.Fatal(err)
	}
	good, before := note(t, st, ix.Subject(), "application/a", "first"), all(t, place)
	other := ix.Subject()
	other.Digest = kiln.DigestOf([]byte("another"))
	for _, c := range []struct {
		name, place, image string
		artifact           oci.Artifact
		want               string
		code               kiln.Code
	}{
		{"of another image", place, "", note(t, st, other, "application/a", "first"), "is of another image", kiln.Refused},
		{"of no image", place, "", note(t, st, nil, "application/a", "first"), "is of another image", kiln.Refused},
		{"beside no image", place, "old", good, `no image in it is called "old"`, kiln.User},
		{"nothing there", place + "2", "", good, "no such file", kiln.User},
		{"not a layout", t.TempDir(), "", good, "index.json", kiln.User},
	} {
		err := oci.AttachLayout(ctx, st, c.place, c.image, []oci.Artifact{c.artifact})
		if err == nil || !strings.Contains(err.Error(), c.want) || kiln.CodeOf(err) != c.code {
			t.Errorf("%s: %v (code %v), want %q (code %v)", c.name, err, kiln.CodeOf(err), c.want, c.code)
		}
	}
	if !bytes.Equal(before, all(t, place)) {
		t.Error("a refused artifact changed the layout")
	}
}
