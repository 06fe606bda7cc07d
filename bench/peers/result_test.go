package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sampled is what a run might have given; growing says how time goes with bytes.
func sampled(growing float64) results {
	r := results{Runs: 2, Machine: machine{Date: "2025-08-09 12:00", Kiln: "abc", CPU: "a < b", Cores: 2}}
	r.Rows = []row{
		{Case: "first", Kiln: series{0.5, 0.4}, Peak: series{1e8, 2e8}, PeerName: "peer | gzip", Peer: series{10, 12}, Ratio: 25},
		{Case: "second", Kiln: series{0.04, 0.06}, Peak: series{1e8, 1e8}, Seconds: 0.05},
	}
	for _, n := range []int{20, 200, 2000} {
		x := float64(n)
		one := func(at float64) timing {
			return timing{Seconds: series{at * (1 + growing*x)}, Peak: series{1e8 + x*1e5}}
		}
		r.Growth = append(r.Growth, point{Packages: n, DebBytes: int64(n) * 1e5, ImageBytes: int64(n) * 1e6, Cold: one(0.1), Warm: one(0.01), Same: one(0.001)})
	}
	return r
}

func TestBars(t *testing.T) {
	r := sampled(1)
	r.Rows[0].Ratio = 26
	for i, want := range []string{"no", "no"} {
		if got := r.Rows[i].held(); got != want {
			t.Errorf("%s: held %s", r.Rows[i].Case, got)
		}
	}
	r.Rows[0].Ratio, r.Rows[1].Seconds = 25, 0.051
	for _, one := range r.Rows {
		if one.held() != "yes" {
			t.Errorf("%s is not held: %v", one.Case, one.cells())
		}
	}
	if got := r.Rows[0].cells()[4]; got != "25.0 [20.0..30.0]" {
		t.Errorf("the ratio is %s", got)
	}
	if got := r.Rows[1].cells()[1]; got != "50 ms [40..60]" {
		t.Errorf("the time is %s", got)
	}
}

// The largest image is held against the first of 100 packages or more.
func TestVerdicts(t *testing.T) {
	r := sampled(1)
	for _, v := range verdicts(r.Growth) {
		if !strings.Contains(v, "from 200 to 2000 packages: bytes x 10.0") || !strings.Contains(v, "than bytes: yes") || !strings.Contains(v, "under 400 MB: yes") {
			t.Error(v)
		}
	}
	r.Growth[2].Warm.Seconds[0] *= 2
	r.Growth[2].Warm.Peak[0] = 401e6
	if v := verdicts(r.Growth)[1]; !strings.Contains(v, "than bytes: no") || !strings.Contains(v, "under 400 MB: no") {
		t.Error(v)
	}
}

// The plot is well-formed, and nothing of it is outside of the picture.
func TestPlot(t *testing.T) {
	for _, growing := range []float64{0, 0.001, 1} {
		d := xml.NewDecoder(strings.NewReader(sampled(growing).plot()))
		circles := 0
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			e, ok := token.(xml.StartElement)
			if !ok || e.Name.Local != "circle" {
				continue
			}
			circles++
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Value, "-") || strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("a point at %v", e.Attr)
				}
			}
		}
		if circles != 3*3*2 {
			t.Errorf("%d points", circles)
		}
	}
}

// What stands around the marks stays.
func TestPage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	for range 2 { // the second time over the results of the first
		old, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			old, err = []byte("before\n"+mark+mark+"behind\n"), nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, old, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := sampled(1).writePage(file, filepath.Join(filepath.Dir(file), "plot.svg")); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if !strings.HasPrefix(text, "before\n"+mark) || !strings.HasSuffix(text, mark+"behind\n") || strings.Count(text, "| first |") != 1 {
		t.Error(text)
	}
	for _, want := range []string{`peer \| gzip: 11.00 s`, "](plot.svg)", "| 2000 | 200 MB |"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	if err := os.WriteFile(file, []byte("no marks\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := sampled(1).writePage(file, "plot.svg"); err == nil {
		t.Error("a page without marks was written")
	}
}
