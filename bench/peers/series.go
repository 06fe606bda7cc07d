package main

import "slices"

// series is one number for each run.
type series []float64

func (s series) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

func (s series) least() float64 { return slices.Min(s) }
func (s series) most() float64  { return slices.Max(s) }

// over divides run by run: what ran side by side is compared with each other.
func (s series) over(t series) series {
	ratios := make(series, min(len(s), len(t)))
	for i := range ratios {
		ratios[i] = s[i] / t[i]
	}
	return ratios
}
