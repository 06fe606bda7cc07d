package cli_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/registry/registrytest"
	"kiln/internal/store"
)

// says checks how a run ended and what it told.
func (o outcome) says(t *testing.T, status int, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if o.status != status || !strings.Contains(o.stdout+o.stderr, want) {
			t.Errorf("want status %d and %q, got %v", status, want, o)
		}
	}
}

// The one entry of a layout bears what cosign knows a signed image by, from the first
// bundle on, through a registry and another build; and only then.
func TestLayoutForCosign(t *testing.T) {
	s := newUnsigned(t)
	s.does("key", "generate", "--output-key-prefix", "plain", "--unsafe-no-passphrase")
	kind := func(layout string) any { return entryOf(s.top(layout))["annotations"].(map[string]any)["kind"] }
	if got := kind("web.oci"); got != nil {
		t.Errorf("not signed, and the kind is %v", got)
	}
	s.does("sign", "oci:web.oci", "--key", "plain.key")
	const want = "dev.cosignproject.cosign/image"
	if got := kind("web.oci"); got != want {
		t.Errorf("signed, and the kind is %v", got)
	}
	srv := registrytest.Serve(t, &registrytest.Server{})
	ref := srv.Host + "/team/web:1.4"
	s.does("push", "oci:web.oci", ref)
	s.does("pull", ref, "oci:back.oci")
	s.sameFolders("web.oci", "back.oci")
	s.does("pull", ref, "oci:bare.oci", "--without", "application/vnd.dev.sigstore.bundle.v0.3+json")
	if got := kind("bare.oci"); got != nil {
		t.Errorf("left out, and the kind is %v", got)
	}
	s.does("build", "web", "-o", "oci:web.oci")
	s.does("verify", "oci:web.oci")
	if got := kind("web.oci"); got != want {
		t.Errorf("built again, and the kind is %v", got)
	}
}

func newUnsigned(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, root: t.TempDir()}
	s.furnish("http://unused.example.org")
	s.write("web/kiln.yaml", strings.ReplaceAll(signedRecipe, "VERSION", "1.4"))
	s.write("file.conf", "x")
	s.does("build", "web", "-o", "oci:web.oci", "-o", "oci-archive:web.tar")
	s.does("key", "generate", "--algorithm", "ed25519", "--unsafe-no-passphrase")
	s.write("trust.yaml", onePolicy)
	return s
}

const onePolicy = `trust: v1
image: web
keys: [{name: k, person: me, file: kiln.pub}]
roles: [{name: me, persons: [me]}]
require:
  - {predicate: signature, role: me}
  - {predicate: slsaprovenance1, role: me}
`

func TestKeys(t *testing.T) {
	s := newUnsigned(t)
	s.kiln("key", "generate").says(t, 1, `cannot write the key "kiln.key": it is there already`)
	s.kiln("key", "generate", "--output-key-prefix", "b").says(t, 1, "cannot ask for the passphrase of the new key: there is no terminal")
	s.kiln("key", "generate", "--output-key-prefix", "b", "--algorithm", "rsa").says(t, 2, `unknown algorithm "rsa"`)
	s.kiln("key", "generate", "--output-key-prefix", "none/b", "--unsafe-no-passphrase").says(t, 1, "name a folder that is there")
	s.write("pass", "first line\nsecond line\n")
	s.write("empty", "")
	s.kiln("key", "generate", "--output-key-prefix", "b", "--passphrase-file", "empty").says(t, 1, "the passphrase is empty")
	s.does("key", "generate", "--output-key-prefix", "b", "--passphrase-file", "pass")
	if info, err := os.Stat(s.path("b.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key: %v, %v", info, err)
	}
	if text := s.read("b.key"); !strings.Contains(text, "ENCRYPTED SIGSTORE PRIVATE KEY") {
		t.Errorf("the private key is not encrypted: %s", text)
	}
	s.env = append(s.env, "KILN_KEY_PASSPHRASE=first line")
	if got := s.does("key", "public", "b.key").stdout; got != s.read("b.pub") {
		t.Errorf("the public key is %s, want %s", got, s.read("b.pub"))
	}
	s.env = append(s.env, "KILN_KEY_PASSPHRASE=another")
	s.kiln("sign", "oci:web.oci", "--key", "b.key").says(t, 1, "the passphrase is not the right one")
	s.kiln("sign", "oci:web.oci", "--key", "b.pub").says(t, 1, "it is the public key, and the private one is needed")
	s.kiln("sign", "oci:web.oci", "--key", "c.key").says(t, 1, "  try: kiln key generate")
	s.kiln("sign", "oci:web.oci", "--key", "plugin:none").says(t, 1, "put a program kiln-key-none in PATH")
	s.kiln("sign", "oci:web.oci").says(t, 2, "kiln sign wants a key")
	if o := s.kiln("verify", "oci:web.oci"); o.status != 0 || !strings.Contains(o.stderr, "--policy FILE checks signatures") {
		t.Errorf("nothing says that no signature was checked: %v", o)
	}
}

