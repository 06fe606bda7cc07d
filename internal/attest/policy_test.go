package attest_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/attest"
)

const goodPolicy = `trust: v1
image: web
keys:
  - {name: a1, person: alice, file: a.pub, from: 2026-01-01, until: 2027-01-01}
  - {name: b1, person: bob, file: b.pub}
roles:
  - {name: release, persons: [alice, bob], threshold: 2}
  - {name: builder, persons: [bob]}
require:
  - {predicate: signature, role: release, annotations: {stage: prod}}
  - {predicate: spdxjson, role: builder}
  - {predicate: https://example.org/approval/v1, role: builder, of: platforms}
  - {predicate: slsaprovenance1, role: builder, provenance: {builders: ["urn:kiln:builder:local"], build-types: ["urn:kiln:build:v1"], sources: ["git+https://example.org/web@*"], recipe: web, max-age: 30d}}
fresh: {created: 2026-01-01, serial: 3, remember: true}
`

type policyRow struct {
	summary, old, new string
	want              string // told; empty: it is good
	form              bool   // the schema refuses it too
}

func (r policyRow) text() string { return strings.Replace(goodPolicy, r.old, r.new, 1) }

func policyRows() []policyRow {
	return []policyRow{
		{summary: "good"},
		{summary: "minimal", old: goodPolicy, new: "trust: v1\nkeys: [{name: a, person: b, file: a.pub}]\nroles: [{name: r, persons: [b]}]\nrequire: [{predicate: signature, role: r}]\n"},
		{summary: "empty", old: goodPolicy, new: "", want: "the trust policy is empty"},
		{summary: "no YAML", old: "keys:", new: "\tkeys:", want: "a tab in the indent"},
		{summary: "other format", old: "trust: v1", new: "trust: v2", want: `p.yaml:1:8: error: unknown format "v2"`, form: true},
		{summary: "no format", old: "trust: v1\n", new: "", want: `missing key "trust"`, form: true},
		{summary: "unknown key", old: "threshold: 2", new: "treshold: 2", want: `did you mean "threshold"?`, form: true},
		{summary: "doubled key", old: "image: web", new: "image: web\nimage: web", want: `duplicate key "image"`},
		{summary: "alias", old: "[bob]", new: "&x [bob]", want: "anchors and aliases are not part of a trust policy"},
		{summary: "two documents", old: "fresh:", new: "---\nfresh:", want: "one YAML document"},
		{summary: "no keys", old: goodPolicy, new: "trust: v1\nkeys: []\nroles: [{name: r, persons: [b]}]\nrequire: [{predicate: signature, role: r}]\n", want: "want at least one key"},
		{summary: "nothing required", old: goodPolicy, new: "trust: v1\nkeys: [{name: a, person: b, file: a.pub}]\nroles: [{name: r, persons: [b]}]\nrequire: []\n", want: "a policy that requires nothing lets everything pass"},
		{summary: "no requirements", old: goodPolicy, new: "trust: v1\nkeys: [{name: a, person: b, file: a.pub}]\nroles: [{name: r, persons: [b]}]\n", want: `missing key "require"`, form: true},
		{summary: "key twice", old: "file: b.pub", new: "file: a.pub", want: `the keys "a1" and "b1" are the same`},
		{summary: "name twice", old: "name: b1", new: "name: a1", want: `key "a1" twice`},
		{summary: "no person", old: "person: alice", new: `person: ""`, want: "this text is empty"},
		{summary: "neither key nor file", old: ", file: b.pub", new: "", want: "want one of key and file", form: true},
		{summary: "key and file", old: "file: b.pub", new: "file: b.pub, key: x", want: "want one of key and file", form: true},
		{summary: "no such file", old: "file: b.pub", new: "file: c.pub", want: "cannot read the public key"},
		{summary: "no key in it", old: "file: b.pub", new: "file: none", want: "it is no PEM file"},
		{summary: "private key", old: "file: b.pub", new: "file: private", want: "it holds a PRIVATE KEY, and no PUBLIC KEY"},
		{summary: "bad date", old: "from: 2026-01-01", new: "from: yesterday", want: `want a date, or a time with its zone, got "yesterday"`},
		{summary: "until before from", old: "until: 2027-01-01", new: "until: 2025-01-01", want: "the key is valid until 2025-01-01, and only from 2026-01-01 on"},
		{summary: "nobody of that name", old: "persons: [bob]", new: "persons: [bod]", want: `did you mean "bob"?`},
		{summary: "a person twice in a role", old: "[alice, bob]", new: "[alice, alice]", want: `"alice" twice`},
		{summary: "threshold too high", old: "threshold: 2", new: "threshold: 3", want: "a threshold of 3 cannot be reached"},
		{summary: "threshold zero", old: "threshold: 2", new: "threshold: 0", want: "a threshold of 0 cannot be reached, or asks for nothing"},
		{summary: "threshold negative", old: "threshold: 2", new: "threshold: -1", want: "a threshold of -1"},
		{summary: "threshold no number", old: "threshold: 2", new: "threshold: two", want: "want a whole number", form: true},
		{summary: "unknown role", old: "spdxjson, role: builder", new: "spdxjson, role: bulder", want: `did you mean "builder"?`},
		{summary: "role twice", old: "name: builder", new: "name: release", want: `role "release" twice`},
		{summary: "unknown predicate", old: "spdxjson", new: "spdx-json", want: `did you mean "spdxjson"?`},
		{summary: "of what", old: "of: platforms", new: "of: layers", want: `want image or platforms, got "layers"`, form: true},
		{summary: "provenance of a signature", old: "annotations: {stage: prod}", new: "provenance: {recipe: web}", want: "only provenance says how an image was made, not signature"},
		{summary: "provenance that asks for nothing", old: `provenance: {builders: ["urn:kiln:builder:local"], build-types: ["urn:kiln:build:v1"], sources: ["git+https://example.org/web@*"], recipe: web, max-age: 30d}`, new: "provenance: {}", want: "it asks for nothing"},
		{summary: "no builder at all", old: `["urn:kiln:builder:local"]`, new: "[]", want: "want at least one"},
		{summary: "any source", old: "git+https://example.org/web@*", new: "*", want: "this lets everything pass"},
		{summary: "age without a unit", old: "30d", new: "30", want: `want a number of days or hours, got "30"`},
		{summary: "no age", old: "30d", new: "0h", want: "want a number of days or hours"},
		{summary: "builders as a text", old: `["urn:kiln:builder:local"]`, new: `"urn:kiln:builder:local"`, want: "want a list", form: true},
		{summary: "negative serial", old: "serial: 3", new: "serial: -3", want: "a serial number is not negative"},
		{summary: "remembers nothing", old: "image: web\n", new: "", want: "what was accepted is remembered by the image's name"},
	}
}

func TestPolicies(t *testing.T) {
	files := map[string][]byte{"none": []byte("hello\n")}
	for _, name := range []string{"a", "b"} {
		files[name+".pub"] = newKey(t, attest.ECDSAP256).Public().PEM()
	}
	var err error
	if files["private"], err = newKey(t, attest.Ed25519).Plain(); err != nil {
		t.Fatal(err)
	}
	open := func(name string) ([]byte, error) {
		b, ok := files[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return b, nil
	}
	for _, row := range policyRows() {
		t.Run(row.summary, func(t *testing.T) {
			if row.summary != "good" && row.text() == goodPolicy {
				t.Fatalf("nothing of the policy is %q", row.old)
			}
			p, err := attest.ParsePolicy("p.yaml", []byte(row.text()), open)
			var e *kiln.Error
			switch {
			case row.want == "":
				if err != nil {
					t.Fatal(err)
				}
				if p.Roles[len(p.Roles)-1].Threshold != 1 {
					t.Errorf("the threshold is %d without one", p.Roles[len(p.Roles)-1].Threshold)
				}
			case p != nil || !errors.As(err, &e) || e.Code != kiln.User || !strings.Contains(err.Error(), row.want):
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}
