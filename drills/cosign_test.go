package drills_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const signedRecipe = `kiln: v1
name: signed
version: "1.4"
platforms: [linux/amd64, linux/arm64]
layers:
  - name: app
    files:
      - {path: /etc/app.conf, content: "a=1\n", why: to be signed}
`

// signing is a folder with an image, keys and what knows them.
type signing struct {
	t       *testing.T
	dir     string
	cosign  string
	digests []string // of the image and of its platforms
}

func newSigning(t *testing.T) *signing {
	t.Helper()
	s := &signing{t: t, dir: t.TempDir(), cosign: cosignProgram(t)}
	write(t, filepath.Join(s.dir, "kiln.yaml"), signedRecipe)
	r := build(t, s.dir, "-o", "oci:image")
	var built struct{ Index string }
	if err := json.Unmarshal([]byte(s.kiln("build", "--json", "-o", "oci:image")), &built); err != nil {
		t.Fatal(err)
	}
	s.digests = []string{built.Index, r.Images[0].Digest, r.Images[1].Digest}
	s.kiln("key", "generate", "--output-key-prefix", "ecdsa")
	s.kiln("key", "generate", "--output-key-prefix", "ed25519", "--algorithm", "ed25519")
	s.run(s.cosign, "generate-key-pair", "--output-key-prefix", "theirs")
	return s
}

// cosignProgram is cosign v3, as .ci/run builds it.
func cosignProgram(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("cosign")
	if err != nil {
		path = "/tmp/kiln-ci-tools/cosign"
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("cosign is not there: go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3, in PATH or in /tmp/kiln-ci-tools: %v", err)
	}
	return path
}

func (s *signing) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "KILN_KEY_PASSPHRASE=drill", "COSIGN_PASSWORD=drill")
	return cmd
}

func (s *signing) run(name string, args ...string) string {
	s.t.Helper()
	return output(s.t, s.command(name, args...))
}

func (s *signing) kiln(args ...string) string {
	s.t.Helper()
	return s.run(kilnBinary(s.t), append(args, "--store", sharedStore(s.t))...)
}

// refused runs a command that must fail and say so.
func (s *signing) refused(want, name string, args ...string) {
	s.t.Helper()
	out, err := s.command(name, args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		s.t.Errorf("%s %s: %v, want it refused with %q\n%s", filepath.Base(name), strings.Join(args, " "), err, want, out)
	}
}

