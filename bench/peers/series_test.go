package main

import (
	"slices"
	"testing"
)

func TestSeries(t *testing.T) {
	for _, row := range []struct {
		summary             string
		in                  series
		median, least, most float64
	}{
		{"one", series{3}, 3, 3, 3},
		{"odd, not sorted", series{5, 1, 2}, 2, 1, 5},
		{"even: the middle of the middle two", series{8, 1, 2, 4}, 3, 1, 8},
	} {
		t.Run(row.summary, func(t *testing.T) {
			before := slices.Clone(row.in)
			if m, l, h := row.in.median(), row.in.least(), row.in.most(); m != row.median || l != row.least || h != row.most {
				t.Errorf("median %v least %v most %v of %v", m, l, h, row.in)
			}
			if !slices.Equal(before, row.in) {
				t.Errorf("the series is now %v", row.in)
			}
		})
	}
	if got := (series{10, 9}).over(series{2, 3, 1}); !slices.Equal(got, series{5, 3}) {
		t.Errorf("run by run: %v", got)
	}
}

func TestHighWater(t *testing.T) {
	for _, row := range []struct {
		in   string
		want int64
	}{
		{"Name:\tkiln\nVmPeak:\t  9 kB\nVmHWM:\t   123 kB\nVmRSS:\t 5 kB\n", 123 << 10},
		{"Name:\tkiln\nState:\tZ (zombie)\n", 0},
	} {
		if got := highWater([]byte(row.in)); got != row.want {
			t.Errorf("%q: %d", row.in, got)
		}
	}
}
