package xz_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"kiln/internal/xz"
)

// tool returns what the real xz makes of content.
func tool(t *testing.T, content []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("xz", append([]string{"--format=xz", "-c", "-q"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(content), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("xz %q: %v\n%s", args, err, stderr.Bytes())
	}
	return out
}

// settings are arguments of xz: presets, match finders, literal and position
// bits, dictionaries, blocks by size and by list, threads, checks and filters.
func settings() [][]string {
	var all [][]string
	for preset := range 10 {
		all = append(all, []string{fmt.Sprintf("-%d", preset)})
	}
	all = append(all, []string{"-0e"}, []string{"-6e"}, []string{"-9e"})
	for _, check := range []string{"none", "crc32", "crc64", "sha256"} {
		all = append(all, []string{"--check=" + check, "--block-size=100000"}, []string{"--check=" + check, "-T2", "--block-size=300000"})
	}
	for _, lzma := range []string{
		"lc=0,lp=0,pb=0", "lc=4,lp=0,pb=4", "lc=0,lp=4,pb=2", "lc=2,lp=2,pb=1", "lc=1,lp=3,pb=3", "dict=4KiB", "dict=6KiB",
		"dict=64KiB,mf=hc3,mode=fast", "mf=bt2,nice=273", "dict=12MiB,mf=bt3,nice=5", "dict=64KiB,lc=3,lp=1,pb=0",
	} {
		all = append(all, []string{"--lzma2=" + lzma})
	}
	all = append(all, []string{"-T2", "-1"}, []string{"-T2", "-1", "--block-list=1,2,100000,7,50000,0"}, []string{"-T1", "--block-list=4096,16,0"})
	for _, name := range branchFilters() {
		all = append(all, []string{"--" + name, "--lzma2=dict=1MiB"}, []string{"--" + name + "=start=65536", "--delta=dist=4", "--lzma2=dict=64KiB", "--block-size=65537"})
	}
	all = append(all, []string{"--delta=dist=1", "--lzma2"}, []string{"--delta=dist=256", "--delta=dist=3", "--x86", "--lzma2"})
	return all
}

// TestToolReal decodes what the real xz wrote, in all settings: text, a program
// for the filters, this test's own code, noise, and nothing.
func TestToolReal(t *testing.T) {
	needReal(t)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{
		"text": text(900_000), "program": program(700_001), "code": self[:1_500_000], "zeros": make([]byte, 3_000_000), "short": text(3), "nothing": nil,
	}
	for _, args := range settings() {
		for name, content := range contents {
			data := tool(t, content, args...)
			for _, way := range []string{"reader", "parallel"} {
				got, err := ways()[way](data, xz.Limits{})
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%q, %s, %s: got %v and %d bytes", args, name, way, err, len(got))
				}
			}
		}
	}
}

// TestVectorsReal holds the tables of the vectors against the real xz.
func TestVectorsReal(t *testing.T) {
	needReal(t)
	for name := range goodVectors() {
		if err := exec.Command("xz", "-tqq", "--no-warn", "testdata/xz-utils/"+name+".xz").Run(); err != nil {
			t.Errorf("xz refuses %s: %v", name, err)
		}
	}
	for name := range badVectors() {
		if err := exec.Command("xz", "-tqq", "--no-warn", "testdata/xz-utils/"+name+".xz").Run(); err == nil {
			t.Errorf("xz accepts %s", name)
		}
	}
}

// TestParallelReal decodes blocks that the real xz wrote on several threads, as
// dpkg-deb does: serial and parallel give the same, which is what was put in, and
// several blocks were decoded at a time.
func TestParallelReal(t *testing.T) {
	needReal(t)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	content := append(self, text(3_000_000)...)
	for _, args := range [][]string{{"-T2", "--block-size=262144"}, {"-T2", "-1", "--block-size=1MiB", "--check=crc32"}, {"-T2", "-0", "--x86", "--lzma2=dict=1MiB"}} {
		data := tool(t, content, args...)
		serial, err := readAll(bytes.NewReader(data), xz.Limits{})
		if err != nil || !bytes.Equal(serial, content) {
			t.Fatalf("%q, serial: %v, %d bytes", args, err, len(serial))
		}
		for _, workers := range []int{2, 5} {
			p, err := xz.NewParallel(bytes.NewReader(data), int64(len(data)), xz.Limits{}, workers)
			if err != nil {
				t.Fatal(err)
			}
			got, consumed, err := readCounting(p)
			if err != nil || !bytes.Equal(got, serial) {
				t.Errorf("%q, %d workers: %v, %d bytes", args, workers, err, len(got))
			}
			if n := len(slices.Compact(consumed)); n < 2 {
				t.Errorf("%q: %d blocks, want several", args, n)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
