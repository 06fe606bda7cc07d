package apt_test

import (
	"context"
	"crypto"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/apt/apttest"
)

// TestReleaseVerdicts has one row for every way in which a Release can be wrong,
// or odd and yet right. The keyring holds DefaultKey alone.
func TestReleaseVerdicts(t *testing.T) {
	other := apttest.NewKey("Other Key", apttest.KeyOptions{})
	expired := apttest.NewKey("Expired Key", apttest.KeyOptions{Life: 370 * 24 * time.Hour, Created: apttest.Now.AddDate(-1, 0, -6)})
	revoked := apttest.NewKey("Revoked Key", apttest.KeyOptions{Revoked: true})
	subkey := apttest.NewKey("Subkey Key", apttest.KeyOptions{Subkey: true})
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	rows := []struct {
		summary string
		suite   apttest.Suite
		key     *apttest.Key // in the keyring, in place of DefaultKey
		code    kiln.Code    // "" is accepted
		says    []string
	}{
		{"honest", apttest.Suite{}, nil, "", nil},
		{"detached signature alone", apttest.Suite{NoInRelease: true}, nil, "", nil},
		{"signed by a subkey", apttest.Suite{Keys: []*apttest.Key{subkey}}, subkey, "", nil},
		{"signed by a stranger first", apttest.Suite{Keys: []*apttest.Key{other, apttest.DefaultKey()}}, nil, "", nil},
		{"signed by a stranger last", apttest.Suite{Keys: []*apttest.Key{apttest.DefaultKey(), other}}, nil, "", nil},
		{"date within the slack", apttest.Suite{Date: apttest.Now.Add(9 * time.Hour)}, nil, "", nil},
		{"valid until right now", apttest.Suite{ValidUntil: apttest.Now}, nil, "", nil},
		{"MD5 beside SHA-256", apttest.Suite{Hashes: []string{"MD5Sum", "SHA256"}}, nil, "", nil},
		{"a dash-escaped line", apttest.Suite{Fields: []string{"Description: x\n - dashes\n --- more"}}, nil, "", nil},
		{"neither Suite nor Codename", apttest.Suite{Codename: "-", SuiteField: "-"}, nil, "", nil},
		{"the suite as its Suite", apttest.Suite{Codename: "thirteen", SuiteField: "trixie"}, nil, "", nil},

		{"signed by a stranger", apttest.Suite{Keys: []*apttest.Key{other}}, nil, kiln.Refused,
			[]string{"none of its signatures", other.Fingerprint() + ": not in the keyring", "trusted: " + apttest.DefaultKey().Fingerprint() + " Test Archive Key"}},
		{"detached, signed by a stranger", apttest.Suite{NoInRelease: true, Keys: []*apttest.Key{other}}, nil, kiln.Refused, []string{"not in the keyring"}},
		{"unsigned InRelease", apttest.Suite{Unsigned: true}, nil, kiln.Refused, []string{"not signed"}},
		{"no Release.gpg", apttest.Suite{NoInRelease: true, NoDetached: true}, nil, kiln.Network, []string{"cannot be had", "404"}},
		{"key expired", apttest.Suite{Keys: []*apttest.Key{expired}}, expired, kiln.Refused, []string{"expired at 2026-03-01"}},
		{"key revoked", apttest.Suite{Keys: []*apttest.Key{revoked}}, revoked, kiln.Refused, []string{"is revoked"}},
		{"text altered", apttest.Suite{EditInRelease: replace("Label: Test", "Label: Tost")}, nil, kiln.Refused, []string{"the text was altered"}},
		{"text before the message", apttest.Suite{EditInRelease: func(s string) string { return "Suite: evil\n\n" + s }}, nil, kiln.Refused, []string{"text before"}},
		{"text behind the signature", apttest.Suite{EditInRelease: func(s string) string { return s + "Suite: evil\n" }}, nil, kiln.Refused, []string{"text behind"}},
		{"two messages", apttest.Suite{EditInRelease: func(s string) string { return s + s }}, nil, kiln.Refused, []string{"text behind"}},
		{"a header of its own", apttest.Suite{EditInRelease: replace("Hash: SHA512", "Hash: SHA512\nSuite: evil")}, nil, kiln.Refused, []string{"the header"}},
		{"an unescaped dash", apttest.Suite{EditInRelease: replace("Label: Test", "-----BEGIN PGP SIGNED MESSAGE-----\nLabel: Test")}, nil, kiln.Refused, []string{"framing line"}},
		{"cut in the signature", apttest.Suite{EditInRelease: func(s string) string { return s[:len(s)-60] }}, nil, kiln.Refused, []string{"malformed"}},
		{"cut in the text", apttest.Suite{EditInRelease: func(s string) string { return s[:200] }}, nil, kiln.Refused, []string{"malformed"}},
		{"empty", apttest.Suite{EditInRelease: func(string) string { return "" }}, nil, kiln.Refused, []string{"not signed"}},
		{"a web page", apttest.Suite{EditInRelease: func(string) string { return "\n<!DOCTYPE HTML><html>log in</html>" }}, nil, kiln.Network, []string{"a web page"}},

		{"expired", apttest.Suite{ValidUntil: apttest.Now.Add(-time.Second)}, nil, kiln.Refused,
			[]string{"it was valid until 2026-03-02 11:59:59 UTC", "judged as of 2026-03-02 12:00:00 UTC"}},
		{"from the future", apttest.Suite{Date: apttest.Now.Add(11 * time.Hour)}, nil, kiln.Refused, []string{"signed in the future"}},
		{"dated in the future", apttest.Suite{EditRelease: replace("Date: Sun, 01 Mar 2026", "Date: Wed, 01 Apr 2026")}, nil, kiln.Refused, []string{"dated in the future: 2026-04-01 12:00:00 UTC"}},
		{"no date", apttest.Suite{EditRelease: replace("Date: Sun, 01 Mar 2026 12:00:00 UTC\n", "")}, nil, kiln.Refused, []string{`its Date is ""`}},
		{"a date in another zone", apttest.Suite{EditRelease: replace("12:00:00 UTC", "12:00:00 +0200")}, nil, kiln.Refused, []string{"not in UTC"}},
		{"a bad Valid-Until", apttest.Suite{Fields: []string{"Valid-Until: never"}}, nil, kiln.Refused, []string{"its Valid-Until"}},
		{"weak hashes alone", apttest.Suite{Hashes: []string{"MD5Sum", "SHA1"}}, nil, kiln.Refused, []string{"weak hashes alone"}},
		{"another suite", apttest.Suite{Codename: "bookworm", SuiteField: "oldstable"}, nil, kiln.Refused, []string{"of another suite", `"bookworm"`}},
		{"two paragraphs", apttest.Suite{EditRelease: func(s string) string { return s + "\nSuite: evil\n" }}, nil, kiln.Refused, []string{"more than one paragraph"}},
		{"a path that leaves the root", apttest.Suite{EditRelease: replace(" main/binary-amd64/Packages.gz", " ../../../etc/passwd")}, nil, kiln.Refused, []string{"below the archive's root"}},
		{"a path twice", apttest.Suite{EditRelease: replace(" main/binary-amd64/Packages.gz", " main/binary-arm64/Packages.gz")}, nil, kiln.Refused, []string{"twice"}},
		{"a bad size", apttest.Suite{EditRelease: replace("SHA256:\n", "SHA256:\n "+strings.Repeat("a", 64)+" -1 x\n")}, nil, kiln.Refused, []string{"no good size"}},
		{"a bad hash", apttest.Suite{EditRelease: replace("SHA256:\n", "SHA256:\n abc 1 x\n")}, nil, kiln.Refused, []string{"no good hash"}},
		{"a short line", apttest.Suite{EditRelease: replace("SHA256:\n", "SHA256:\n abc x\n")}, nil, kiln.Refused, []string{"not a hash, a size and a path"}},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			row.suite.Name = "trixie"
			if row.suite.Packages == nil {
				row.suite.Packages = honest().Packages
			}
			b := newBench(t, row.suite)
			if row.key != nil {
				b.pocket = vendor(t, b.URL, row.suite, row.key.Public())
			}
			_, pkgs, err := b.load("amd64")
			if row.code == "" {
				if err != nil || len(pkgs) != 3 {
					t.Errorf("%d packages, %v", len(pkgs), err)
				}
				return
			}
			wantError(t, err, row.code, append(row.says, `"vendor/trixie"`)...)
		})
	}
}

