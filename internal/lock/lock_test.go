package lock_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/lock"
)

func sample() *lock.Lock {
	zone := time.FixedZone("far", 5*3600)
	valid := time.Date(2026, 11, 25, 12, 0, 0, 500, zone)
	digest := func(s string) kiln.Digest { return kiln.DigestOf([]byte(s)) }
	pocket := func(name, suite string) lock.Pocket {
		return lock.Pocket{
			Name: name, Suite: suite, Codename: suite, Release: digest(suite), Date: time.Date(2026, 11, 20, 1, 2, 3, 999, zone), ValidUntil: &valid,
			Signers: []lock.Signer{{strings.Repeat("B", 40), "Second <b@example.org>"}, {strings.Repeat("A", 40), "First <a@example.org>"}},
			Indexes: []lock.Index{
				{"main", "arm64", "main/binary-arm64/Packages.xz", digest("2").Hex(), 2},
				{"main", "amd64", "main/binary-amd64/Packages.xz", digest("1").Hex(), 1},
			},
		}
	}
	pkg := func(name, version, archive string, by ...string) lock.Package {
		return lock.Package{
			Name: name, Version: version, Architecture: "amd64", Source: name, Archive: archive,
			Path: "pool/main/" + name + "_" + version + "_amd64.deb", SHA256: digest(name + version).Hex(), Size: 10, RequiredBy: by,
		}
	}
	return &lock.Lock{
		Format: lock.Format, Wants: digest("wants"),
		Archives: []lock.Archive{
			{"vendor", "stable", []lock.Pocket{pocket("release", "stable")}},
			{"debian", "trixie", []lock.Pocket{pocket("security", "trixie-security"), pocket("release", "trixie")}},
		},
		Platforms: map[kiln.Platform]*lock.Platform{
			{OS: "linux", Architecture: "arm64"}: {},
			{OS: "linux", Architecture: "amd64"}: {Packages: []lock.Package{
				pkg("tzdata", "2026c-0+deb13u1", "debian/trixie", "recipe"),
				pkg("libc6", "2.41-12", "debian/trixie-security", "zlib1g", "recipe"),
				pkg("tool", "1<2", "local", "recipe"),
			}},
		},
	}
}

// valid is sample with what check refuses put right.
func valid() *lock.Lock {
	l := sample()
	l.Platforms[kiln.Platform{OS: "linux", Architecture: "amd64"}].Packages[2].Version = "1~2"
	return l
}

const wantText = `{
  "format": 1,
  "wants": "sha256:WANTS",
  "digest": "sha256:DIGEST",
  "archives": [
    {
      "name": "debian", "suite": "trixie",
      "pockets": [
        {
          "name": "release", "suite": "trixie", "codename": "trixie",
          "release": "sha256:TRIXIE",
          "date": "2026-11-19T20:02:03Z", "valid_until": "2026-11-25T07:00:00Z",
          "signers": [
            {"fingerprint": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "name": "First <a@example.org>"},
            {"fingerprint": "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", "name": "Second <b@example.org>"}
          ],
          "indexes": [
            {
              "component": "main", "architecture": "amd64", "path": "main/binary-amd64/Packages.xz",
`

// The form is held still here: a change of it changes every lock in the world.
func TestForm(t *testing.T) {
	got := string(valid().Marshal())
	m := regexp.MustCompile(`\n  "digest": "sha256:([0-9a-f]{64})",`).FindStringSubmatch(got)
	if m == nil || kiln.DigestOf([]byte(strings.Replace(got, m[0], "", 1))).Hex() != m[1] {
		t.Fatalf("the digest is not that of the lock without its line: %q", m)
	}
	want := strings.NewReplacer(
		"WANTS", kiln.DigestOf([]byte("wants")).Hex(), "TRIXIE", kiln.DigestOf([]byte("trixie")).Hex(), "DIGEST", m[1],
	).Replace(wantText)
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantPackage := `        {
          "name": "libc6", "version": "2.41-12", "architecture": "amd64",
          "source": "libc6", "archive": "debian/trixie-security",
          "path": "pool/main/libc6_2.41-12_amd64.deb",
          "sha256": "` + kiln.DigestOf([]byte("libc62.41-12")).Hex() + `", "size": 10,
          "required_by": ["recipe", "zlib1g"]
        },
`
	if !strings.Contains(got, wantPackage) {
		t.Errorf("no package as\n%s\nin\n%s", wantPackage, got)
	}
	if !strings.HasSuffix(got, "    },\n    \"linux/arm64\": {\n      \"packages\": []\n    }\n  }\n}\n") {
		t.Errorf("the end is\n%s", got[len(got)-100:])
	}
}

