package cli_test

import (
	"slices"
	"strings"
	"testing"
)

// evidenceFacts is what these tests read of kiln policy facts --json.
type evidenceFacts struct {
	Packages []struct {
		Name      string
		Licences  []string
		Concluded bool `json:"licences_concluded"`
	}
	Secrets    []struct{ Kind, Place, Accepted string }
	Signatures []struct{ Identity, Predicate string }
	Unknown    map[string]string
}

// Policies know the licences of what a recipe gives, and of images in any form: by the
// record of the build, or else by the copyright files that are left.
func TestPolicyLicences(t *testing.T) {
	t.Parallel()
	s := sbomScene(t)
	s.does("build", "web", "-o", "oci:web.oci", "-o", "tar:web.tar")
	for _, arg := range []string{"web", "oci:web.oci", "tar:web.tar"} {
		f := decoded[evidenceFacts](t, s.does("policy", "facts", arg).stdout)
		if why := f.Unknown["pkg.licences"]; why != "" || len(f.Packages) != 3 {
			t.Errorf("%s: %d packages, licences are not known: %s", arg, len(f.Packages), why)
		}
		for _, p := range f.Packages {
			declared := len(p.Licences) == 2 && p.Licences[0] == "GPL-2.0-or-later" && strings.HasPrefix(p.Licences[1], "LicenseRef-House-") && !p.Concluded
			if p.Name == "beta" && !(slices.Equal(p.Licences, []string{"GPL-3.0-or-later"}) || slices.Equal(p.Licences, []string{"GPL-3.0-only"})) || p.Name == "beta" != p.Concluded || p.Name != "beta" && !declared {
				t.Errorf("%s: %+v", arg, p)
			}
		}
		o := s.kiln("policy", "check", arg, "--policy", "builtin:licences")
		status, want := 3, "licences/own-text: the package alpha of test/stable has licences with no SPDX identifier, of which nothing is known: LicenseRef-House-"
		if arg == "tar:web.tar" { // which archive a package is from is not known
			status, want = 0, "licences/read: the package alpha has licences with no SPDX identifier: LicenseRef-House-"
		}
		if o.status != status || !strings.Contains(o.stdout, want) || strings.Contains(o.stdout, "is not known:") {
			t.Errorf("%s: %s", arg, o)
		}
		o = s.kiln("policy", "check", arg, "--policy", "builtin:licences", "--param", "reach=weak-copyleft")
		if o.status != 3 || !strings.Contains(o.stdout, "licences/allowed: the package alpha has licences that are not allowed: GPL-2.0-or-later\n") {
			t.Errorf("%s: %s", arg, o)
		}
		s.does("policy", "check", arg, "--policy", "builtin:licences", "--param", "reach=none", "--param", "allow=GPL-*", "--param", "allow=LicenseRef-House*")
	}
	s.edit("web/kiln.yaml", "secrets:", "policy: [{use: builtin:licences, params: {reach: permissive, allow: [GPL-3.*]}}]\nsecrets:")
	if o := s.kiln("build", "web", "-o", "oci:other.oci"); o.status != 3 || !strings.Contains(o.stderr, "the package libalpha has licences that are not allowed") {
		t.Errorf("%s", o)
	}
}

// Policies know of secrets: in a build those that it looks for, in an image those that
// kiln secrets finds. What the recipe accepts passes, with its reason.
func TestPolicySecrets(t *testing.T) {
	t.Parallel()
	s := newGuarded(t, "PLAIN", "password="+word, "container:", "policy: [builtin:no-secrets]\nsecrets:\n  accept:\n    - {path: /etc/*.conf, rule: password, why: a test}\ncontainer:")
	s.does("build", "web", "-o", "oci:web.oci", "-o", "tar:web.tar")
	s.does("policy", "check", "web")
	f := decoded[evidenceFacts](t, s.does("policy", "facts", "web").stdout)
	if len(f.Secrets) != 1 || f.Secrets[0].Kind != "password" || f.Secrets[0].Place != "/etc/app.conf:1:10" || f.Secrets[0].Accepted != "a test" || f.Unknown["secrets"] != "" {
		t.Errorf("%+v", f)
	}
	o := s.kiln("policy", "check", "oci:web.oci", "--policy", "builtin:no-secrets")
	if o.status != 3 || !strings.Contains(o.stdout, "a secret (password) in /usr/share/app/test.conf:1:10") || strings.Contains(o.stdout, "/etc/app.conf") {
		t.Errorf("%s", o)
	}
	s.does("policy", "check", "oci:web.oci", "--policy", "builtin:no-secrets", "--trust-record")
	o = s.kiln("policy", "check", "tar:web.tar", "--policy", "builtin:no-secrets") // no record, no recipe
	if o.status != 3 || !strings.Contains(o.stdout, "/etc/app.conf:1:10") || strings.Contains(o.stdout, word) {
		t.Errorf("%s", o)
	}
	if o := s.kiln("policy", "check", "web", "--trust-record"); o.status != 2 || !strings.Contains(o.stderr, "--trust and --trust-record are for images") {
		t.Errorf("%s", o)
	}
}

const wantsSignature = `policy: v1
name: signed
summary: Alice has signed it
rules:
  - name: alice
    assert: signatures.exists(s, s.identity == "alice" && s.predicate == "signature")
    message: alice has not signed it
    why: she answers for it
`

// A signature is a fact only where a trust policy says whose it is, and enough signed.
func TestPolicySignatures(t *testing.T) {
	t.Parallel()
	s := newSigned(t)
	s.write("signed.cel.yaml", wantsSignature)
	check := func(image string, more ...string) outcome {
		return s.kiln(append([]string{"policy", "check", image, "--policy", "signed.cel.yaml"}, more...)...)
	}
	if o := check("oci:new.oci", "--trust", "trust.yaml"); o.status != 0 {
		t.Errorf("%s", o)
	}
	if o := check("oci:new.oci"); o.status != 3 || !strings.Contains(o.stdout, "the fact signatures is not known: no signature was verified") {
		t.Errorf("%s", o)
	}
	if o := check("oci:bare.oci", "--trust", "trust.yaml"); o.status != 3 || !strings.Contains(o.stdout, "alice has not signed it") {
		t.Errorf("%s", o)
	}
	s.does("sign", "oci:bare.oci", "--type", "signature", "--key", "alice1.key") // one of two
	if o := check("oci:bare.oci", "--trust", "trust.yaml"); o.status != 3 {
		t.Errorf("below the threshold: %s", o)
	}
	f := decoded[evidenceFacts](t, s.does("policy", "facts", "oci:new.oci", "--trust", "trust.yaml").stdout)
	if len(f.Signatures) != 3 {
		t.Errorf("%+v", f.Signatures)
	}
}
