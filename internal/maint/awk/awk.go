// Package awk is the language awk: POSIX's (IEEE 1003.1-2017, awk) with what mawk
// 1.3.4, Debian's awk, adds: length(array), delete array, nextfile, fflush, regular
// expressions as RS, tolower and toupper, and mawk's rules where POSIX leaves room:
// bytes for characters, numbers and escapes as it reads and prints them, and the order
// in which "for (k in a)" visits elements (see array).
//
// Not as in mawk: matches are the leftmost-longest, where mawk's matcher now and then
// misses one, repetitions in braces are read as mawk reads them since 2020, and hexadecimal
// numbers in the input are none, as in Debian 13's mawk. substr is mawk's, not POSIX's.
//
// A program reaches nothing but what Options hand it, and is bounded in steps, live
// bytes, depth and output. Pipes, system() and what depends on the clock or on chance
// (rand, srand, systime, strftime, mktime) end it with an UnsupportedError.
package awk

import (
	"fmt"
	"io"
)

// Files opens the files that a program names. An error is an ordinary outcome that the
// program sees, unless it is a *StopError.
type Files interface {
	Open(name string) (io.ReadCloser, error)
	// Create opens a file for writing, anew or to append to it.
	Create(name string, appending bool) (io.WriteCloser, error)
}

// StopError is an error of Files or a stream that ends the program.
type StopError struct{ Err error }

func (e *StopError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StopError) Unwrap() error { return e.Err }

// Options are the surroundings of one run.
type Options struct {
	Name           string   // ARGV[0]
	Args           []string // ARGV[1] and on
	Assign         []string // of -v, "name=value", made before BEGIN; escapes count
	Environ        []string // "name=value", for ENVIRON
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Files          Files
	Limits         Limits
	// ErrorText words an error of Files for a message; nil means its Error.
	ErrorText func(error) string
}

// Limits bound one run. A zero field means its default.
type Limits struct {
	Steps  int64 // evaluated parts of expressions and statements, and each 64 bytes gone through; 100,000,000
	Memory int64 // live bytes of strings, arrays, fields and buffers; 64 MiB
	Depth  int   // statements and expressions being evaluated inside each other, of which a call takes about five; 20,000
	Output int64 // bytes printed, to all files together; 256 MiB
}

func (l Limits) orDefaults() Limits {
	if l.Steps == 0 {
		l.Steps = 100_000_000
	}
	if l.Memory == 0 {
		l.Memory = 64 << 20
	}
	if l.Depth == 0 {
		l.Depth = 20_000
	}
	if l.Output == 0 {
		l.Output = 256 << 20
	}
	return l
}

// Resource is what a LimitError is about.
type Resource string

// The resources that are bounded.
const (
	Steps  Resource = "steps"
	Memory Resource = "bytes of memory"
	Depth  Resource = "levels of calls and expressions"
	Output Resource = "bytes of output"
	Source Resource = "bytes of program text"
	Nested Resource = "levels of parts of the program in each other"
	States Resource = "states of a regular expression"
	Opened Resource = "open files"
)

// LimitError says that a program wanted more of a resource than it may have.
type LimitError struct {
	Resource Resource
	Limit    int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the awk program needs more than %d %s", e.Limit, e.Resource)
}

// UnsupportedError says that a program came to something that is not carried out.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("an awk program that uses %s is not supported", e.What)
}

// SyntaxError is of a program that is none. Line counts from 1.
type SyntaxError struct {
	Line int
	Text string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// RuntimeError is a mistake of the program, or a file of its that cannot be read,
// found while it ran.
type RuntimeError struct{ Text string }

func (e *RuntimeError) Error() string { return e.Text }