// The same lock in every order of its lists is the same bytes.
func TestOrderDoesNotMatter(t *testing.T) {
	want := valid().Marshal()
	l := valid()
	slices.Reverse(l.Archives)
	for i := range l.Archives {
		slices.Reverse(l.Archives[i].Pockets)
		for j := range l.Archives[i].Pockets {
			slices.Reverse(l.Archives[i].Pockets[j].Signers)
			slices.Reverse(l.Archives[i].Pockets[j].Indexes)
		}
	}
	for _, p := range l.Platforms {
		slices.Reverse(p.Packages)
		for i := range p.Packages {
			slices.Reverse(p.Packages[i].RequiredBy)
		}
	}
	before := cmp.Diff(l, valid())
	if diff := cmp.Diff(string(want), string(l.Marshal())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if after := cmp.Diff(l, valid()); (after == "") != (before == "") {
		t.Error("Marshal changed the lock")
	}
}

func TestIdentity(t *testing.T) {
	text := valid().Marshal()
	for name, src := range map[string][]byte{
		"as written":       text,
		"CRLF":             bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
		"other white":      bytes.ReplaceAll(text, []byte("\n  "), []byte("\n\t")),
		"byte order mark":  append([]byte("\ufeff"), text...),
		"no end of a line": bytes.TrimSpace(text),
	} {
		l, err := lock.Parse("kiln.lock", src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(string(text), string(l.Marshal())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	text := string(valid().Marshal())
	sha := kiln.DigestOf([]byte("libc62.41-12")).Hex()
	for _, c := range []struct{ name, old, new, want string }{
		{"empty", text, "", "the file is empty"},
		{"cut off", text[len(text)/2:], "", "not valid JSON: unexpected end of JSON input"},
		{"not JSON", "\"format\": 1,", "format: 1", "line 2: not valid JSON"},
		{"something after it", text, text + "{}", "not valid JSON"},
		{"no format", "\"format\": 1,", "", "it names no format"},
		{"newer format", "\"format\": 1", "\"format\": 2, \"more\": {}", "it has format 2, and this kiln knows formats up to 1"},
		{"unknown key", "\"format\": 1,", "\"format\": 1, \"mirror\": \"x\",", `unknown field "mirror"`},
		{"wrong type", "\"size\": 10", "\"size\": \"10\"", `cannot be a JSON string`},
		{"key twice", "\"format\": 1,", "\"format\": 1, \"format\": 1,", "it is not as kiln writes it"},
		{"key in capitals", "\"wants\":", "\"WANTS\":", "it is not as kiln writes it"},
		{"other order", "[\"recipe\", \"zlib1g\"]", "[\"zlib1g\", \"recipe\"]", "it is not as kiln writes it"},
		{"other time zone", "2026-11-19T20:02:03Z", "2026-11-19T21:02:03+01:00", "it is not as kiln writes it"},
		{"wants", "\"wants\": \"sha256:", "\"wants\": \"md5:", "wants is not a digest"},
		{"release in capitals", kiln.DigestOf([]byte("trixie")).Hex(), strings.ToUpper(kiln.DigestOf([]byte("trixie")).Hex()), `archive "debian/trixie": pocket "trixie": release is not a digest`},
		{"short hash", sha, sha[1:], `package "libc6:amd64": not a digest`},
		{"path up", "pool/main/libc6", "../libc6", "is no clean relative path"},
		{"absolute path", "pool/main/libc6", "/libc6", "is no clean relative path"},
		{"path with a backslash", "pool/main/libc6", `pool\\\\libc6`, "is no clean relative path"},
		{"negative size", "\"size\": 10", "\"size\": -1", "its size is -1"},
		{"no size", "\"size\": 10", "\"size\": 0", "it has no size"},
		{"package twice", "\"name\": \"libc6\"", "\"name\": \"tool\"", `package "tool:amd64" twice`},
		{"name with a slash", "\"name\": \"libc6\"", "\"name\": \"../libc6\"", "not a name, source and architecture"},
		{"no version", "\"version\": \"2.41-12\"", "\"version\": \"\"", `"" is no version`},
		{"nothing requires it", "[\"recipe\", \"zlib1g\"]", "[]", "nothing requires it"},
		{"unlocked archive", "debian/trixie-security", "debian/sid", `its archive "debian/sid" is not in the lock`},
		{"pocket twice", "\"suite\": \"trixie-security\"", "\"suite\": \"trixie\"", `pocket "trixie" twice`},
		{"unsigned", "{\"fingerprint\": \"" + strings.Repeat("A", 40), "{\"fingerprint\": \"", "is no fingerprint"},
		{"index twice", "binary-amd64", "binary-arm64", "twice"},
		{"no platform", "\"linux/arm64\"", "\"plan9/mips\"", "unknown platform"},
		{"platform null", "{\n      \"packages\": []\n    }", "null", "is null"},
		{"digest", "\"digest\": \"sha256:", "\"digest\": \"md5:", "digest is not a digest"},
		{"another version", "2.41-12", "2.41-13", "something in it was changed since kiln wrote it: its digest is sha256:"},
		{"another key", strings.Repeat("A", 40), strings.Repeat("C", 40), "it is not as kiln writes it"},
		{"conflict", "  \"wants\"", "<<<<<<< HEAD\n  \"wants\"", "line 3 is the mark of a merge conflict"},
	} {
		src := strings.Replace(text, c.old, c.new, 1)
		if src == text {
			t.Errorf("%s: nothing was changed", c.name)
			continue
		}
		_, err := lock.Parse("web/kiln.lock", []byte(src))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), `cannot use the lock "web/kiln.lock": `) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if len(kiln.HintsOf(err)) == 0 || kiln.CodeOf(err) != kiln.User {
			t.Errorf("%s: hints %q, code %q", c.name, kiln.HintsOf(err), kiln.CodeOf(err))
		}
	}
}

func TestLoadAndSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), lock.FileName)
	if _, err := lock.Load(path); !errors.Is(err, fs.ErrNotExist) || len(kiln.HintsOf(err)) == 0 {
		t.Errorf("no lock: %v, hints %q", err, kiln.HintsOf(err))
	}
	if err := valid().Save(path); err != nil {
		t.Fatal(err)
	}
	l, err := lock.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if changes := lock.Diff(valid(), l); len(changes) > 0 {
		t.Errorf("saved and loaded: %v", changes)
	}
	if _, err := lock.Load(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
}

