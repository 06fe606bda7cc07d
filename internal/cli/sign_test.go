package cli_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/oci"
)

const signedRecipe = `kiln: v1
name: web
version: "VERSION"
platforms: [linux/amd64, linux/arm64]
layers:
  - name: app
    files:
      - {path: /etc/app.conf, content: "version=VERSION\n", why: the configuration}
`

// The clock of these tests stands in 2026.
const trustPolicy = `trust: v1
image: web
keys:
  - {name: alice-1, person: alice, file: alice1.pub, from: 2020-01-01, until: 2030-01-01}
  - {name: alice-2, person: alice, file: alice2.pub}
  - {name: bob-old, person: bob, file: bobold.pub, until: 2021-01-01}
  - {name: bob-next, person: bob, file: bobnext.pub, from: 2040-01-01}
  - {name: bob, person: bob, file: bob.pub}
  - {name: ci, person: ci, file: ci.pub}
roles:
  - {name: release, persons: [alice, bob], threshold: 2}
  - {name: builder, persons: [ci]}
require:
  - {predicate: signature, role: release}
  - {predicate: slsaprovenance1, role: builder}
`

// newSigned is a scene with two images, web:1.4 in new.oci and web:1.3 in old.oci, both
// signed as the policy wants, and not signed at all in bare.oci.
func newSigned(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, root: t.TempDir()}
	s.furnish("http://unused.example.org")
	for _, version := range []string{"1.3", "1.4"} {
		name := map[string]string{"1.3": "old", "1.4": "new"}[version]
		s.write(name+"/kiln.yaml", strings.ReplaceAll(signedRecipe, "VERSION", version))
		s.does("build", name, "-o", "oci:"+name+".oci")
	}
	s.copyLayout("new.oci", "bare.oci")
	for _, key := range []string{"alice1", "alice2", "bobold", "bobnext", "bob", "ci", "stranger"} {
		algorithm := "ecdsa-p256"
		if key == "bob" {
			algorithm = "ed25519"
		}
		s.does("key", "generate", "--output-key-prefix", key, "--algorithm", algorithm, "--unsafe-no-passphrase")
	}
	for serial, name := range map[string]string{"4": "old.oci", "5": "new.oci"} {
		s.does("sign", "oci:"+name, "--type", "signature", "--key", "alice1.key", "--key", "bob.key", "--serial", serial)
		s.does("sign", "oci:"+name, "--type", "slsaprovenance1", "--key", "ci.key")
	}
	s.write("trust.yaml", trustPolicy)
	return s
}

func (s *scene) copyLayout(from, to string) {
	s.t.Helper()
	if err := os.CopyFS(s.path(to), os.DirFS(s.path(from))); err != nil {
		s.t.Fatal(err)
	}
}

// top is index.json of a layout; listed is its list of referrers.
func (s *scene) top(layout string) map[string]any {
	s.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(s.read(layout+"/index.json")), &v); err != nil {
		s.t.Fatal(err)
	}
	return v
}

func entryOf(top map[string]any) map[string]any {
	return top["manifests"].([]any)[0].(map[string]any)
}

func (s *scene) writeJSON(name string, v any) {
	s.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(name, string(b))
}

// bundle signs a layout into files, and returns the flags that hand them in.
func (s *scene) bundle(layout, kind string, keys ...string) (files []string) {
	s.t.Helper()
	// Behind the keys may stand flags.
	first := slices.IndexFunc(keys, func(k string) bool { return strings.HasPrefix(k, "--") })
	if first < 0 {
		first = len(keys)
	}
	folder := "bundles-" + strings.Join(keys[:first], "-") + kind + strconv.Itoa(len(keys)-first)
	args := append([]string{"sign", "oci:" + layout, "--type", kind, "-o", s.path(folder), "--json"}, keys[first:]...)
	for _, k := range keys[:first] {
		args = append(args, "--key", k+".key")
	}
	var r struct{ Bundles []struct{ File string } }
	if err := json.Unmarshal([]byte(s.does(args...).stdout), &r); err != nil {
		s.t.Fatal(err)
	}
	for _, b := range r.Bundles {
		files = append(files, "--bundle", b.File)
	}
	return files
}