func TestWeakSignatureHash(t *testing.T) {
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA224} {
		suite := honest()
		suite.EditInRelease = func(s string) string {
			text, _, _ := strings.Cut(strings.SplitN(s, "\n\n", 2)[1], "-----BEGIN PGP SIGNATURE")
			return string(apttest.ClearSignHash(text, apttest.Date, h, apttest.DefaultKey()))
		}
		_, _, err := newBench(t, suite).load("amd64")
		wantError(t, err, kiln.Refused, "weak hash "+h.String())
	}
}

func TestAllSignersAreNamed(t *testing.T) {
	a, c := apttest.NewKey("A", apttest.KeyOptions{}), apttest.NewKey("C", apttest.KeyOptions{Subkey: true})
	suite := honest()
	suite.Keys = []*apttest.Key{a, apttest.DefaultKey(), c, a}
	b := newBench(t, suite)
	b.pocket = vendor(t, b.URL, suite, apttest.Keyring(c, a))
	rel, _, err := b.load("amd64")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range rel.Signers {
		got = append(got, s.Fingerprint+" "+s.Name)
	}
	want := a.Fingerprint() + " A <archive@example.org>," + c.Fingerprint() + " C <archive@example.org>"
	if strings.Join(got, ",") != want {
		t.Errorf("signers %q, want %q", got, want)
	}
	if len(rel.Ignored) != 1 || !strings.Contains(rel.Ignored[0], apttest.DefaultKey().Fingerprint()) {
		t.Errorf("ignored %q", rel.Ignored)
	}
}