// One bit changed anywhere in a lock is an error that names the file.
func TestEveryBitIsCovered(t *testing.T) {
	sound := valid().Marshal()
	for i := range sound {
		for _, bit := range []int{i % 8, (i + 5) % 8} {
			src := bytes.Clone(sound)
			src[i] ^= 1 << bit
			if _, err := lock.Parse("web/kiln.lock", src); err == nil || !strings.Contains(err.Error(), `cannot use the lock "web/kiln.lock": `) || len(kiln.HintsOf(err)) == 0 {
				t.Errorf("bit %d of byte %d, %q for %q: %v", bit, i, src[i], sound[i], err)
			}
		}
	}
}

// A lock of a kiln that wrote no digest is taken as it is, and gets one when it is
// written again. What one says that was changed is at hand for who resolves again.
func TestDigestLine(t *testing.T) {
	text := valid().Marshal()
	line := regexp.MustCompile(`\n  "digest": "[^"]+",`)
	old := line.ReplaceAll(text, nil)
	l, err := lock.Parse("kiln.lock", old)
	if err != nil || !bytes.Equal(l.Marshal(), text) {
		t.Errorf("without a digest: %v", err)
	}
	_, err = lock.Parse("kiln.lock", bytes.Replace(text, []byte("2.41-12"), []byte("2.41-13"), 1))
	var changed *lock.ChangedError
	if !errors.As(err, &changed) || changed.Lock.Digest != l.Digest && len(lock.Diff(l, changed.Lock)) != 1 {
		t.Errorf("changed: %v, %+v", err, changed)
	}
}