// provenanceRule makes the policy ask for what provenance says.
func provenanceRule(rules string) [2]string {
	return [2]string{"slsaprovenance1, role: builder", "slsaprovenance1, role: builder, provenance: {" + rules + "}"}
}

func TestTampering(t *testing.T) {
	s := newSigned(t)
	join := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	built := s.bundle("bare.oci", "slsaprovenance1", "ci")
	release := s.bundle("bare.oci", "signature", "alice1", "bob")
	dated := s.bundle("bare.oci", "slsaprovenance1", "ci", "--builder-id", "https://ci.example.org/kiln", "--finished-on", "2026-02-20T12:00:00+02:00")
	for _, row := range []struct {
		summary string
		layout  string                    // copied before it is tampered with
		tag     string                    // by which it is named
		tamper  func(s *scene, to string) // nil: nothing
		args    []string
		policy  [2]string     // what is replaced in the policy
		want    string        // told on standard error; empty: accepted
		reason  attest.Reason // of the first check that is not met
	}{
		{summary: "as it was signed", layout: "new.oci"},
		{summary: "bundles from files", layout: "bare.oci", args: join(release, built)},
		{summary: "with the digest that was asked for", layout: "new.oci", args: []string{"--digest", entryOf(s.top("new.oci"))["digest"].(string)}},
		{summary: "one platform", layout: "new.oci", args: []string{"--platform", "linux/arm64"}},
		{summary: "not signed", layout: "bare.oci", want: "none stands beside the image; it was never made, or was removed", reason: attest.NothingThere},
		{summary: "bundle for another digest", layout: "bare.oci", args: join(built, s.bundle("old.oci", "signature", "alice1", "bob")),
			want: "and not of this image", reason: attest.OtherImage},
		{summary: "right digest, wrong predicate", layout: "bare.oci", args: join(built, s.bundle("bare.oci", "slsaprovenance1", "alice1", "bob")),
			want: "it is a statement of the type slsaprovenance1, and not of signature", reason: attest.OtherPredicate},
		{summary: "wrong key", layout: "bare.oci", args: join(built, s.bundle("bare.oci", "signature", "stranger")),
			want: "signed with a key that the policy does not name", reason: attest.UnknownKey},
		{summary: "a key in another role", layout: "bare.oci", args: join(built, s.bundle("bare.oci", "signature", "ci")),
			want: `ci signed it, who does not have the role "release"`, reason: attest.NotInRole},
		{summary: "expired key", layout: "bare.oci", args: join(built, s.bundle("bare.oci", "signature", "bobold")),
			want: `the key "bob-old" was valid until 2021-01-01, and it is 20`, reason: attest.KeyExpired},
		{summary: "key of the future", layout: "bare.oci", args: join(built, s.bundle("bare.oci", "signature", "bobnext")),
			want: `the key "bob-next" is valid from 2040-01-01 on`, reason: attest.KeyNotYetValid},
		{summary: "below threshold", layout: "bare.oci", args: join(built, s.bundle("bare.oci", "signature", "bob")),
			want: `signature signed by the role "release": 1 of 2`, reason: attest.Below},
		{summary: "two signatures of one person", layout: "bare.oci", args: join(built, s.bundle("bare.oci", "signature", "alice1", "alice2")),
			want: `signature signed by the role "release": 1 of 2: alice is counted already, by the key "alice-1"`, reason: attest.Below},
		{summary: "the same bundle twice", layout: "bare.oci", args: join(built, release[:2], release[:2]),
			want: `signature signed by the role "release": 1 of 2`, reason: attest.Below},
		{summary: "payload altered", layout: "bare.oci", args: join(built, s.altered(release, `"web:1.4"`, `"web:1.5"`)),
			want: "the statement or the signature was altered", reason: attest.BadSignature},
		{summary: "payload altered to be of another type", layout: "bare.oci", args: join(built, s.altered(release, attest.PredicateSignature, attest.PredicateProvenance)),
			want: "the statement or the signature was altered", reason: attest.BadSignature},
		{summary: "referrers removed", layout: "new.oci", tamper: func(s *scene, to string) {
			top := s.top(to)
			delete(entryOf(top)["annotations"].(map[string]any), "vnd.kiln.referrers")
			s.writeJSON(to+"/index.json", top)
		}, want: "none stands beside the image", reason: attest.NothingThere},
		{summary: "the blob of a referrer removed", layout: "new.oci", tamper: func(s *scene, to string) { s.eachBundle(to, os.Remove) },
			want: "is missing in it"},
		{summary: "the blob of a referrer altered", layout: "new.oci", tamper: func(s *scene, to string) {
			s.eachBundle(to, func(file string) error { return os.WriteFile(file, []byte("{}"), 0o644) })
		}, want: "is damaged: its digest is"},
		{summary: "an SBOM beside it altered", layout: "new.oci", tamper: alterSBOM, want: "is damaged: its digest is"},
		{summary: "tag moved to another image, all of it", layout: "old.oci", tamper: retag,
			want: `it was signed as "web:1.3", and stands under the tag "1.4": the tag was moved`, reason: attest.OtherName},
		{summary: "tag moved, digest asked for", layout: "old.oci", args: []string{"--digest", entryOf(s.top("new.oci"))["digest"].(string)},
			want: "the name leads to another image now"},
		{summary: "tag moved, bundles left", layout: "old.oci", tamper: func(s *scene, to string) {
			top, other := s.top(to), s.top("new.oci")
			list := entryOf(other)["annotations"].(map[string]any)["vnd.kiln.referrers"]
			entryOf(top)["annotations"].(map[string]any)["vnd.kiln.referrers"] = list
			if err := os.CopyFS(s.path(to+"/all"), os.DirFS(s.path("new.oci/blobs"))); err != nil {
				t.Fatal(err)
			}
			s.merge(to+"/all/sha256", to+"/blobs/sha256")
			s.writeJSON(to+"/index.json", top)
		}, want: "which it stands beside"},
		{summary: "a layer altered", layout: "new.oci", tamper: alterLayer, want: "its files are not those of the image that was signed"},
		{summary: "a record that names one platform alone", layout: "new.oci", tag: ":1.4", tamper: oneRecorded, want: "the files of linux/arm64 were not checked"},
		{summary: "downgraded", layout: "old.oci", args: []string{"--state", "accepted.json"},
			want: "the image was signed with the serial number 4, and "},
		{summary: "older than the policy allows", layout: "old.oci", policy: [2]string{"require:", "fresh: {serial: 5}\nrequire:"},
			want: "the image was signed with the serial number 4, and the policy wants at least 5"},
		{summary: "created before the policy allows", layout: "new.oci", policy: [2]string{"require:", "fresh: {created: 2025-01-01}\nrequire:"},
			want: "and the policy wants none from before 2025-01-01"},
		{summary: "nobody knows what was accepted", layout: "new.oci", policy: [2]string{"require:", "fresh: {remember: true}\nrequire:"},
			want: "name a file for that with --state FILE"},
		{summary: "age not asked", layout: "old.oci", args: []string{"--state", "accepted.json", "--unsafe-skip-freshness"}},
		{summary: "another name", layout: "new.oci", policy: [2]string{"image: web", "image: database"},
			want: `it was signed as "web:1.4", and the policy is for "database"`, reason: attest.OtherName},
		{summary: "annotation", layout: "new.oci", policy: [2]string{"signature, role: release", "signature, role: release, annotations: {stage: prod}"},
			want: `its annotation "stage" is "", not "prod"`, reason: attest.OtherValue},
		{summary: "another builder", layout: "new.oci", policy: provenanceRule("builders: [https://ci.example.org/kiln]"),
			want: `it was built by "urn:kiln:builder:local", and the policy wants "https://ci.example.org/kiln"`, reason: attest.OtherBuilder},
		{summary: "another build type", layout: "new.oci", policy: provenanceRule("builders: ['urn:kiln:builder:local'], build-types: [https://example.org/make/v1]"),
			want: `its build type is "urn:kiln:build:v1", and the policy wants "https://example.org/make/v1"`, reason: attest.OtherBuildType},
		{summary: "another recipe", layout: "new.oci", policy: provenanceRule("recipe: database"),
			want: `it was built from the recipe "web", and the policy wants "database"`, reason: attest.OtherRecipe},
		{summary: "another source", layout: "new.oci", policy: provenanceRule("sources: ['git+https://example.org/web@*']"),
			want: `dependencies that it names is "git+https://example.org/web@*"`, reason: attest.OtherSource},
		{summary: "built nobody knows when", layout: "new.oci", policy: provenanceRule("max-age: 30d"),
			want: "it does not say when it was built, and the policy wants none older than 30d", reason: attest.BuiltLongAgo},
		{summary: "built long ago", layout: "bare.oci", args: join(release, dated), policy: provenanceRule("max-age: 12h"),
			want: "it was built 2026-02-20T10:00:00Z, and the policy wants none older than 12h", reason: attest.BuiltLongAgo},
		{summary: "built in days to come", layout: "bare.oci", args: join(release, dated, []string{"--unsafe-at", "2026-02-19"}), policy: provenanceRule("max-age: 30d"),
			want: "which is still to come", reason: attest.BuiltLongAgo},
		{summary: "built as it is to be", layout: "bare.oci", args: join(release, dated),
			policy: provenanceRule("builders: [https://other.example.org, https://ci.example.org/kiln], build-types: ['urn:kiln:build:v1'], recipe: web, max-age: 90d")},
		{summary: "no SBOM", layout: "new.oci", policy: [2]string{"require:", "require:\n  - {predicate: spdxjson, role: builder}"},
			want: `spdxjson signed by the role "builder" for linux/amd64: none stands beside the image`, reason: attest.NothingThere},
	} {
		t.Run(row.summary, func(t *testing.T) {
			s := &scene{t: t, root: s.root, env: s.env}
			to := "copy-" + strings.ReplaceAll(row.summary, " ", "-")
			s.copyLayout(row.layout, to)
			if row.tamper != nil {
				row.tamper(s, to)
			}
			policy := "trust-" + strings.ReplaceAll(row.summary, " ", "-") + ".yaml"
			if row.policy[0] != "" && !strings.Contains(trustPolicy, row.policy[0]) {
				t.Fatalf("the policy has no %q", row.policy[0])
			}
			s.write(policy, strings.Replace(trustPolicy, row.policy[0], row.policy[1], 1))
			s.write("accepted.json", `{"format":1,"images":{"web":{"digest":"sha256:`+strings.Repeat("0", 64)+`","created":"1970-01-01T00:00:00Z","serial":5}}}`)
			o := s.kiln(append([]string{"verify", "oci:" + to + row.tag, "--json", "--policy", policy}, row.args...)...)
			if row.want == "" {
				if o.status != 0 || !strings.Contains(o.stdout, `"accepted": true`) {
					t.Fatalf("%v", o)
				}
				return
			}
			if o.status != 3 || !strings.Contains(o.stderr, row.want) || !strings.Contains(o.stderr, "  try: ") {
				t.Fatalf("want status 3 and %q, got %v", row.want, o)
			}
			checkReason(t, o, row.reason)
		})
	}
	if got := s.read("accepted.json"); !strings.Contains(got, `"serial":5`) {
		t.Errorf("an image that was refused is remembered: %s", got)
	}
}

