package drills_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

// kiln pushes an image and signs it where it is, in Debian's registry and in one of the
// distribution specification 1.1; cosign verifies there the image and what was said of
// it, of the index and of each platform. And kiln verifies there what cosign signs.
func TestCosignAndKilnInRegistry(t *testing.T) {
	real(t)
	s := newSigning(t)
	for _, addr := range []string{debianRegistry(t, ""), modernRegistry(t)} {
		repo := addr + "/team/signed"
		s.kiln("push", "oci:image", repo+":1.4")
		s.cosignVerifiesKiln(repo)
		s.kilnVerifiesCosign(repo)
	}
}

func (s *signing) cosignVerifiesKiln(repo string) {
	s.t.Helper()
	var signed struct {
		Bundles []struct {
			Predicate string
			Subjects  []string
		}
	}
	if err := json.Unmarshal([]byte(s.kiln("sign", repo+":1.4", "--key", "ecdsa.key", "--json")), &signed); err != nil {
		s.t.Fatal(err)
	}
	seen := map[string]int{}
	common := []string{"--insecure-ignore-tlog", "--allow-http-registry", "--key"}
	for _, b := range signed.Bundles {
		for _, d := range b.Subjects {
			seen[b.Predicate]++
			args := append([]string{"verify-attestation", "--type", b.Predicate}, common...)
			if b.Predicate == "signature" {
				args = append([]string{"verify"}, common...)
			}
			s.run(s.cosign, append(args, "ecdsa.pub", repo+"@"+d)...)
		}
	}
	if seen["signature"] != 3 || seen["slsaprovenance1"] != 3 || seen["spdxjson"] != 2 || seen["cyclonedx"] != 2 {
		s.t.Errorf("verified %v", seen)
	}
	s.run(s.cosign, append(append([]string{"verify"}, common...), "ecdsa.pub", repo+":1.4")...)
	s.refused("error during command execution", s.cosign, append(append([]string{"verify"}, common...), "theirs.pub", repo+":1.4")...)
}

const theirPolicy = `trust: v1
keys:
  - {name: theirs, person: carol, file: theirs.pub}
roles:
  - {name: release, persons: [carol]}
require:
  - {predicate: signature, role: release}
  - {predicate: slsaprovenance1, role: release}
`

func (s *signing) kilnVerifiesCosign(repo string) {
	s.t.Helper()
	ref := repo + "@" + s.digests[0]
	write(s.t, filepath.Join(s.dir, "theirs.yaml"), theirPolicy)
	write(s.t, filepath.Join(s.dir, "predicate.json"), s.kiln("provenance", ref, "--predicate"))
	s.refused("does not meet the trust policy", kilnBinary(s.t), "verify", repo+":1.4", "--policy", "theirs.yaml")
	common := []string{"--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "--yes", "--key", "theirs.key"}
	s.run(s.cosign, append(append([]string{"sign"}, common...), ref)...)
	s.run(s.cosign, append(append([]string{"attest", "--type", "slsaprovenance1", "--predicate", "predicate.json"}, common...), ref)...)
	s.kiln("verify", repo+":1.4", "--policy", "theirs.yaml")
}