// What could not be read again is not written, and the old file stays.
func TestSaveRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), lock.FileName)
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := sample().Save(path); kiln.CodeOf(err) != kiln.Bug {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(path); string(b) != "old" {
		t.Errorf("the file is %q, %v", b, err)
	}
}

func TestDiff(t *testing.T) {
	amd64 := kiln.Platform{OS: "linux", Architecture: "amd64"}
	old, next := valid(), valid()
	p := next.Platforms[amd64]
	p.Packages[0].Version = "2026b-0+deb13u1"
	p.Packages[1].Version = "2.41-12+deb13u4"
	p.Packages[2].SHA256 = kiln.DigestOf(nil).Hex()
	p.Packages = append(p.Packages, lock.Package{Name: "awk", Version: "1", Architecture: "all"}, lock.Package{Name: "zlib1g", Version: "1", Architecture: "amd64", Archive: "debian/trixie"})
	old.Platforms[amd64].Packages = append(old.Platforms[amd64].Packages,
		lock.Package{Name: "gone", Version: "3", Architecture: "amd64"}, lock.Package{Name: "zlib1g", Version: "1", Architecture: "amd64", Archive: "debian/trixie-security"})
	next.Archives[0].Pockets[0].Release = kiln.DigestOf([]byte("newer"))
	next.Archives[0].Pockets[0].Date = next.Archives[0].Pockets[0].Date.Add(24 * time.Hour)
	next.Archives[1].Pockets = next.Archives[1].Pockets[1:]
	want := []string{
		"removed debian/trixie-security 2026-11-19 20:02 UTC",
		"moved vendor/stable 2026-11-19 20:02 UTC -> 2026-11-20 20:02 UTC",
		"added awk:all 1 (linux/amd64)",
		"removed gone:amd64 3 (linux/amd64)",
		"upgraded libc6:amd64 2.41-12 -> 2.41-12+deb13u4 (linux/amd64)",
		"replaced tool:amd64 sha256:" + kiln.DigestOf([]byte("tool1<2")).Short() + " -> sha256:e3b0c44298fc (linux/amd64)",
		"downgraded tzdata:amd64 2026c-0+deb13u1 -> 2026b-0+deb13u1 (linux/amd64)",
		"moved zlib1g:amd64 debian/trixie-security -> debian/trixie (linux/amd64)",
	}
	var got []string
	for _, c := range lock.Diff(old, next) {
		got = append(got, c.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if changes := lock.Diff(valid(), valid()); len(changes) > 0 {
		t.Errorf("of itself: %v", changes)
	}
	for _, c := range lock.Diff(nil, valid()) {
		if c.Kind != lock.Added {
			t.Errorf("from nothing: %v", c)
		}
	}
}

// What is taken is given back; nothing makes Parse or Marshal panic.
func FuzzParse(f *testing.F) {
	f.Add(valid().Marshal())
	f.Add([]byte(`{"format":1,"wants":"","archives":null,"platforms":{"linux/amd64":null}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		l, err := lock.Parse("kiln.lock", src)
		if err != nil {
			return
		}
		again, err := lock.Parse("kiln.lock", l.Marshal())
		if err != nil || !bytes.Equal(again.Marshal(), l.Marshal()) {
			t.Fatalf("not given back: %v", err)
		}
	})
}
