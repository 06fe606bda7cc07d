package main

import (
	"context"
	"fmt"
	"os"
)

// contest is contestants that take turns, and what is to be said of them.
type contest struct {
	name    string
	measure func(context.Context, *bench) ([]row, error)
}

// contestant is one command that is measured again and again.
type contestant struct {
	name    string
	prepare func(run int) error // before each run, not measured; may be nil
	command func(run int) child
	check   func(run int, out []byte) error // after each run, not measured; may be nil
	samples []sample
}

// takeTurns runs the contestants in turns (A B C A B C...), so that what else goes
// on in the machine hits all of them. The first round does not count: it warms
// the page cache for everybody.
func takeTurns(ctx context.Context, name string, runs int, all []*contestant) error {
	for run := range runs + 1 {
		for _, c := range all {
			s, err := c.turn(ctx, run)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			fmt.Fprintf(os.Stderr, "%s %d/%d  %-60s %8.3f s\n", name, run, runs, c.name, s.Seconds)
			if run > 0 {
				c.samples = append(c.samples, s)
			}
		}
	}
	return nil
}

func (c *contestant) turn(ctx context.Context, run int) (sample, error) {
	if c.prepare != nil {
		if err := c.prepare(run); err != nil {
			return sample{}, err
		}
	}
	settle()
	s, out, err := c.command(run).run(ctx)
	if err == nil && c.check != nil {
		err = c.check(run, out)
	}
	return s, err
}

// series are the seconds of all runs that count.
func (c *contestant) series() series {
	var s series
	for _, one := range c.samples {
		s = append(s, one.Seconds)
	}
	return s
}

// cpu is the processor time of all runs that count, in seconds.
func (c *contestant) cpu() series {
	var s series
	for _, one := range c.samples {
		s = append(s, one.CPU)
	}
	return s
}

// peaks are the peaks of memory of all runs that count, in bytes.
func (c *contestant) peaks() series {
	var s series
	for _, one := range c.samples {
		s = append(s, float64(one.Peak))
	}
	return s
}
