package xz_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	oracle "github.com/therootcompany/xz"
	encoder "github.com/ulikunitz/xz"

	"kiln/internal/xz"
)

// rusageThread asks getrusage(2) for the calling thread alone.
const rusageThread = 1

// busy returns the processor time that f takes in this thread. Unlike the
// clock's, it says something on a machine that others use too.
func busy(b *testing.B, f func() (int64, error)) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(rusageThread, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	runtime.GC()
	begin := used()
	if _, err := f(); err != nil {
		b.Fatal(err)
	}
	return used() - begin
}

// BenchmarkReader decodes each file of the pattern in KILN_XZ_FILES, or else the
// test's own program, in turns with the library that kiln used before, as often
// as -benchtime says (7x), and reports medians in MB/s of one core's time and
// their ratio:
//
//	KILN_XZ_FILES='/path/*.tar.xz' go test -run '^$' -bench Reader -benchtime 7x ./internal/xz
func BenchmarkReader(b *testing.B) {
	files, names := benchFiles(b, encoder.WriterConfig{})
	for _, name := range names {
		b.Run(filepath.Base(name), func(b *testing.B) { compareSpeed(b, files[name]) })
	}
}

// benchFiles returns the files of the pattern in KILN_XZ_FILES, or else the test's
// own program, compressed.
func benchFiles(b *testing.B, c encoder.WriterConfig) (files map[string][]byte, names []string) {
	files = map[string][]byte{}
	if pattern := os.Getenv("KILN_XZ_FILES"); pattern != "" {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			b.Fatalf("no file is found by %q: %v", pattern, err)
		}
		for _, name := range found {
			data, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			files[name], names = data, append(names, name)
		}
	} else {
		self, err := os.ReadFile("/proc/self/exe")
		if err != nil {
			b.Fatal(err)
		}
		files["self"], names = compress(b, c, self), []string{"self"}
	}
	return files, names
}

func compareSpeed(b *testing.B, data []byte) {
	var size int64
	var ours, theirs []time.Duration
	for b.Loop() {
		ours = append(ours, busy(b, func() (n int64, err error) {
			z, err := xz.NewReader(bytes.NewReader(data), xz.Limits{})
			if err == nil {
				size, err = io.Copy(io.Discard, z)
			}
			return size, err
		}))
		theirs = append(theirs, busy(b, func() (int64, error) {
			z, err := oracle.NewReader(bytes.NewReader(data), 64<<20)
			if err != nil {
				return 0, err
			}
			return io.Copy(io.Discard, z)
		}))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	own, other := ours[len(ours)/2].Seconds(), theirs[len(theirs)/2].Seconds()
	b.ReportMetric(0, "ns/op") // both together, which says nothing
	b.ReportMetric(float64(size)/1e6/own, "MB/s")
	b.ReportMetric(float64(size)/1e6/other, "MB/s-other")
	b.ReportMetric(other/own, "ratio")
}

// BenchmarkParallel decodes each file with a worker for each processor, in turns
// with a Reader and with xz itself, if it is installed, on one thread and on as many.
// It reports how many times as long the others take, by the clock and in processor
// time, which says something on a machine that others use too:
//
//	KILN_XZ_FILES='/path/*.tar.xz' go test -run '^$' -bench Parallel -benchtime 7x ./internal/xz
func BenchmarkParallel(b *testing.B) {
	files, names := benchFiles(b, encoder.WriterConfig{BlockSize: 2 << 20})
	for _, name := range names {
		b.Run(filepath.Base(name), func(b *testing.B) { inTurns(b, decoders(b, files[name])) })
	}
}

// way is one way to decode a file.
type way struct {
	name   string
	decode func() (int64, error)
}

// decoders are a parallel reader, a serial one, and xz.
func decoders(b *testing.B, data []byte) []way {
	workers := runtime.GOMAXPROCS(0)
	ways := []way{
		{"parallel", func() (int64, error) {
			p, err := xz.NewParallel(bytes.NewReader(data), int64(len(data)), xz.Limits{}, workers)
			if err != nil {
				return 0, err
			}
			defer p.Close()
			return io.Copy(io.Discard, p)
		}},
		{"serial", func() (int64, error) {
			z, err := xz.NewReader(bytes.NewReader(data), xz.Limits{})
			if err != nil {
				return 0, err
			}
			return io.Copy(io.Discard, z)
		}},
	}
	if _, err := exec.LookPath("xz"); err != nil {
		return ways
	}
	file := filepath.Join(b.TempDir(), "file.xz")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		b.Fatal(err)
	}
	for _, threads := range []int{1, workers} {
		ways = append(ways, way{fmt.Sprintf("xz-T%d", threads), func() (int64, error) {
			return 0, exec.Command("xz", "-dc", fmt.Sprintf("-T%d", threads), file).Run() // to /dev/null
		}})
	}
	return ways
}

// used is the processor time that this process and its children have taken.
func used(b *testing.B) time.Duration {
	var total int64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		total += u.Utime.Nano() + u.Stime.Nano()
	}
	return time.Duration(total)
}

// inTurns compares the first way with the others: the least time of each by the
// clock, and the least processor time.
func inTurns(b *testing.B, ways []way) {
	var size int64
	clock, cpu := make([]time.Duration, len(ways)), make([]time.Duration, len(ways))
	for b.Loop() {
		for i, w := range ways {
			runtime.GC()
			begin, before := time.Now(), used(b)
			n, err := w.decode()
			if err != nil {
				b.Fatalf("%s: %v", w.name, err)
			}
			clock[i], cpu[i] = least(clock[i], time.Since(begin)), least(cpu[i], used(b)-before)
			size = max(size, n)
		}
	}
	b.ReportMetric(0, "ns/op") // all together, which says nothing
	b.ReportMetric(float64(size)/1e6/clock[0].Seconds(), "MB/s")
	for i, w := range ways[1:] {
		b.ReportMetric(clock[i+1].Seconds()/clock[0].Seconds(), w.name+"/parallel")
		b.ReportMetric(cpu[i+1].Seconds()/cpu[0].Seconds(), "cpu-"+w.name+"/parallel")
	}
}

func least(so, now time.Duration) time.Duration {
	if so == 0 {
		return now
	}
	return min(so, now)
}
