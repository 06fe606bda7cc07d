package disk_test

import (
	"bytes"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kiln/internal/disk"
)

// updateKey is an OpenPGP key, made at a time, and its private half as gpg exports it.
func updateKey(t *testing.T, at time.Time) []byte {
	t.Helper()
	e, err := openpgp.NewEntity("updates", "", "updates@example.org", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := e.SerializePrivate(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// match says whether a name is what a pattern of systemd-sysupdate matches, with what its wildcards stand for.
func match(pattern, name string) (found map[string]string, ok bool) {
	var keys []string
	text := regexp.MustCompile(`@[a-z]`).ReplaceAllStringFunc(regexp.QuoteMeta(pattern), func(k string) string {
		keys = append(keys, k)
		return `([A-Za-z0-9.~^-]+?)`
	})
	m := regexp.MustCompile("^" + text + "$").FindStringSubmatch(name)
	if m == nil {
		return nil, false
	}
	found = map[string]string{}
	for i, k := range keys {
		found[k] = m[i+1]
	}
	return found, true
}

// Each transfer takes one file of the update to where the disk has it; the GUID in its name is the partition's.
func TestTransfersMatch(t *testing.T) {
	st, s := openStore(t), system(t)
	s.Signer, _ = testSigner(t)
	table := partitions(write(t, st, s, disk.Raw))
	dir := filepath.Join(t.TempDir(), "update")
	if err := newDisk(t, st, s).WriteUpdate(t.Context(), dir, nil, nil); err != nil {
		t.Fatal(err)
	}
	files := readFolder(t, dir)
	transfers := disk.Transfers(disk.TransferOptions{Name: "web", URL: "https://example.org/up%20dates/", Signed: true})
	var order []string
	taken := map[string]bool{}
	for _, f := range transfers {
		order = append(order, f.Path)
		_, source, _ := strings.Cut(string(f.Content), "[Source]")
		source, target, _ := strings.Cut(source, "[Target]")
		if !strings.Contains(source, "Path=https://example.org/up%%20dates/\n") {
			t.Errorf("%s: source %q", f.Path, source)
		}
		value := func(section, key string) string {
			_, rest, _ := strings.Cut(section, "\n"+key+"=")
			line, _, _ := strings.Cut(rest, "\n")
			return line
		}
		for name := range files {
			found, ok := match(value(source, "MatchPattern"), name)
			if !ok {
				continue
			}
			taken[name] = true
			if found["@v"] != "1.2" {
				t.Errorf("%s: version %q", name, found["@v"])
			}
			if value(target, "Type") == "regular-file" {
				continue
			}
			label := strings.ReplaceAll(value(target, "MatchPattern"), "@v", "1.2")
			at := slices.IndexFunc(table, func(p partition) bool { return p.name == label })
			if at < 0 || (!strings.HasSuffix(label, "_sig") && table[at].guid != found["@u"]) {
				t.Errorf("%s: label %q, GUID %q", name, label, found["@u"])
			}
		}
	}
	if len(taken) != len(files)-1 || len(taken) != len(transfers) {
		t.Errorf("%q of %q are taken", slices.Sorted(maps.Keys(taken)), slices.Sorted(maps.Keys(files)))
	}
	if last := slices.Max(order); !strings.HasSuffix(last, "kernel.transfer") {
		t.Errorf("the last is %s", last)
	}
	if found, ok := match("web_@v+@l-@d.efi", "web_1.2+3-0.efi"); !ok || found["@l"] != "3" {
		t.Errorf("%q", found)
	}
	if n := len(disk.Transfers(disk.TransferOptions{Name: "web", Single: true})); n != 0 {
		t.Errorf("%d transfers to one slot", n)
	}
}

// The sums are signed by the key, at a time that no clock told; twice the same.
func TestUpdateSigned(t *testing.T) {
	st, s := openStore(t), system(t)
	for name, made := range map[string]time.Time{"older": epoch.Time().AddDate(-1, 0, 0), "newer": epoch.Time().AddDate(1, 0, 0)} {
		text := updateKey(t, made)
		var before []byte
		for range 2 {
			key, err := disk.ParseUpdateKey(text, nil)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "update")
			if err := newDisk(t, st, s).WriteUpdate(t.Context(), dir, key, nil); err != nil {
				t.Fatal(err)
			}
			files := readFolder(t, dir)
			public, err := key.Keyring()
			if err != nil {
				t.Fatal(err)
			}
			ring, err := openpgp.ReadKeyRing(bytes.NewReader(public))
			if err != nil || ring[0].PrivateKey != nil {
				t.Fatalf("keyring: %v", err)
			}
			sums, signature := files["SHA256SUMS"], files["SHA256SUMS.gpg"]
			if _, err := openpgp.CheckDetachedSignature(ring, bytes.NewReader(sums), bytes.NewReader(signature), &packet.Config{Time: func() time.Time { return made.AddDate(3, 0, 0) }}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if before != nil && !bytes.Equal(signature, before) {
				t.Errorf("%s: signed again it is another", name)
			}
			before = signature
		}
	}
	for want, text := range map[string][]byte{"cannot be read": []byte("key"), "no private key": publicHalf(t)} {
		if _, err := disk.ParseUpdateKey(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func publicHalf(t *testing.T) []byte {
	t.Helper()
	key, err := disk.ParseUpdateKey(updateKey(t, epoch.Time()), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := key.Keyring()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