func checkReason(t *testing.T, o outcome, want attest.Reason) {
	t.Helper()
	var r struct {
		Accepted bool
		Checks   []attest.Check
	}
	if o.stdout == "" && want == "" {
		return
	}
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || r.Accepted {
		t.Fatalf("%v: %v", err, o)
	}
	for _, c := range r.Checks {
		if !c.Met {
			if c.Reason != want {
				t.Errorf("refused for the reason %q, want %q: %v", c.Reason, want, o)
			}
			return
		}
	}
	if want != "" {
		t.Errorf("every check is met: %v", o)
	}
}

// oneRecorded takes a platform out of the record of the build, which nobody signed.
func oneRecorded(s *scene, layout string) {
	s.t.Helper()
	swap := func(v any) (digest string, size int) {
		b, err := json.Marshal(v)
		if err != nil {
			s.t.Fatal(err)
		}
		d := kiln.DigestOf(b)
		s.write(layout+"/blobs/sha256/"+d.Hex(), string(b))
		return string(d), len(b)
	}
	load := func(digest any) (v map[string]any) {
		if err := json.Unmarshal([]byte(s.read(layout+"/blobs/sha256/"+strings.TrimPrefix(digest.(string), "sha256:"))), &v); err != nil {
			s.t.Fatal(err)
		}
		return v
	}
	top := s.top(layout)
	annotations := entryOf(top)["annotations"].(map[string]any)
	list := load(annotations["vnd.kiln.referrers"])
	for _, d := range list["manifests"].([]any) {
		entry := d.(map[string]any)
		if entry["artifactType"] != oci.TypeBuild {
			continue
		}
		manifest := load(entry["digest"])
		config := manifest["config"].(map[string]any)
		record := load(config["digest"])
		record["platforms"] = record["platforms"].([]any)[:1]
		config["digest"], config["size"] = swap(record)
		entry["digest"], entry["size"] = swap(manifest)
	}
	annotations["vnd.kiln.referrers"], _ = swap(list)
	s.writeJSON(layout+"/index.json", top)
}

