package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// results is all that -json writes.
type results struct {
	Machine machine `json:"machine"`
	Runs    int     `json:"runs"`
	Note    string  `json:"note,omitempty"`
	Rows    []row   `json:"rows"`
	Growth  []point `json:"growth,omitempty"`
}

// row is one line of the table. Times are in seconds, one for each run.
type row struct {
	Case     string  `json:"case"`
	Kiln     series  `json:"kiln"`
	KilnCPU  series  `json:"kiln_cpu"` // processor time, which a busy machine disturbs less
	Peak     series  `json:"peak"`     // of kiln's memory, in bytes
	PeerName string  `json:"peer_name,omitempty"`
	Peer     series  `json:"peer,omitempty"`
	PeerCPU  series  `json:"peer_cpu,omitempty"`
	Ratio    float64 `json:"ratio_bar,omitempty"`   // so many times faster than the peer, at least; 0: no bar
	Seconds  float64 `json:"seconds_bar,omitempty"` // less than so many; 0: no bar
}

// pairing is two contestants that are compared.
type pairing struct {
	what  string
	kiln  *contestant
	peer  *contestant
	ratio float64 // bar; 0: none
}

func (p pairing) row(prefix string) row {
	return row{
		Case: prefix + p.what, Kiln: p.kiln.series(), KilnCPU: p.kiln.cpu(), Peak: p.kiln.peaks(),
		PeerName: p.peer.name, Peer: p.peer.series(), PeerCPU: p.peer.cpu(), Ratio: p.ratio,
	}
}

// cells are the row as texts: case, kiln, peak, peer, ratio, bar, held.
func (r row) cells() []string {
	cells := []string{r.Case, seconds(r.Kiln), megabytes(r.Peak.most()), "", "", r.bar(), r.held()}
	if r.PeerName != "" {
		ratio := r.Peer.over(r.Kiln)
		cells[3] = r.PeerName + ": " + seconds(r.Peer)
		digits := 1
		if ratio.median() < 1 {
			digits = 3
		}
		cells[4] = fmt.Sprintf("%.*f [%.*f..%.*f]", digits, ratio.median(), digits, ratio.least(), digits, ratio.most())
	}
	return cells
}

func (r row) bar() string {
	switch {
	case r.Ratio > 0:
		return fmt.Sprintf("%gx", r.Ratio)
	case r.Seconds > 0:
		return fmt.Sprintf("%.0f ms", r.Seconds*1000)
	}
	return ""
}

func (r row) held() string {
	switch {
	case r.Ratio > 0:
		return yesNo(r.Peer.over(r.Kiln).median() >= r.Ratio)
	case r.Seconds > 0:
		return yesNo(r.Kiln.median() < r.Seconds)
	}
	return ""
}

func yesNo(held bool) string {
	if held {
		return "yes"
	}
	return "no"
}

// seconds writes median and spread, in milliseconds where it is that quick.
func seconds(s series) string {
	if s.median() < 1 {
		return fmt.Sprintf("%.0f ms [%.0f..%.0f]", s.median()*1000, s.least()*1000, s.most()*1000)
	}
	return fmt.Sprintf("%.2f s [%.2f..%.2f]", s.median(), s.least(), s.most())
}

// megabytes writes bytes of memory.
func megabytes(n float64) string { return fmt.Sprintf("%.0f MB", n/1e6) }

var rowHead = []string{"case", "kiln", "kiln's peak memory", "peer", "ratio", "bar", "held"}

// text is the results for a terminal.
func (r results) text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(r.Rows) > 0 {
		fmt.Fprintln(w, strings.Join(rowHead, "\t"))
		for _, one := range r.Rows {
			fmt.Fprintln(w, strings.Join(one.cells(), "\t"))
		}
		w.Flush()
		b.WriteString("\n")
	}
	if len(r.Growth) > 0 {
		fmt.Fprintln(w, strings.Join(growthHead, "\t"))
		for _, p := range r.Growth {
			fmt.Fprintln(w, strings.Join(p.cells(), "\t"))
		}
		w.Flush()
		for _, v := range verdicts(r.Growth) {
			fmt.Fprintln(&b, v)
		}
	}
	return b.String()
}