func TestCosignVerifiesWhatKilnSigns(t *testing.T) {
	real(t)
	s := newSigning(t)
	keys := []string{"ecdsa", "ed25519", "theirs"}
	sign := []string{"sign", "oci:image", "--json"}
	for _, k := range keys {
		sign = append(sign, "--key", k+".key")
	}
	var signed struct {
		Bundles []struct {
			Predicate string
			Subjects  []string
		}
	}
	if err := json.Unmarshal([]byte(s.kiln(sign...)), &signed); err != nil || len(signed.Bundles) < 2*len(keys) {
		t.Fatalf("%+v, %v", signed, err)
	}
	name := serveLayout(t, filepath.Join(s.dir, "image"))
	common := []string{"--insecure-ignore-tlog", "--allow-http-registry", "--key"}
	for i, b := range signed.Bundles {
		key := keys[i/(len(signed.Bundles)/len(keys))]
		subjects := b.Subjects
		if key != keys[0] {
			subjects = subjects[:1] // the other keys: the image alone
		}
		for _, d := range subjects {
			args := append([]string{"verify-attestation", "--type", b.Predicate}, common...)
			if b.Predicate == "signature" {
				args = append([]string{"verify"}, common...)
			}
			s.run(s.cosign, append(args, key+".pub", name+"@"+d)...)
		}
	}
	s.run(s.cosign, append(append([]string{"verify"}, common...), "ecdsa.pub", name+":drill")...)
	s.run(s.cosign, "generate-key-pair", "--output-key-prefix", "stranger")
	s.refused("error during command execution", s.cosign, append(append([]string{"verify"}, common...), "stranger.pub", name+":drill")...)
	s.refused("none of the attestations matched the predicate type", s.cosign, append(append([]string{"verify-attestation", "--type", "vuln"}, common...), "ecdsa.pub", name+":drill")...)

	// In the layout as it stands, which others go on to read.
	local := []string{"--insecure-ignore-tlog", "--local-image", "image", "--key"}
	s.run(s.cosign, append(append([]string{"verify"}, local...), "ecdsa.pub")...)
	s.run(s.cosign, append(append([]string{"verify-attestation", "--type", "slsaprovenance1"}, local...), "ecdsa.pub")...)
	s.refused("no matching attestations", s.cosign, append(append([]string{"verify"}, local...), "stranger.pub")...)
	s.run("skopeo", "inspect", "oci:image")

	s.kiln("sign", "oci:image", "--key", "ed25519.key", "-o", "bundles")
	files, err := filepath.Glob(filepath.Join(s.dir, "bundles", "slsaprovenance1-*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	blob := []string{"verify-blob-attestation", "--insecure-ignore-tlog", "--key", "ed25519.pub", "--bundle", files[0], "--type", "slsaprovenance1", "--digestAlg", "sha256", "--digest"}
	s.run(s.cosign, append(blob, strings.TrimPrefix(s.digests[0], "sha256:"))...)
	s.refused("error during command execution", s.cosign, append(blob, strings.Repeat("0", 64))...)
}

const cosignPolicy = `trust: v1
keys:
  - {name: one, person: alice, file: ecdsa.pub}
  - {name: two, person: bob, file: ed25519.pub}
roles:
  - {name: release, persons: [alice, bob], threshold: 2}
require:
  - {predicate: signature, role: release, annotations: {stage: prod}}
  - {predicate: slsaprovenance1, role: release}
`

func TestKilnVerifiesWhatCosignSigns(t *testing.T) {
	real(t)
	s := newSigning(t)
	write(t, filepath.Join(s.dir, "trust.yaml"), cosignPolicy)
	predicate := s.kiln("provenance", "oci:image", "--predicate")
	write(t, filepath.Join(s.dir, "predicate.json"), predicate)
	ref := serveLayout(t, filepath.Join(s.dir, "image")) + "@" + s.digests[0]
	common := []string{"--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "--yes"}
	attach := []string{"attach", "oci:image"}
	for _, key := range []string{"ecdsa", "ed25519"} {
		s.run(s.cosign, append(append([]string{"sign", "--key", key + ".key", "--bundle", key + ".sig", "--upload=false", "-a", "stage=prod"}, common...), ref)...)
		s.run(s.cosign, append(append([]string{"attest", "--key", key + ".key", "--bundle", key + ".att", "--no-upload", "--type", "slsaprovenance1", "--predicate", "predicate.json"}, common...), ref)...)
		attach = append(attach, key+".sig", key+".att")
	}
	s.refused("does not meet the trust policy", kilnBinary(t), "verify", "oci:image", "--policy", "trust.yaml", "--bundle", "ecdsa.sig", "--bundle", "ecdsa.att")
	s.kiln(attach...)
	s.kiln("verify", "oci:image", "--policy", "trust.yaml")
}

// The example plug-in signs with a key that openssl keeps; and openssl alone signs a
// request, by the commands of docs/signing.md.
func TestOpensslSigns(t *testing.T) {
	real(t)
	s := newSigning(t)
	plugin, err := filepath.Abs("../examples/key-plugins/kiln-key-openssl")
	if err != nil {
		t.Fatal(err)
	}
	s.run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.pem")
	s.run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "ed.pem")
	s.run("openssl", "genpkey", "-algorithm", "RSA", "-out", "rsa.pem")
	write(t, filepath.Join(s.dir, "spy"), "#!/bin/sh\n{ echo arguments: $#; env; } >>spied\nexec "+plugin+"\n")
	if err := os.Chmod(filepath.Join(s.dir, "spy"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.kiln("sign", "oci:image", "--key", "plugin:./spy:ec.pem", "--key", "plugin:"+plugin+":ed.pem")
	spied, err := os.ReadFile(filepath.Join(s.dir, "spied"))
	if text := string(spied); err != nil || !strings.Contains(text, "arguments: 0\n") || !strings.Contains(text, "PATH=") || strings.Contains(text, "KILN_KEY_PASSPHRASE") {
		t.Errorf("the plug-in is told too much: %v\n%s", err, text)
	}
	s.refused("kiln takes ECDSA P-256 and Ed25519", kilnBinary(t), "sign", "oci:image", "--key", "plugin:"+plugin+":rsa.pem")
	s.refused("cannot read the key none.pem", kilnBinary(t), "sign", "oci:image", "--key", "plugin:"+plugin+":none.pem")
	var policy strings.Builder
	policy.WriteString("trust: v1\nkeys:\n")
	for _, k := range []string{"ec", "ed"} {
		s.run("openssl", "pkey", "-in", k+".pem", "-pubout", "-out", k+".pub")
		policy.WriteString("  - {name: " + k + ", person: " + k + ", file: " + k + ".pub}\n")
	}
	policy.WriteString("roles: [{name: all, persons: [ec, ed], threshold: 2}]\nrequire:\n  - {predicate: signature, role: all}\n  - {predicate: slsaprovenance1, role: all}\n")
	write(t, filepath.Join(s.dir, "trust.yaml"), policy.String())
	s.kiln("verify", "oci:image", "--policy", "trust.yaml")

	s.kiln("build", "-o", "oci:other")
	s.kiln("sign", "oci:other", "--type", "signature,slsaprovenance1", "--request", "web.request.json")
	const sign = `for i in 0 1; do jq -r ".statements[$i].pae" web.request.json | base64 -d >$i.pae; `
	s.run("sh", "-c", sign+`openssl dgst -sha256 -sign ec.pem -out $i.sig $i.pae; done`)
	s.kiln("sign", "--answer", "web.request.json", "--signature", "0.sig", "--signature", "1.sig", "--public-key", "ec.pub", "-o", "ec.answer")
	s.refused("is none of the key over statement 1", kilnBinary(t), "sign", "--answer", "web.request.json", "--signature", "1.sig", "--signature", "0.sig", "--public-key", "ec.pub", "-o", "no.answer")
	s.run("sh", "-c", sign+`openssl pkeyutl -sign -rawin -inkey ed.pem -in $i.pae -out $i.sig; done`)
	s.kiln("sign", "--answer", "web.request.json", "--signature", "0.sig", "--signature", "1.sig", "--public-key", "ed.pub", "-o", "ed.answer")
	s.kiln("attach", "oci:other", "ec.answer", "ed.answer")
	s.kiln("verify", "oci:other", "--policy", "trust.yaml")
}
