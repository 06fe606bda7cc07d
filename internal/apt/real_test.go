package apt_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/apt/apttest"
)

// realClient reaches the mirrors of this machine, found as a user's are.
func realClient(t *testing.T, now time.Time) *apt.Client {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs the network: set KILN_TEST=real")
	}
	mirrors, err := apt.FindMirrors(apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")})
	if err != nil {
		t.Fatal(err)
	}
	return &apt.Client{Store: openStore(t), Mirrors: mirrors, Now: now}
}

// release accepts a pocket as of its own Date and a day, so that this test does
// not end with the Release's validity.
func release(t *testing.T, p apt.Pocket) (*apt.Client, *apt.Release) {
	t.Helper()
	c := realClient(t, time.Now())
	rel, err := c.Release(context.Background(), p)
	if kiln.CodeOf(err) == kiln.Refused && p.Name == "security" {
		c.Now = dateOf(t, c, p).Add(24 * time.Hour)
		rel, err = c.Release(context.Background(), p)
	}
	if err != nil {
		t.Fatalf("%s: %v", p.ID(), err)
	}
	return c, rel
}

// dateOf finds the Date of a Release that is too old to be accepted now: it is
// accepted as of some earlier day.
func dateOf(t *testing.T, c *apt.Client, p apt.Pocket) time.Time {
	t.Helper()
	for days := 1; days < 400; days++ {
		c.Now = time.Now().AddDate(0, 0, -days)
		rel, err := c.Release(context.Background(), p)
		if err == nil {
			return rel.Date
		}
		if kiln.CodeOf(err) != kiln.Refused {
			t.Fatal(err)
		}
	}
	t.Fatalf("%s: no day of the last year on which it was valid", p.ID())
	return time.Time{}
}

func TestRealTrixie(t *testing.T) {
	realClient(t, time.Now())
	a, err := apt.Debian("trixie", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]int{"release": 60000, "updates": 0, "security": 1}
	for _, p := range a.Pockets {
		c, rel := release(t, p)
		if len(rel.Signers) == 0 {
			t.Fatalf("%s: accepted without a signer", p.ID())
		}
		t.Logf("%s of %s, signed by %v, not counted: %v", p.ID(), rel.Date, rel.Signers, rel.Ignored)
		for _, arch := range []string{"amd64", "arm64"} {
			indexes, err := c.Indexes(context.Background(), p, rel, arch)
			if err != nil || len(indexes) != 1 {
				t.Fatalf("%s %s: %v, %v", p.ID(), arch, indexes, err)
			}
			list, err := c.Packages(context.Background(), p, indexes[0])
			if err != nil || list.Len() < least[p.Name] {
				t.Fatalf("%s %s: %v, %v", p.ID(), arch, list, err)
			}
			t.Logf("%s %s: %d packages", p.ID(), arch, list.Len())
		}
	}
}

func TestRealSidIsExpired(t *testing.T) {
	now := time.Now()
	c := realClient(t, now)
	a, err := apt.Debian("sid", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := c.Release(context.Background(), a.Pockets[0])
	if err == nil {
		if now.After(rel.ValidUntil) {
			t.Fatalf("accepted at %s what was valid until %s", now, rel.ValidUntil)
		}
		return
	}
	var e *kiln.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	wantError(t, err, kiln.Refused, "expired", "valid until")
	t.Log(err)
}

// TestRealGpgv has GnuPG judge what apttest signs, so that our reader and our
// writer cannot be wrong together.
func TestRealGpgv(t *testing.T) {
	realClient(t, time.Now())
	dir := t.TempDir()
	subkey := apttest.NewKey("Subkey Key", apttest.KeyOptions{Subkey: true})
	suite := honest()
	suite.Keys = []*apttest.Key{apttest.DefaultKey(), subkey}
	suite.Fields = []string{"Description: dashes\n - one\n --- two"}
	if err := apttest.New(suite).Write(dir); err != nil {
		t.Fatal(err)
	}
	ring := binary(t, apttest.DefaultKey().Public())
	ring = append(ring, binary(t, subkey.Public())...)
	if err := os.WriteFile(dir+"/ring.gpg", ring, 0o644); err != nil {
		t.Fatal(err)
	}
	in := dir + "/dists/trixie/"
	for _, args := range [][]string{{in + "InRelease"}, {in + "Release.gpg", in + "Release"}} {
		out, err := exec.Command("gpgv", append([]string{"--homedir", dir, "--keyring", dir + "/ring.gpg"}, args...)...).CombinedOutput()
		if err != nil || strings.Count(string(out), "Good signature") != 2 {
			t.Errorf("gpgv %v: %v\n%s", args, err, out)
		}
	}
}
