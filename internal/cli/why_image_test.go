package cli_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
)

// everythingSet is all that there is to ask of an image's configuration, too.
func everythingSet() []string {
	return append(everything(), "config:user", "config:entrypoint", "env:MODE", "env:PATH", "config:workdir", "config:labels.org.opencontainers.image.title",
		"config:labels.org.opencontainers.image.created", "config:labels.team", "config:ports")
}

const containerText = `container:
  user: app
  entrypoint: [/bin/svc, --serve]
  env: {MODE: fast}
  workdir: /srv
  ports: [8080/tcp, 8443/tcp]
  labels: {team: web}
`

// An image alone tells of each thing what the recipe tells of it: without the recipe,
// the lock, the store, and any archive.
func TestWhyOfAnImageAlone(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.write("web/kiln.yaml", s.read("web/kiln.yaml")+containerText)
	s.does("build", "web", "-o", "oci:web.oci", "-o", "oci-archive:web.tar", "-o", "docker-archive:docker.tar", "-o", "tar:root.tar", "-o", "folder:root")
	asked := append([]string{"why", "web", "--json"}, everythingSet()...)
	want := decoded[map[string]any](t, strings.ReplaceAll(s.does(asked...).stdout, "web/kiln.yaml", "kiln.yaml"))
	s.remove("web")
	s.remove("store")
	asks := func(r *http.Request) { t.Errorf("it asks for %s", r.URL) }
	s.hook.Store(&asks)
	for _, ref := range []string{"oci:web.oci", "oci-archive:web.tar", "docker-archive:docker.tar", "web.oci", s.path("web.oci"), "web.tar"} {
		asked[1] = ref
		got := decoded[map[string]any](t, s.does(asked...).stdout)
		if got["image"] != ref {
			t.Errorf("%s calls itself %q", ref, got["image"])
		}
		delete(got, "image")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-recipe +image):\n%s", ref, diff)
		}
	}
	o := s.does("why", "oci:web.oci", "/etc/svc.state", "config:entrypoint", "env:PATH")
	for _, text := range []string{
		`required by: kiln.yaml:9: layers[base].packages[0] "svc": the service of this image`, "history:     svc.postinst configure: made\n               addon.postinst configure: size, content\n",
		"  value:       /bin/svc\n               --serve\n  program:     /usr/bin/svc; of that tells: kiln why oci:web.oci /usr/bin/svc\n  recipe:      kiln.yaml:31: container.entrypoint\n",
		"  rule:        default-path: ",
	} {
		if !strings.Contains(o.stdout, text) {
			t.Errorf("does not say %q:\n%s", text, o.stdout)
		}
	}
	if names(t, s.root) != "docker.tar home root root.tar tmp web.oci web.tar" {
		t.Errorf("it left something: %s", names(t, s.root))
	}
	s.refuses("why tar:root.tar /etc/passwd", 1, "cannot tell about tar:root.tar: a root file system alone has no record of its build", "kiln why RECIPE SUBJECT...", "kiln why oci:FOLDER SUBJECT...")
	s.refuses("why folder:root /etc/passwd", 1, "cannot tell about folder:root: a root file system alone has no record of its build")
	s.refuses("why oci:web.oci", 2, "kiln why wants something to tell about", "kiln why oci:web.oci /etc/passwd")
	s.refuses("why oci:web.oci /nowhere", 1, `there is nothing at "/nowhere"`)
	s.refuses("why oci:web.oci user:svcs", 1, "try: kiln why oci:web.oci user:svc\n")
	s.refuses("why oci:web.oci env:MOOD", 1, `there is no env "MOOD" in the image for linux/amd64`)
	s.refuses("why oci:web.oci /etc --platform linux/arm64", 1, "oci:web.oci is for linux/amd64 alone", "try: --platform linux/amd64")
	s.refuses("why oci:nothing /etc", 1, `cannot read the image "oci:nothing": nothing is there`)
}