func TestSignArchive(t *testing.T) {
	s := newUnsigned(t)
	s.does("sign", "oci-archive:web.tar", "--key", "kiln.key")
	s.does("verify", "oci-archive:web.tar", "--policy", "trust.yaml").says(t, 0, "accepted by the trust policy trust.yaml")
	s.kiln("sign", "tar:web.tar", "--key", "kiln.key").says(t, 1, "it is no OCI image layout")
	s.kiln("sign", "web", "--key", "kiln.key").says(t, 1, "it is no OCI image layout")
}

// Signing with Ed25519 is deterministic: the same image, key and flags give the same
// layout. What was signed stays when the image is built again, and is no difference
// to what was built.
func TestSignTwice(t *testing.T) {
	s := newUnsigned(t)
	s.copyLayout("web.oci", "other.oci")
	for _, layout := range []string{"web.oci", "other.oci"} {
		s.does("sign", "oci:"+layout, "--key", "kiln.key", "-a", "stage=prod", "--serial", "7")
	}
	if a, b := s.read("web.oci/index.json"), s.read("other.oci/index.json"); a != b {
		t.Errorf("the layouts differ:\n%s\n%s", a, b)
	}
	before := s.read("web.oci/index.json")
	s.does("sign", "oci:web.oci", "--key", "kiln.key", "-a", "stage=prod", "--serial", "7").says(t, 0, "(was there already)")
	s.does("build", "web", "-o", "oci:web.oci")
	if after := s.read("web.oci/index.json"); before != after {
		t.Errorf("it has changed:\n%s\n%s", before, after)
	}
	s.does("verify", "oci:web.oci")
	s.does("verify", "oci:web.oci", "--policy", "trust.yaml", "--state", "state.json")
	s.does("verify", "oci:web.oci", "--policy", "trust.yaml", "--state", "state.json").says(t, 0, "accepted")
	s.does("verify", "oci:web.oci", "--policy", "trust.yaml", "--state", "state.json", "--platform", "linux/arm64")
	if got := s.read("state.json"); !strings.Contains(got, `"serial": 7`) {
		t.Errorf("it remembers %s", got)
	}
	s.write("state.json", "nonsense")
	s.kiln("verify", "oci:web.oci", "--policy", "trust.yaml", "--state", "state.json").says(t, 1, "cannot use the record of accepted images")
}

func TestSignElsewhere(t *testing.T) {
	s := newUnsigned(t)
	s.copyLayout("web.oci", "bare.oci")
	s.does("sign", "oci:web.oci", "--request", "web.request")
	s.does("sign", "--answer", "web.request", "--key", "kiln.key", "-o", "web.answer")
	s.does("attach", "oci:web.oci", "web.answer", "--key", "kiln.pub")
	s.does("verify", "oci:web.oci", "--policy", "trust.yaml")
	s.does("verify", "oci:bare.oci", "--policy", "trust.yaml", "--bundle", "web.answer")

	s.edit("web.request", `"name": "web:1.4 linux/amd64"`, `"name": "web:1.5 linux/amd64"`)
	s.kiln("sign", "--answer", "web.request", "--key", "kiln.key", "-o", "again").says(t, 3, "not those of the statement that it shows")
	s.kiln("sign", "--answer", "kiln.pub", "--key", "kiln.key", "-o", "again").says(t, 1, "it is no signing request")
	s.kiln("sign", "--answer", "none", "--key", "kiln.key", "-o", "again").says(t, 1, "kiln sign IMAGE --request FILE")
	s.kiln("sign", "--answer", "web.request", "--key", "kiln.key").says(t, 2, "wants a file for the answer")
	s.does("key", "generate", "--output-key-prefix", "other", "--unsafe-no-passphrase")
	s.kiln("attach", "oci:bare.oci", "web.answer", "--key", "other.pub").says(t, 3, "no key that was named signed its signature")
	s.kiln("attach", "oci:bare.oci", "trust.yaml").says(t, 1, "it is neither a bundle nor an answer")
	s.kiln("attach", "oci:bare.oci").says(t, 2, "kiln attach wants an image")
	s.write("web/kiln.yaml", strings.ReplaceAll(signedRecipe, "VERSION", "1.5"))
	s.does("build", "web", "-o", "oci:next.oci")
	s.kiln("attach", "oci:next.oci", "web.answer").says(t, 3, "and the image is sha256:")
	if o := s.kiln("verify", "oci:next.oci", "--policy", "trust.yaml"); o.status != 3 {
		t.Errorf("something was attached: %v", o)
	}
}