// altered changes the statements in bundles, one digit of a digest each.
func (s *scene) altered(args []string, from, to string) (out []string) {
	s.t.Helper()
	for i := 1; i < len(args); i += 2 {
		var b map[string]any
		text, err := os.ReadFile(args[i])
		if err == nil {
			err = json.Unmarshal(text, &b)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		envelope := b["dsseEnvelope"].(map[string]any)
		payload, err := base64.StdEncoding.DecodeString(envelope["payload"].(string))
		if err != nil {
			s.t.Fatal(err)
		}
		altered := strings.Replace(string(payload), from, to, 1)
		if altered == string(payload) {
			s.t.Fatalf("%s has no %s", payload, from)
		}
		envelope["payload"] = base64.StdEncoding.EncodeToString([]byte(altered))
		name := "altered" + filepath.Base(args[i])
		s.writeJSON(name, b)
		out = append(out, "--bundle", name)
	}
	return out
}

// eachBundle does something to each bundle of a layout.
func (s *scene) eachBundle(layout string, do func(file string) error) {
	s.t.Helper()
	found := 0
	files, err := filepath.Glob(s.path(layout + "/blobs/sha256/*"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := attest.ParseBundle(text); err == nil {
			found++
			if err := do(file); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if found == 0 {
		s.t.Fatalf("%s holds no bundle", layout)
	}
}

// alterSBOM changes a byte of what no bundle is, and no signature is asked for.
func alterSBOM(s *scene, layout string) {
	s.t.Helper()
	files, err := filepath.Glob(s.path(layout + "/blobs/sha256/*"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(string(text), `"spdxVersion"`) && !strings.Contains(string(text), "dsseEnvelope") {
			if err := os.WriteFile(file, []byte(strings.Replace(string(text), "SPDX-2.3", "SPDX-2.2", 1)), 0o644); err != nil {
				s.t.Fatal(err)
			}
			return
		}
	}
	s.t.Fatalf("%s holds no SBOM", layout)
}

// retag names the image in a layout 1.4, as whoever moves a tag does.
func retag(s *scene, layout string) {
	top := s.top(layout)
	entryOf(top)["annotations"].(map[string]any)["org.opencontainers.image.ref.name"] = "1.4"
	s.writeJSON(layout+"/index.json", top)
}

// alterLayer changes the last byte of the layers of a layout.
func alterLayer(s *scene, layout string) {
	s.t.Helper()
	files, err := filepath.Glob(s.path(layout + "/blobs/sha256/*"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			s.t.Fatal(err)
		}
		var m struct {
			Layers []struct{ MediaType, Digest string }
		}
		if json.Unmarshal(b, &m) != nil || len(m.Layers) != 1 || !strings.Contains(m.Layers[0].MediaType, "image.layer") {
			continue
		}
		blob := s.path(layout + "/blobs/sha256/" + strings.TrimPrefix(m.Layers[0].Digest, "sha256:"))
		b, err = os.ReadFile(blob)
		if err != nil {
			s.t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		if err := os.WriteFile(blob, b, 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}

// merge moves files from one folder of a layout to another.
func (s *scene) merge(from, to string) {
	s.t.Helper()
	files, err := filepath.Glob(s.path(from + "/*"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Rename(f, filepath.Join(s.path(to), filepath.Base(f))); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Dir(s.path(from))); err != nil {
		s.t.Fatal(err)
	}
}
