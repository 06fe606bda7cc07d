package main

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// curve is one line of a panel. Its points are packages and value.
type curve struct {
	name, colour string
	dashed       bool
	x, y         []float64
}

// panel is one coordinate system. Both axes have the values of their ticks.
type panel struct {
	title, unit    string
	left           float64 // of the axis, in pixels
	logarithmic    bool    // the upright axis; the level one always is
	ticksX, ticksY []float64
	curves         []curve
}

// Sizes in pixels.
const (
	plotWidth, plotHeight   = 1000, 448
	panelWidth, panelHeight = 390, 300
	panelTop                = 44
	legendTop               = 402
)

const (
	ink   = "#24292f"
	faint = "#d8dee4"
	blue  = "#0969da"
	green = "#1a7f37"
	red   = "#bc4c00"
	grey  = "#6e7781"
)

// plot draws the growth: time and peak memory against number of packages.
func (r results) plot() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="%s">`+"\n", plotWidth, plotHeight, ink)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", plotWidth, plotHeight)
	times, memory := r.timePanel(), r.memoryPanel()
	times.draw(&b)
	memory.draw(&b)
	x := 60.0
	for _, c := range append(times.curves, memory.curves[len(memory.curves)-1]) {
		x = legend(&b, x, c)
	}
	m := r.Machine
	text(&b, plotWidth/2, plotHeight-12, "middle", grey, fmt.Sprintf("kiln %s, %s UTC; %s, %d cores; medians of %d runs", m.Kiln, m.Date, m.CPU, m.Cores, r.Runs))
	b.WriteString("</svg>\n")
	return b.String()
}

func (r results) timePanel() panel {
	p := panel{title: "time to build an image, in seconds (logarithmic)", unit: "s", left: 70, logarithmic: true, ticksX: r.packageTicks()}
	median := func(t timing) float64 { return t.Seconds.median() }
	cold := r.curve("cold store", red, func(p point) float64 { return median(p.Cold) })
	bytes := r.curve("time in step with bytes", grey, func(p point) float64 {
		last := r.Growth[len(r.Growth)-1]
		return median(last.Warm) * float64(p.ImageBytes) / float64(last.ImageBytes)
	})
	bytes.dashed = true
	p.curves = []curve{
		cold, r.curve("everything cached but the image", blue, func(p point) float64 { return median(p.Warm) }),
		r.curve("no change", green, func(p point) float64 { return median(p.Same) }), bytes,
	}
	p.ticksY = decades(p.curves)
	return p
}

func (r results) memoryPanel() panel {
	p := panel{title: "peak resident memory, in MB", unit: "MB", left: 570, ticksX: r.packageTicks()}
	peak := func(t timing) float64 { return t.Peak.median() / 1e6 }
	bar := r.curve("the bar for memory", ink, func(point) float64 { return maxPeak / 1e6 })
	bar.dashed = true
	p.curves = []curve{
		r.curve("cold store", red, func(p point) float64 { return peak(p.Cold) }),
		r.curve("everything cached but the image", blue, func(p point) float64 { return peak(p.Warm) }),
		r.curve("no change", green, func(p point) float64 { return peak(p.Same) }), bar,
	}
	p.ticksY = evenly(p.curves)
	return p
}

func (r results) packageTicks() []float64 {
	var ticks []float64
	for _, p := range r.Growth {
		ticks = append(ticks, float64(p.Packages))
	}
	return ticks
}

func (r results) curve(name, colour string, value func(point) float64) curve {
	c := curve{name: name, colour: colour}
	for _, p := range r.Growth {
		c.x, c.y = append(c.x, float64(p.Packages)), append(c.y, value(p))
	}
	return c
}

// span is the least and the greatest value of all curves.
func span(curves []curve) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, y := range c.y {
			lo, hi = min(lo, y), max(hi, y)
		}
	}
	return lo, hi
}

// decades are ticks at 1, 2 and 5 of each power of ten, as far as the curves go.
func decades(curves []curve) []float64 {
	lo, hi := span(curves)
	var ticks []float64
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, m := range []float64{1, 2, 5} {
			ticks = append(ticks, m*math.Pow(10, e))
		}
	}
	for len(ticks) > 2 && ticks[1] <= lo {
		ticks = ticks[1:]
	}
	for len(ticks) > 2 && ticks[len(ticks)-2] >= hi {
		ticks = ticks[:len(ticks)-1]
	}
	return ticks
}

// evenly are about six ticks from 0 to beyond the curves.
func evenly(curves []curve) []float64 {
	_, hi := span(curves)
	power := math.Pow(10, math.Floor(math.Log10(hi/7)))
	step := power
	for _, m := range []float64{2, 5, 10} {
		if hi/step > 7 {
			step = m * power
		}
	}
	ticks := []float64{0}
	for ticks[len(ticks)-1] < hi {
		ticks = append(ticks, ticks[len(ticks)-1]+step)
	}
	return ticks
}

// at is where a value stands between the first and the last tick, from 0 to 1.
func at(v float64, ticks []float64, logarithmic bool) float64 {
	lo, hi := ticks[0], ticks[len(ticks)-1]
	if hi == lo {
		return 0
	}
	if logarithmic {
		return (math.Log(v) - math.Log(lo)) / (math.Log(hi) - math.Log(lo))
	}
	return (v - lo) / (hi - lo)
}

func (p *panel) px(x float64) float64 { return p.left + panelWidth*at(x, p.ticksX, true) }

func (p *panel) py(y float64) float64 {
	return panelTop + panelHeight*(1-at(y, p.ticksY, p.logarithmic))
}

func (p *panel) draw(b *strings.Builder) {
	text(b, p.left, 24, "start", ink, p.title, `font-size="15" font-weight="bold"`)
	for _, y := range p.ticksY {
		stroke(b, p.left, p.py(y), p.left+panelWidth, p.py(y), faint)
		text(b, p.left-8, p.py(y)+4, "end", ink, number(y))
	}
	for _, x := range p.ticksX {
		stroke(b, p.px(x), panelTop+panelHeight, p.px(x), panelTop+panelHeight+5, ink)
		text(b, p.px(x), panelTop+panelHeight+19, "middle", ink, number(x))
	}
	stroke(b, p.left, panelTop+panelHeight, p.left+panelWidth, panelTop+panelHeight, ink)
	stroke(b, p.left, panelTop, p.left, panelTop+panelHeight, ink)
	text(b, p.left+panelWidth/2, panelTop+panelHeight+38, "middle", ink, "packages (logarithmic)")
	for _, c := range p.curves {
		p.drawCurve(b, c)
	}
}

func (p *panel) drawCurve(b *strings.Builder, c curve) {
	var points []string
	for i := range c.x {
		points = append(points, fmt.Sprintf("%.1f,%.1f", p.px(c.x[i]), p.py(c.y[i])))
	}
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2"%s points="%s"/>`+"\n", c.colour, dash(c), strings.Join(points, " "))
	if c.dashed {
		return
	}
	for i := range c.x {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s</title></circle>`+"\n", p.px(c.x[i]), p.py(c.y[i]), c.colour,
			html.EscapeString(fmt.Sprintf("%s, %s packages: %.3g %s", c.name, number(c.x[i]), c.y[i], p.unit)))
	}
}

// legend writes the name of a curve below the panels and returns where the next may begin.
func legend(b *strings.Builder, x float64, c curve) float64 {
	fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%[2]d" stroke="%[4]s" stroke-width="2.5"%[5]s/>`+"\n", x, legendTop, x+24, c.colour, dash(c))
	text(b, x+30, legendTop+4, "start", ink, c.name)
	return x + 30 + 6.8*float64(len(c.name)) + 18
}

func dash(c curve) string {
	if c.dashed {
		return ` stroke-dasharray="5 4"`
	}
	return ""
}

func stroke(b *strings.Builder, x1, y1, x2, y2 float64, colour string) {
	fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, colour)
}

func text(b *strings.Builder, x, y float64, anchor, colour, s string, more ...string) {
	attributes := ""
	for _, m := range more {
		attributes += " " + m
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s"%s>%s</text>`+"\n", x, y, anchor, colour, attributes, html.EscapeString(s))
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