// What is damaged is not signed.
func TestSignDamaged(t *testing.T) {
	s := newUnsigned(t)
	alterLayer(s, "web.oci")
	before := s.read("web.oci/index.json")
	s.kiln("sign", "oci:web.oci", "--key", "kiln.key").says(t, 3, "is not what it is to be")
	if s.read("web.oci/index.json") != before {
		t.Error("it was signed all the same")
	}
	s.does("sign", "oci:web.oci", "--key", "kiln.key", "--unsafe-skip-content")
	s.kiln("verify", "oci:web.oci", "--policy", "trust.yaml").says(t, 3, "its files are not those of the image that was signed")
}

// Bills of materials beside the image are signed as what they are, for each platform.
func TestSignBillsOfMaterials(t *testing.T) {
	s := newUnsigned(t)
	s.kiln("sign", "oci:web.oci", "--key", "kiln.key", "--type", "vuln").says(t, 1, "nothing of the kind stands beside the image")
	ref := image.ParseReference("oci:" + s.path("web.oci"))
	o, err := image.ReadOutline(t.Context(), ref, image.Options{Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	put := func(media, text string) oci.Descriptor {
		d, err := oci.PutFile(st, "", media, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	var all []oci.Artifact
	for _, p := range o.Platforms {
		for _, media := range []string{"application/spdx+json", "application/vnd.cyclonedx+json"} {
			subject := p.Manifest
			all = append(all, oci.Artifact{Type: media, Config: put("application/vnd.oci.empty.v1+json", "{}"), Subject: &subject,
				Blobs: []oci.Descriptor{put(media, `{"of": "`+p.Platform.String()+`"}`+"\n")}})
		}
	}
	if err := oci.AttachLayout(t.Context(), st, ref.Path, "", all); err != nil {
		t.Fatal(err)
	}
	s.write("trust.yaml", onePolicy+"  - {predicate: spdxjson, role: me}\n  - {predicate: cyclonedx, role: me}\n")
	s.kiln("verify", "oci:web.oci", "--policy", "trust.yaml").says(t, 3, `spdxjson signed by the role "me" for linux/amd64: none stands beside the image`)
	s.does("sign", "oci:web.oci", "--key", "kiln.key")
	s.does("verify", "oci:web.oci", "--policy", "trust.yaml").says(t, 0, "cyclonedx of linux/arm64 sha256:")
	s.does("sign", "oci:web.oci", "--key", "kiln.key", "--type", "spdxjson", "-o", "bundles")
	files, err := os.ReadDir(s.path("bundles"))
	if err != nil || len(files) < 2 { // one for each platform, or more
		t.Errorf("%v, %v", files, err)
	}
}

func TestSignPredicate(t *testing.T) {
	s := newUnsigned(t)
	s.write("vex.json", `{"statements": []}`)
	s.kiln("sign", "oci:web.oci", "--key", "kiln.key", "--predicate", "vex.json").says(t, 2, "--predicate wants one --type")
	s.kiln("sign", "oci:web.oci", "--key", "kiln.key", "--type", "openvex", "--predicate", "kiln.pub").says(t, 1, "is no JSON")
	s.does("sign", "oci:web.oci", "--key", "kiln.key", "--type", "openvex", "--predicate", "vex.json")
	s.does("sign", "oci:web.oci", "--key", "kiln.key")
	s.write("trust.yaml", onePolicy+"  - {predicate: openvex, role: me}\n")
	s.does("verify", "oci:web.oci", "--policy", "trust.yaml")
}

func TestProvenance(t *testing.T) {
	s := newUnsigned(t)
	s.write("web/kiln.yaml", strings.Replace(strings.ReplaceAll(signedRecipe, "VERSION", "1.4"), `content: "version=1.4\n"`, "from: files/a.conf", 1))
	s.write("web/files/a.conf", "a=1\n")
	s.does("build", "web", "-o", "oci:web.oci")
	first := s.does("provenance", "oci:web.oci", "--started-on", "2026-01-02T03:04:05Z", "--builder-id", "https://ci.example.org/kiln").stdout
	type resource struct {
		Name   string
		Digest map[string]string
	}
	var p struct {
		PredicateType string
		Predicate     struct {
			BuildDefinition struct {
				BuildType            string
				ResolvedDependencies []resource
				InternalParameters   struct{ Environment map[string]any }
			}
			RunDetails struct {
				Builder struct {
					ID                  string
					Version             map[string]string
					BuilderDependencies []resource
				}
				Metadata map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(first), &p); err != nil {
		t.Fatal(err)
	}
	if b := p.Predicate.RunDetails.Builder; b.ID != "https://ci.example.org/kiln" || b.Version["kiln"] == "" || len(b.BuilderDependencies) != 1 || len(b.BuilderDependencies[0].Digest["sha256"]) != 64 {
		t.Errorf("the builder is %+v", b)
	}
	if m := p.Predicate.RunDetails.Metadata; len(m) != 1 || m["startedOn"] != "2026-01-02T03:04:05Z" {
		t.Errorf("the metadata is %v", m)
	}
	if p.Predicate.BuildDefinition.BuildType != "urn:kiln:build:v1" || p.Predicate.BuildDefinition.InternalParameters.Environment["go"] == "" {
		t.Errorf("the build is %+v", p.Predicate.BuildDefinition)
	}
	want := map[string]kiln.Digest{
		"kiln.yaml": kiln.DigestOf([]byte(s.read("web/kiln.yaml"))), "kiln.lock": kiln.DigestOf([]byte(s.read("web/kiln.lock"))), "files/a.conf": kiln.DigestOf([]byte("a=1\n")),
	}
	for _, r := range p.Predicate.BuildDefinition.ResolvedDependencies {
		if got := "sha256:" + r.Digest["sha256"]; got != string(want[r.Name]) {
			t.Errorf("%s has the digest %s, want %s", r.Name, got, want[r.Name])
		}
		delete(want, r.Name)
	}
	if len(want) > 0 {
		t.Errorf("it does not name %v", want)
	}
	// Elsewhere nobody knows which kiln built it; the rest is the same.
	s.env = append(s.env, "KILN_STORE="+s.path("elsewhere"))
	if o := s.does("provenance", "oci:web.oci", "--predicate"); strings.Contains(o.stdout, "environment") || strings.Contains(o.stdout, `"version"`) || !strings.Contains(o.stdout, "files/a.conf") {
		t.Errorf("%v", o)
	}
	s.kiln("provenance", "tar:file.conf").says(t, 1, "it is no OCI image layout")
	s.kiln("provenance", "oci:web.oci", "--started-on", "noon").says(t, 2, `cannot read the time "noon"`)
}

// The provenance names every digest of the lock: signed files, indexes, packages.
func TestProvenanceNamesTheWholeLock(t *testing.T) {
	s := newScene(t, apttest.New(stable()))
	s.does("build", "web", "-o", "oci:web.oci")
	first := s.does("provenance", "oci:web.oci").stdout
	digests := regexp.MustCompile("[0-9a-f]{64}").FindAllString(strings.Replace(s.read("web/kiln.lock"), "wants", "", 1), -1)
	own := regexp.MustCompile(`"digest": ?"sha256:([0-9a-f]{64})"`).FindStringSubmatch(s.read("web/kiln.lock")) // of the lock's own text, less that line
	wants := regexp.MustCompile(`"wants": ?"sha256:([0-9a-f]{64})"`).FindStringSubmatch(s.read("web/kiln.lock"))
	if len(digests) < 5 || len(wants) != 2 || len(own) != 2 {
		t.Fatalf("the lock has the digests %v, wants %v", digests, wants)
	}
	for _, d := range digests {
		if d != wants[1] && d != own[1] && !strings.Contains(first, d) {
			t.Errorf("the provenance does not name %s", d)
		}
	}
	if again := s.does("provenance", "oci:web.oci").stdout; again != first {
		t.Error("the second time it is another")
	}
	s.does("key", "generate", "--unsafe-no-passphrase")
	s.write("trust.yaml", onePolicy)
	s.does("sign", "oci:web.oci", "--key", "kiln.key")
	s.does("sign", "oci:web.oci", "--key", "kiln.key").says(t, 0, "slsaprovenance1  by kiln.key  (was there already)")
	s.does("verify", "oci:web.oci", "--policy", "trust.yaml")
}
