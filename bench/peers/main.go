// Peers measures kiln beside the tools that people use in its place, on this
// machine, in one run, in turns, and prints ratios with their spread.
//
//	go run ./bench/peers [-runs 5] [-growth 20,50,...] [-cache FOLDER] [-json FILE] [-plot FILE.svg] [-doc docs/performance.md]
//
// Packages are fetched once, through kiln's own locks, into the cache folder; it
// finds the mirror as kiln does. From there on nothing needs a network: the peers
// get a local archive of the very same .debs, kiln a store that holds them and a
// mirror at which nobody answers. Needs Linux, dpkg-deb and mmdebstrap; takes
// debootstrap, pigz and umoci along where they are there.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// options are the flags.
type options struct {
	cache, kiln     string
	runs            int
	only            *regexp.Regexp
	growth          []int
	json, plot, doc string
	render, note    string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse()
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func parse() (options, error) {
	var o options
	flag.StringVar(&o.cache, "cache", "", "keep packages and stores in `FOLDER`; default kiln-peers in the user's cache folder")
	flag.StringVar(&o.kiln, "kiln", "", "measure this `BINARY`; default: built of this checkout")
	flag.IntVar(&o.runs, "runs", 5, "measure each contestant so `often`, after one run that does not count")
	only := flag.String("only", "", "only contests whose name matches `REGEXP`: minbase, server150, small, disk, growth")
	growth := flag.String("growth", "20,50,100,200,400,800,1500", "`numbers` of packages, ascending")
	flag.StringVar(&o.json, "json", "", "write all numbers to `FILE`")
	flag.StringVar(&o.plot, "plot", "", "write the plot to `FILE`.svg; with -doc the default is beside it")
	flag.StringVar(&o.doc, "doc", "", "put the results between the marks of `FILE`.md")
	flag.StringVar(&o.render, "render", "", "measure nothing: print, plot and write the numbers that -json kept in `FILE`")
	flag.StringVar(&o.note, "note", "", "a `sentence` on the circumstances, to stand with the results")
	flag.Parse()
	if flag.NArg() > 0 {
		return o, fmt.Errorf("cannot use the argument %q: there are only flags", flag.Arg(0))
	}
	if o.runs < 1 {
		return o, fmt.Errorf("cannot measure %d runs: -runs is at least 1", o.runs)
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, err
	}
	for _, s := range strings.Split(*growth, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 || len(o.growth) > 0 && n <= o.growth[len(o.growth)-1] {
			return o, fmt.Errorf("cannot use -growth %s: it is a list of ascending numbers", *growth)
		}
		o.growth = append(o.growth, n)
	}
	if o.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return o, err
		}
		o.cache = filepath.Join(dir, "kiln-peers")
	}
	if o.doc != "" && o.plot == "" {
		o.plot = strings.TrimSuffix(o.doc, filepath.Ext(o.doc)) + ".svg"
	}
	o.cache, err = filepath.Abs(o.cache)
	return o, err
}

// run measures all, or takes the numbers of an earlier run, prints, and writes what
// was asked for.
func run(ctx context.Context, o options) error {
	var r results
	if o.render != "" {
		data, err := os.ReadFile(o.render)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &r); err != nil {
			return fmt.Errorf("cannot read %s: %w", o.render, err)
		}
		fmt.Println(r.Machine.text())
	} else if err := r.measure(ctx, o); err != nil {
		return err
	}
	if o.note != "" {
		r.Note = o.note
	}
	fmt.Print("\n" + r.text())
	return r.write(o)
}

// measure does all that -only does not leave out.
func (r *results) measure(ctx context.Context, o options) error {
	b, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	r.Machine, r.Runs = b.machine(ctx), o.runs
	fmt.Println(r.Machine.text())
	for _, c := range contests() {
		if !o.only.MatchString(c.name) {
			continue
		}
		rows, err := c.measure(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		r.Rows = append(r.Rows, rows...)
	}
	if o.only.MatchString("growth") {
		if r.Growth, err = b.measureGrowth(ctx); err != nil {
			return fmt.Errorf("growth: %w", err)
		}
	}
	return nil
}

// write saves what the flags ask for.
func (r results) write(o options) error {
	if o.json != "" {
		data, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(data, '\n'), 0o666); err != nil {
			return err
		}
	}
	if o.plot != "" && len(r.Growth) > 0 {
		if err := os.WriteFile(o.plot, []byte(r.plot()), 0o666); err != nil {
			return err
		}
	}
	if o.doc != "" {
		return r.writePage(o.doc, o.plot)
	}
	return nil
}
