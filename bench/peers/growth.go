package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"kiln/internal/lock"
)

// maxPeak is the bar of issue 4 for resident memory, in bytes.
const maxPeak = 400e6

// point is what an image of so many packages took.
type point struct {
	Packages   int    `json:"packages"`
	Skipped    int    `json:"skipped"`     // scripts that kiln could not carry out
	DebBytes   int64  `json:"deb_bytes"`   // of all .debs
	ImageBytes int64  `json:"image_bytes"` // of the layers, compressed
	Cold       timing `json:"cold"`        // .debs at hand, nothing else
	Warm       timing `json:"warm"`        // all but the image
	Same       timing `json:"same"`        // no change
}

// timing is seconds and peak memory in bytes, one for each run.
type timing struct {
	Seconds series `json:"seconds"`
	CPU     series `json:"cpu"` // seconds of processor time
	Peak    series `json:"peak"`
}

func (c *contestant) timing() timing { return timing{c.series(), c.cpu(), c.peaks()} }

// grown is one image of the growing row.
type grown struct {
	*whole
	skip []string // lines of the recipe
}

// measureGrowth builds ever larger images, each of the packages of the one before
// and more.
func (b *bench) measureGrowth(ctx context.Context) ([]point, error) {
	base, err := b.newWhole(ctx, "minbase")
	if err != nil {
		return nil, err
	}
	candidates, err := b.candidates(ctx, base.lock)
	if err != nil {
		return nil, err
	}
	most := b.options.growth[len(b.options.growth)-1]
	names := choose(candidates, packagesOf(base.lock), most)
	if len(names) < most {
		return nil, fmt.Errorf("cannot choose %d packages: the archive has %d that fit", most, len(names))
	}
	points := make([]point, 0, len(b.options.growth)) // contestants point into it
	var all []*contestant
	for _, n := range b.options.growth {
		fmt.Fprintf(os.Stderr, "growth: fetching %d packages\n", n)
		g, err := b.newGrown(ctx, names[:n])
		if err != nil {
			return nil, err
		}
		points = append(points, g.point())
		all = append(all, g.contestants(&points[len(points)-1])...)
	}
	if err := takeTurns(ctx, "growth", b.options.runs, all); err != nil {
		return nil, err
	}
	for i := range points {
		p := &points[i]
		p.Cold, p.Warm, p.Same = all[3*i].timing(), all[3*i+1].timing(), all[3*i+2].timing()
	}
	return points, nil
}

func (g *grown) point() point {
	p := point{Packages: len(packagesOf(g.lock)), Skipped: len(g.skip)}
	for _, pkg := range packagesOf(g.lock) {
		p.DebBytes += pkg.Size
	}
	return p
}

// contestants are the cold build, the one of a new image, and that of no change.
func (g *grown) contestants(p *point) []*contestant {
	warm := g.warm(g.fetched, "oci")
	same := filepath.Join(g.dir, "same")
	all := []*contestant{g.cold("oci"), warm, {
		name:    "kiln, no change",
		prepare: func(int) error { return g.lay(same, g.text) },
		command: func(int) child { return g.build(same, g.fetched, "-o", "oci:"+filepath.Join(same, "out.oci")) },
		check: func(_ int, out []byte) error {
			r, err := readReport(out)
			if err == nil {
				p.ImageBytes = r.Images[0].Size
			}
			return err
		},
	}}
	for _, c := range all {
		c.name = fmt.Sprintf("%d packages: %s", p.Packages, c.name)
	}
	return all
}

// toSkip finds in kiln's message the script that it stopped at: the line that it
// offers for the recipe.
var toSkip = regexp.MustCompile(`- \{package: (\S+), scripts: \[(preinst|postinst)\]`)

// newGrown fetches and builds the image once. Where a maintainer script stops the
// build, the recipe does without that script, and says so.
func (b *bench) newGrown(ctx context.Context, names []string) (*grown, error) {
	name := fmt.Sprintf("growth-%d", len(names))
	g := &grown{}
	for {
		text := growthRecipe(names, g.skip)
		dir, err := b.fetch(ctx, name, text)
		if err == nil {
			l, err := lock.Load(filepath.Join(dir, "kiln.lock"))
			g.whole = &whole{bench: b, name: name, text: text, lock: l, dir: filepath.Join(b.work, name)}
			return g, err
		}
		var failed *failure
		if !errors.As(err, &failed) {
			return nil, err
		}
		m := toSkip.FindStringSubmatch(failed.text)
		if m == nil || len(g.skip) >= len(names) {
			return nil, err
		}
		line := fmt.Sprintf("  - {package: %s, scripts: [%s], why: it cannot be carried out in this image}\n", m[1], m[2])
		if strings.Contains(strings.Join(g.skip, ""), line) {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "growth: without the %s of %s\n", m[2], m[1])
		g.skip = append(g.skip, line)
	}
}

// growthRecipe wants just the packages that are named.
func growthRecipe(names, skip []string) string {
	var b strings.Builder
	b.WriteString("kiln: v1\nname: growth\nplatforms: [linux/amd64]\nsources:\n  - {archive: debian, suite: trixie, pockets: []}\nlayers:\n  - name: base\n    packages:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "      - %s: measured\n", name)
	}
	b.WriteString("rules:\n  off:\n")
	for _, rule := range []string{"no-doc", "no-man", "no-info", "no-locale", "no-lintian", "no-traces"} {
		fmt.Fprintf(&b, "      - %s: all that packages ship is measured\n", rule)
	}
	if len(skip) > 0 {
		b.WriteString("skip:\n" + strings.Join(skip, ""))
	}
	return b.String()
}

var growthHead = []string{"packages", ".debs", "layer", "cold", "peak", "everything cached but the image", "peak", "no change", "peak"}

func (p point) cells() []string {
	cells := []string{fmt.Sprint(p.Packages), megabytes(float64(p.DebBytes)), megabytes(float64(p.ImageBytes))}
	for _, t := range []timing{p.Cold, p.Warm, p.Same} {
		cells = append(cells, seconds(t.Seconds), megabytes(t.Peak.most()))
	}
	return cells
}

// verdicts hold the growth against its bars: from the first image of 100 packages
// or more to the largest, time grows no faster than bytes (a tenth is granted to
// noise), and no build needs more than maxPeak.
func verdicts(points []point) []string {
	last := points[len(points)-1]
	first := last
	for _, p := range points {
		if p.Packages >= 100 {
			first = p
			break
		}
	}
	bytes := float64(last.ImageBytes) / float64(first.ImageBytes)
	var list []string
	for _, t := range []struct {
		name        string
		first, last timing
	}{
		{"cold store", first.Cold, last.Cold},
		{"everything cached but the image", first.Warm, last.Warm},
		{"no change", first.Same, last.Same},
	} {
		times := t.last.Seconds.median() / t.first.Seconds.median()
		list = append(list, fmt.Sprintf("%s, from %d to %d packages: bytes x %.1f, time x %.1f; time grows no faster than bytes: %s. Peak memory x %.1f, at most %s; under %s: %s.",
			t.name, first.Packages, last.Packages, bytes, times, yesNo(times <= 1.1*bytes),
			t.last.Peak.median()/t.first.Peak.median(), megabytes(t.last.Peak.most()), megabytes(maxPeak), yesNo(t.last.Peak.most() < maxPeak)))
	}
	return list
}
