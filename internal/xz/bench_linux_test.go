package xz_test

import (
	"bytes"
	"io"
	"os"
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
	files := map[string][]byte{}
	var names []string
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
		files["self"], names = compress(b, encoder.WriterConfig{}, self), []string{"self"}
	}
	for _, name := range names {
		b.Run(filepath.Base(name), func(b *testing.B) { compareSpeed(b, files[name]) })
	}
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