func TestRollback(t *testing.T) {
	newer, older := honest(), honest()
	newer.Date = apttest.Date.Add(time.Hour)
	b := newBench(t, newer)
	if _, _, err := b.load("amd64"); err != nil {
		t.Fatal(err)
	}
	b.Update(apttest.New(older))
	_, _, err := b.load("amd64")
	wantError(t, err, kiln.Refused, "older than the one that was accepted before", "2026-03-01 12:00:00 UTC, before 2026-03-01 13:00:00 UTC")

	b.client.Now = apttest.Date.Add(-9*time.Hour - 30*time.Minute)
	t.Run("a clock that was turned back changes nothing", func(t *testing.T) {
		_, err := b.client.Release(context.Background(), b.pocket)
		wantError(t, err, kiln.Refused, "older than the one that was accepted before")
	})
	t.Run("not where the user names a time at which the newer one did not exist yet", func(t *testing.T) {
		b.client.AsOf = true
		if _, err := b.client.Release(context.Background(), b.pocket); err != nil {
			t.Error(err)
		}
	})
	t.Run("and it stays refused", func(t *testing.T) {
		b.client.Now = apttest.Now
		_, err := b.client.Release(context.Background(), b.pocket)
		wantError(t, err, kiln.Refused, "older than")
	})
}

func TestReleaseThatChangesItsName(t *testing.T) {
	rows := []struct {
		field  string
		change func(*apttest.Suite)
		ok     bool
	}{
		{"Origin", func(s *apttest.Suite) { s.Origin = "Else" }, false},
		{"Label", func(s *apttest.Suite) { s.Label = "Else" }, false},
		{"Codename", func(s *apttest.Suite) { s.Codename, s.SuiteField = "other", "trixie" }, false},
		{"NotAutomatic", func(s *apttest.Suite) { s.Fields = []string{"NotAutomatic: yes"} }, false},
		{"Suite", func(s *apttest.Suite) { s.SuiteField = "oldstable" }, true}, // the suite was asked for by its codename
		{"Version", func(s *apttest.Suite) { s.Version = "13.8" }, true},
	}
	for _, row := range rows {
		suite := honest()
		b := newBench(t, suite)
		if _, _, err := b.load("amd64"); err != nil {
			t.Fatal(err)
		}
		suite.Date = apttest.Date.Add(time.Hour)
		row.change(&suite)
		b.Update(apttest.New(suite))
		_, _, err := b.load("amd64")
		if row.ok {
			if err != nil {
				t.Errorf("%s: %v", row.field, err)
			}
			continue
		}
		wantError(t, err, kiln.Refused, "changed its "+row.field)
	}
}

func TestLockedRelease(t *testing.T) {
	for _, detached := range []bool{false, true} {
		suite := honest()
		suite.NoInRelease = detached
		suite.ValidUntil = apttest.Now.Add(time.Hour)
		b := newBench(t, suite)
		ctx := context.Background()
		rel, err := b.client.Release(ctx, b.pocket)
		if err != nil {
			t.Fatal(err)
		}
		again := func() error {
			r, err := b.client.Locked(ctx, b.pocket, rel.Digest, rel.Signature)
			if err == nil && (!r.Date.Equal(rel.Date) || len(r.Signers) != 1) {
				t.Errorf("another Release: %v", r)
			}
			return err
		}
		b.Fail("*", apttest.Fault{Status: 500})
		if err := again(); err != nil {
			t.Errorf("from the store: %v", err)
		}
		b.Fail("*", apttest.Fault{Times: 1, Status: 500})
		b.client = b.newClient(t, openStore(t))
		if err := again(); err != nil {
			t.Errorf("from a mirror that still has it: %v", err)
		}
		b.client.Now = apttest.Now.AddDate(1, 0, 0)
		if err := again(); kiln.CodeOf(err) != kiln.Refused {
			t.Errorf("as of a year later: %v", err)
		}
		suite.Date = apttest.Date.Add(time.Minute)
		b.Update(apttest.New(suite))
		b.client = b.newClient(t, openStore(t))
		wantError(t, again(), kiln.Network, "no mirror keeps it any more")
	}
}