// What of the record or the image does not fit is refused, and not told.
func TestWhyOfAnImageThatLies(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.does("build", "web", "-o", "oci:web.oci")
	record := s.recordBlobs("web.oci")
	for _, title := range []string{"kiln.lock", "linux-amd64.tree.gz", "linux-amd64.origins.gz", "linux-amd64.story.gz"} {
		file := "web.oci/blobs/sha256/" + kiln.Digest(record[title]).Hex()
		was := s.read(file)
		s.write(file, was[:len(was)/2]+string(was[len(was)/2]^1)+was[len(was)/2+1:])
		s.refuses("why oci:web.oci /etc/passwd", 3, kiln.Digest(record[title]).Hex())
		s.write(file, was)
	}
	// A record that is whole, but of another tree.
	s.edit("web/kiln.yaml", "listen=:8080", "listen=:9090")
	s.does("build", "web", "-o", "oci:other.oci")
	s.graft("other.oci", "web.oci")
	s.refuses("why oci:web.oci /etc/passwd", 3, "its tree is sha256:", "and the record of its build is of the tree sha256:", "try: kiln verify oci:web.oci")
}

// artifactJSON is the manifest of a record.
type artifactJSON map[string]any

// record reads the manifest of the record in a layout.
func (s *scene) record(layout string) (index map[string]any, m artifactJSON) {
	s.t.Helper()
	index = decoded[map[string]any](s.t, s.read(layout+"/index.json"))
	d := recordIn(s.referrers(layout, index))
	return index, decoded[artifactJSON](s.t, s.read(layout+"/blobs/sha256/"+kiln.Digest(d["digest"].(string)).Hex()))
}

// referrers reads the list of what stands beside the image in a layout.
func (s *scene) referrers(layout string, index map[string]any) map[string]any {
	return decoded[map[string]any](s.t, s.read(layout+"/blobs/sha256/"+kiln.Digest(annotations(index)["vnd.kiln.referrers"].(string)).Hex()))
}

// recordIn is what such a list says of the record of the build.
func recordIn(list map[string]any) map[string]any {
	for _, d := range list["manifests"].([]any) {
		if d := d.(map[string]any); d["artifactType"] == "application/vnd.kiln.build.v1" {
			return d
		}
	}
	return nil
}

func annotations(index map[string]any) map[string]any {
	return index["manifests"].([]any)[0].(map[string]any)["annotations"].(map[string]any)
}

// recordBlobs are the digests of the files of the record in a layout, by title.
func (s *scene) recordBlobs(layout string) map[string]string {
	s.t.Helper()
	_, m := s.record(layout)
	all := map[string]string{}
	for _, l := range m["layers"].([]any) {
		d := l.(map[string]any)
		all[d["annotations"].(map[string]any)["org.opencontainers.image.title"].(string)] = d["digest"].(string)
	}
	return all
}

// graft makes the record of one layout that of another, as if it were of its image.
func (s *scene) graft(from, to string) {
	s.t.Helper()
	_, m := s.record(from)
	index, own := s.record(to)
	m["subject"] = own["subject"]
	digests := []string{m["config"].(map[string]any)["digest"].(string)}
	for _, d := range s.recordBlobs(from) {
		digests = append(digests, d)
	}
	slices.Sort(digests)
	for _, d := range digests {
		name := "/blobs/sha256/" + kiln.Digest(d).Hex()
		s.write(filepath.Join(to, name), s.read(from+name))
	}
	text, err := json.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	put := func(text []byte) kiln.Digest {
		digest := kiln.DigestOf(text)
		s.write(to+"/blobs/sha256/"+digest.Hex(), string(text))
		return digest
	}
	list := s.referrers(to, index)
	d := recordIn(list)
	d["digest"], d["size"] = put(text), len(text)
	if text, err = json.Marshal(list); err != nil {
		s.t.Fatal(err)
	}
	annotations(index)["vnd.kiln.referrers"] = put(text)
	if text, err = json.Marshal(index); err != nil {
		s.t.Fatal(err)
	}
	s.write(to+"/index.json", string(text))
}
