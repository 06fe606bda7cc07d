package gpt_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/disk/gpt"
)

const mib = 1 << 20

func sample() *gpt.Table {
	return &gpt.Table{Disk: gpt.Derive("disk"), Size: 64 * mib, Partitions: []gpt.Partition{
		{Type: gpt.MustGUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), GUID: gpt.Derive("esp"), Name: "esp", Start: mib, Size: 32 * mib},
		{Type: gpt.MustGUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"), GUID: gpt.Derive("root"), Name: "web_1.4.0 ä", Start: 33 * mib, Size: 8*mib + 512, Attributes: gpt.ReadOnly | gpt.NoAuto},
		{Type: gpt.MustGUID("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"), GUID: gpt.Derive("verity"), Name: strings.Repeat("v", 36), Start: 42 * mib, Size: 64*mib - gpt.TailSize - 42*mib},
	}}
}

func ends(t *testing.T, table *gpt.Table) (head, tail []byte) {
	t.Helper()
	head, err := table.Head()
	if err == nil {
		tail, err = table.Tail()
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(head) != gpt.HeadSize || len(tail) != gpt.TailSize {
		t.Fatalf("%d and %d bytes", len(head), len(tail))
	}
	return head, tail
}

func TestGUID(t *testing.T) {
	const text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	if got := gpt.MustGUID(text).String(); got != text {
		t.Errorf("%s became %s", text, got)
	}
	for _, bad := range []string{"", "c12a7328f81f11d2ba4b00a0c93ec93b", text[1:], text + "0", strings.Replace(text, "c", "g", 1), "c12a73-28f81f-11d2-ba4b-00a0c93ec93b"} {
		if g, err := gpt.ParseGUID(bad); err == nil {
			t.Errorf("%q became %s", bad, g)
		}
	}
	if a, b := gpt.Derive("a", "b"), gpt.Derive("ab"); a == b || a != gpt.Derive("a", "b") || a.String()[14] != '8' {
		t.Errorf("derived %s and %s", a, b)
	}
}

// The bytes are a promise.
func TestGolden(t *testing.T) {
	head, tail := ends(t, sample())
	const want = "sha256:d4d6eb851cbab75b42546db824c8c9d2040bbac2c8c1d78cbeb897bb545d7cd2"
	if got := kiln.DigestOf(append(head, tail...)); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	for want, change := range map[string]func(*gpt.Table){
		"disk of 100 bytes":  func(t *gpt.Table) { t.Size = 100 },
		"no type or no GUID": func(t *gpt.Table) { t.Partitions[0].GUID = gpt.GUID{} },
		"not aligned":        func(t *gpt.Table) { t.Partitions[0].Start += 512 },
		"0 bytes at":         func(t *gpt.Table) { t.Partitions[0].Size = 0 },
		"ends behind":        func(t *gpt.Table) { t.Partitions[2].Size += 512 },
		"the same GUID":      func(t *gpt.Table) { t.Partitions[1].GUID = t.Partitions[0].GUID },
		"1 (esp) and 2":      func(t *gpt.Table) { t.Partitions[0].Size += 512 },
		"is too long":        func(t *gpt.Table) { t.Partitions[0].Name = strings.Repeat("😀", 19) },
		"129 partitions":     func(t *gpt.Table) { t.Partitions = make([]gpt.Partition, 129) },
	} {
		table := sample()
		change(table)
		if _, err := table.Head(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// sgdisk and sfdisk find nothing wrong, and read what was written.
func TestJudges(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks sgdisk and sfdisk: KILN_TEST=real")
	}
	table := sample()
	head, tail := ends(t, table)
	file := filepath.Join(t.TempDir(), "disk")
	disk := make([]byte, table.Size)
	copy(disk, head)
	copy(disk[len(disk)-len(tail):], tail)
	if err := os.WriteFile(file, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(argv ...string) string {
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v\n%s", argv, err, out)
		}
		return string(out)
	}
	if out := run("sgdisk", "-v", file); !strings.Contains(out, "No problems found") {
		t.Errorf("sgdisk -v: %s", out)
	}
	if out := run("sfdisk", "-V", file); !strings.Contains(out, "No errors detected") {
		t.Errorf("sfdisk -V: %s", out)
	}
	for i, p := range table.Partitions {
		out := run("sgdisk", "-i", string(rune('1'+i)), file)
		for _, want := range []string{strings.ToUpper(p.Type.String()), strings.ToUpper(p.GUID.String()), "'" + p.Name + "'"} {
			if !strings.Contains(out, want) {
				t.Errorf("sgdisk does not say %s:\n%s", want, out)
			}
		}
	}
	if out := run("sfdisk", "-d", file); !strings.Contains(out, strings.ToUpper(table.Disk.String())) || !strings.Contains(out, "GUID:60,63") {
		t.Errorf("sfdisk -d: %s", out)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, disk) {
		t.Error("a judge changed the disk")
	}
}
